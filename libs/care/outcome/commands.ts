import { bind } from '@peerbridge/command';
import { outcomeStream, recordEmploymentStatus } from './decider.js';

export const recordEmploymentStatusBinding = bind(outcomeStream, recordEmploymentStatus, {
  facts: async ({ access }) => ({ onTeam: access?.decision.onTeam ?? false }),
});
