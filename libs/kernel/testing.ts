import { deepStrictEqual, fail } from 'node:assert/strict';
import { v5 } from 'uuid';
import type { Caller } from './caller.js';
import type { Command, CommandDefinition, FactOfAnyType, StreamDefinition } from './command.js';
import { DomainError, invalid, type ErrorCode, type ErrorDetails } from './errors.js';
import { fieldsAtFault } from './input.js';

/** The id that a command of a test gives to the `index`-th thing it makes, and whatever else a test needs an id for. */
export const derivedId = (actorId: string, commandId: string, index: number | string): string =>
  v5(`${actorId}/${commandId}/${index}`, v5.URL);

/** What a test may say about the circumstances of a command; the rest has sensible values. */
export interface Circumstances<Facts> {
  as: Caller;
  /** Default 2026-01-15T12:00:00.000Z. */
  now?: string;
  occurredAt?: string;
  participantId?: string;
  commandId?: string;
  facts?: Facts;
}

/** An event as it lies in a stream, for `given`. Revisions are counted up in the order they are given. */
export function fact<Type extends string, Data extends object>(
  type: Type, data: Data, by: Caller, at = '2026-01-01T09:00:00.000Z',
): FactOfAnyType & { type: Type; data: Data } {
  return {
    type, data, eventId: derivedId(by.memberId, type, JSON.stringify(data)), revision: 0, occurredAt: at, recordedAt: at,
    actor: { id: by.memberId, role: by.role, orgId: by.orgId },
  };
}

/**
 * Given the facts of a stream, when a command is asked, then these events or this refusal.
 *
 *     given(consentStream, granted).when(revokeConsent, input, { as: person }).then({ type: 'ConsentRevoked', data })
 */
export function given<State, Fact extends FactOfAnyType>(stream: StreamDefinition<State, Fact>, ...facts: NoInfer<Fact>[]) {
  const fold = (folded: State, one: (typeof facts)[number], revision: number) => stream.evolve(folded, { ...one, revision });
  const state = facts.reduce(fold, stream.initialState());
  return {
    state,
    when<Input, NewEvent extends { type: string }, Facts>(
      definition: CommandDefinition<Input, State, NewEvent, Facts>, input: unknown, circumstances: Circumstances<NoInfer<Facts>>,
    ) {
      const run = (): readonly NewEvent[] => {
        const { as: caller } = circumstances;
        const parsed = definition.input.safeParse(input);
        const admitted = parsed.success ? [...definition.roles, ...definition.refusedLater ?? []] : definition.roles;
        if (!admitted.includes(caller.role)) throw new DomainError('FORBIDDEN_ROLE', `Not for ${caller.role}`);
        if (!parsed.success) throw invalid('Malformed', ...fieldsAtFault(parsed.error));
        const now = circumstances.now ?? '2026-01-15T12:00:00.000Z';
        const faults = definition.faults?.(parsed.data, caller, now) ?? [];
        if (faults.length > 0) throw invalid('Malformed', ...faults);
        const newId = (index: number | string = 0) => derivedId(caller.memberId, circumstances.commandId ?? 'command', index);
        const subject = definition.subject(parsed.data, caller, newId);
        const command: Command<Input, Facts> = {
          input: parsed.data, caller, now, newId,
          actor: { id: caller.memberId, role: caller.role, orgId: caller.orgId },
          occurredAt: circumstances.occurredAt ?? definition.occurredAt?.(parsed.data) ?? now,
          participantId: circumstances.participantId
            ?? (subject.kind === 'participant' ? subject.id : subject.kind === 'unborn' ? subject.participantId ?? '' : ''),
          facts: circumstances.facts as Facts,
        };
        definition.admit?.(command);
        definition.authorize?.(command, state);
        return definition.decide(command, state);
      };
      return {
        events: run,
        then(...expected: NoInfer<NewEvent>[]): void {
          deepStrictEqual(run(), expected);
        },
        thenRefused(code: ErrorCode, details?: ErrorDetails): void {
          try {
            run();
          } catch (error) {
            if (!(error instanceof DomainError)) throw error;
            deepStrictEqual(
              { code: error.code, ...(details && { details: error.details }) }, { code, ...(details && { details }) },
            );
            return;
          }
          fail(`expected to be refused with ${code}`);
        },
      };
    },
  };
}
