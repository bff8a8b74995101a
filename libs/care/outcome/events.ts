import { z } from 'zod';
import { day, defineEvent, id, shortText, type FactOf, type NewEventOf } from '@peerbridge/kernel';

/** HUD employment: full-time, part-time, seasonal, and the reasons for none. */
export const employmentStatuses = [
  'fullTime', 'partTime', 'seasonal', 'lookingForWork', 'unableToWork', 'notLooking',
] as const;

export const employmentStatusRecorded = defineEvent({
  type: 'EmploymentStatusRecorded',
  schema: z.object({
    recordId: id,
    participantId: id,
    status: z.enum(employmentStatuses),
    startDate: day.optional(),
    /** The wording that the person approved. */
    accommodation: shortText.optional(),
  }),
  sealed: { status: 'employment', startDate: 'employment', accommodation: 'employment' },
  segments: () => ['employment'],
});

export const outcomeEvents = [employmentStatusRecorded];
export type OutcomeEvent = NewEventOf<(typeof outcomeEvents)[number]>;
export type OutcomeFact = FactOf<(typeof outcomeEvents)[number]>;
