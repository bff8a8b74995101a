import type { Actor } from './cast.js';

/** One mutation, and who sends it. */
export interface Step {
  as: Actor;
  mutation: string;
  input: Record<string, unknown>;
}

export interface Answer {
  id: string;
}

/** Hands out steps and is handed their answers. Pure: with the same answers, the same steps. */
export type Story<Result = void> = Generator<Step, Result, Answer>;
