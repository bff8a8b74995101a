import { bind } from '@peerbridge/command';
import { permitsField } from '@peerbridge/disclosure';
import { membershipThen } from '../care-team/index.js';
import { outcomeStream, recordEmploymentStatus } from './decider.js';

export const recordEmploymentStatusBinding = bind(outcomeStream, recordEmploymentStatus, {
  facts: async (context) => ({
    membership: membershipThen(context),
    reads: context.access !== undefined && permitsField(context.access.decision, 'employment'),
  }),
});
