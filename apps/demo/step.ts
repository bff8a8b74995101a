import type { Actor } from './cast.js';

/** One mutation, and who sends it. */
export interface Step {
  as: Actor;
  mutation: string;
  input: Record<string, unknown>;
  /** Of the payload, beside its id. */
  select?: string;
}

export type Answer = { id: string } & Record<string, unknown>;

/** Hands out steps and is handed their answers. Pure: with the same answers, the same steps. */
export type Story<Result = void> = Generator<Step, Result, Answer>;

/** Selects when an event of this type was recorded, of the person it is about. */
export const recordedAt = (type: string): string =>
  `timeline(first: 1, filter: { types: ["${type}"] }) { edges { node { recordedAt } } }`;

/** Reads what `recordedAt` selected. */
export const whenRecorded = (participant: unknown): string =>
  (participant as { timeline: { edges: [{ node: { recordedAt: string } }] } }).timeline.edges[0].node.recordedAt;
