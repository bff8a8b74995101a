import { z } from 'zod';
import {
  day, forbidden, id, invalid, shortText, type CommandDefinition, type StreamDefinition,
} from '@peerbridge/kernel';
import { employmentStatuses, outcomeEvents, type OutcomeEvent, type OutcomeFact } from './events.js';

/** Each outcome is a report of its day; no rule ranges over several. */
export type OutcomeState = null;

export const outcomeStream: StreamDefinition<OutcomeState, OutcomeFact> = {
  category: 'outcome',
  keyedBy: 'participant',
  events: outcomeEvents,
  initialState: () => null,
  evolve: (state) => state,
  // What a caller reads back is the person, as of this report.
  entityOf: (fact) => fact.data.participantId,
};

export interface OutcomeFacts {
  /** The caller's on this person's team, now and when it happened. */
  membership: 'current' | 'notThen' | 'former' | 'none';
  /** They may read what was reported before. */
  reads: boolean;
}

const input = z.object({
  participantId: id,
  status: z.enum(employmentStatuses),
  startDate: day.nullable().optional(),
  accommodation: shortText.nullable().optional(),
});

export const recordEmploymentStatus: CommandDefinition<z.infer<typeof input>, OutcomeState, OutcomeEvent, OutcomeFacts> = {
  name: 'recordEmploymentStatus',
  roles: ['person', 'peer'],
  input,
  clearable: ['startDate', 'accommodation'],
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  admit({ caller, facts }) {
    if (caller.role === 'person') return;
    const onTeam = ['current', 'notThen'].includes(facts.membership);
    if (!onTeam) throw forbidden('Only a peer on the team records outcomes.');
    // Who may not read what stands would overwrite it unseen.
    if (!facts.reads) throw forbidden('Not without reading what was reported before.');
  },
  decide({ input, caller, newId, facts }) {
    if (caller.role !== 'person' && facts.membership === 'notThen') {
      throw invalid('Not on this care team at that time.', 'occurredAt');
    }
    return [{ type: 'EmploymentStatusRecorded', data: { recordId: newId(), ...input } }];
  },
};

export const outcomeCommands = [recordEmploymentStatus];
