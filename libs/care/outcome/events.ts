import { z } from 'zod';
import { day, defineEvent, id, shortText, type FactOf, type NewEventOf } from '@peerbridge/kernel';

/** HUD employment: full-time, part-time, seasonal, and the reasons for none. */
export const employmentStatuses = [
  'fullTime', 'partTime', 'seasonal', 'lookingForWork', 'unableToWork', 'notLooking',
] as const;

export const employmentStatusRecorded = defineEvent({
  type: 'EmploymentStatusRecorded',
  version: 2,
  /** What a report does not speak of stands as it was (`standing.ts`); null takes it out. In version 1 both took it out. */
  schema: z.object({
    recordId: id,
    participantId: id,
    status: z.enum(employmentStatuses),
    startDate: day.nullable().optional(),
    /** The wording that the person approved. */
    accommodation: shortText.nullable().optional(),
  }),
  sealed: { status: 'employment', startDate: 'employment', accommodation: 'employment' },
  segments: () => ['employment'],
  // Status is sealed with the two: what holds it is the part that they are missing from.
  upcasters: { 1: (data) => ('status' in data ? { startDate: null, accommodation: null, ...data } : data) },
});

export const outcomeEvents = [employmentStatusRecorded];
export type OutcomeEvent = NewEventOf<(typeof outcomeEvents)[number]>;
export type OutcomeFact = FactOf<(typeof outcomeEvents)[number]>;
