import { z } from 'zod';
import { defineEvent, type FactOf, type NewEventOf } from '@peerbridge/kernel';

/** Organizations are no persons: everything is open. */
export const organizationRegistered = defineEvent({
  type: 'OrganizationRegistered',
  schema: z.object({
    organizationId: z.guid(),
    name: z.string(),
    /** The neutral name by which a Part 2 program is known outside it. */
    alias: z.string().optional(),
    /** Holds substance-use records under 42 CFR Part 2. */
    part2Program: z.boolean(),
  }),
  segments: () => [],
});

export const organizationEvents = [organizationRegistered];
export type OrganizationEvent = NewEventOf<(typeof organizationEvents)[number]>;
export type OrganizationFact = FactOf<(typeof organizationEvents)[number]>;
