import type { z } from 'zod';
import type { Caller } from './caller.js';
import type { DomainError } from './errors.js';
import type { Actor, AnyEventDefinition, FactContext } from './event.js';
import type { Role } from './vocabulary.js';

/** A kind of stream: the smallest set that a rule ranges over, and how to fold it. All pure. */
export interface StreamDefinition<State, Fact extends FactOfAnyType = FactOfAnyType> {
  /** camelCase, before the first hyphen of the stream's name, e.g. `careTeam` in `careTeam-<participantId>`. */
  readonly category: string;
  /** What the part after the hyphen is: the participant's id, or that of the one entity in the stream. */
  readonly keyedBy: 'participant' | 'entity';
  /** The event types this stream holds. */
  readonly events: readonly AnyEventDefinition[];
  /** Other categories of the same person whose (immutable) first events are folded beforehand, e.g. who enrolled them. */
  readonly foldsFirst?: readonly string[];
  initialState(): State;
  /**
   * Total: never throws, never reads a clock. A fold owns its state: this may change it in place and answers with it, so that
   * a stream of many events costs as much for each of them as a short one.
   */
  evolve(state: State, fact: Fact): State;
  /** The node that an event touches: that node's version counts it, unless the node `livesElsewhere`. */
  entityOf(fact: Fact): string;
  /** The kind of those nodes, as in their labels. Default: the category. */
  readonly entityType?: string;
}

/** The category of the stream that makes a person. */
const PARTICIPANT = 'participant';

/**
 * Whether an event of another stream (an outcome, a restriction) touches the participant: the version stays that of the
 * participant's own stream, so that it goes on counting in one.
 */
export const livesElsewhere = (category: string, entity: string, participantId: string | undefined): boolean =>
  entity === participantId && category !== PARTICIPANT;

export const participantStreamOf = (participantId: string): string => `${PARTICIPANT}-${participantId}`;

export interface FactOfAnyType extends FactContext {
  type: string;
  data: object;
}

/**
 * What a command is about.
 * - participant: must be visible to the caller, else NOT_FOUND; `unseen` leaves that to the command's `authorize`
 * - item: a node of the view (`peerContact`, `referral`, …), likewise
 * - unborn: the command creates a node of this type; nothing to see yet
 */
export type Subject =
  | { kind: 'participant'; id: string; unseen?: boolean }
  | { kind: 'item'; type: string; id: string; unseen?: boolean }
  | { kind: 'unborn'; type: string; id: string; participantId?: string };

export interface Command<Input, Facts = undefined> {
  input: Input;
  caller: Caller;
  actor: Actor;
  /** Domain time, RFC 3339 UTC with milliseconds. */
  now: string;
  /** When it happened: given by the caller, never later than `now`. */
  occurredAt: string;
  /** The person it is about; the empty string where it is about none (an organization). */
  participantId: string;
  /** The id of the index-th thing this command creates: the same for every repeat, and nobody's to compute. */
  newId(index?: number | string): string;
  /** What was found in other streams, by way of the view. */
  facts: Facts;
}

/**
 * One command, one GraphQL mutation of the same name. Checks run in the order of the interface: `roles`, `input`,
 * visibility of the subject, `admit` and `authorize` (wrong party), the expected version, `decide`.
 */
export interface CommandDefinition<Input, State, NewEvent extends { type: string }, Facts = undefined> {
  readonly name: string;
  /** By role alone; anyone else is FORBIDDEN_ROLE. */
  readonly roles: readonly Role[];
  /** Roles that are refused by `authorize` or `decide` where what they ask is well-formed: there is more to say than that. */
  readonly refusedLater?: readonly Role[];
  /** The fields beside commandId, expectedVersion and occurredAt, which every command has. */
  readonly input: z.ZodType<Input>;
  /** Fields that null takes out: elsewhere it is the same as saying nothing. */
  readonly clearable?: readonly (keyof Input & string)[];
  /** Fields that hold when something happened: what a device's clock puts a moment ahead is now. */
  readonly happened?: readonly (keyof Input & string)[];
  /** Fields that are missing or wrong by who asks and when (RFC 3339), beside what the schema says. */
  faults?(input: Input, caller: Caller, now: string): readonly string[];
  /** When it happened, where the caller names no `occurredAt`: default now. */
  occurredAt?(input: Input): string;
  subject(input: Input, caller: Caller, newId: (index?: number | string) => string): Subject;
  /** The node whose version the caller may expect; undefined where the command creates one. */
  entity?(input: Input, state: State, caller: Caller): string | undefined;
  /**
   * Who may ask at all, by what the view tells: decided before any stream is loaded, so that a refusal takes as long for a known
   * person as for an unknown one. @throws DomainError NOT_FOUND or FORBIDDEN_ROLE
   */
  admit?(command: Command<Input, Facts>): void;
  /** The same by what the stream holds. @throws DomainError NOT_FOUND or FORBIDDEN_ROLE where the caller is not a party */
  authorize?(command: Command<Input, Facts>, state: State): void;
  /** At least one event, the first of which touches the node that the payload answers with. @throws DomainError */
  decide(command: Command<Input, Facts>, state: State): readonly NewEvent[];
  /** What is answered though the command was recorded: a wish that the law grants only later. */
  refusal?(recorded: NewEvent['type']): DomainError | undefined;
}
