import { z } from 'zod';
import { day, forbidden, id, shortText, type CommandDefinition, type StreamDefinition } from '@peerbridge/kernel';
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
  /** The caller is a current member of this person's team. */
  onTeam: boolean;
}

const input = z.object({
  participantId: id,
  status: z.enum(employmentStatuses),
  startDate: day.optional(),
  accommodation: shortText.optional(),
});

export const recordEmploymentStatus: CommandDefinition<z.infer<typeof input>, OutcomeState, OutcomeEvent, OutcomeFacts> = {
  name: 'recordEmploymentStatus',
  roles: ['person', 'peer'],
  input,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  admit({ caller, facts }) {
    if (caller.role === 'peer' && !facts.onTeam) throw forbidden('Only a peer on the team records outcomes.');
  },
  decide: ({ input, newId }) => [{ type: 'EmploymentStatusRecorded', data: { recordId: newId(), ...input } }],
};

export const outcomeCommands = [recordEmploymentStatus];
