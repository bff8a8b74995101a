import { bind } from '@peerbridge/command';
import { changePreferences, enrollParticipant, participantStream } from './decider.js';

export const enrollParticipantBinding = bind(participantStream, enrollParticipant);

export const changePreferencesBinding = bind(participantStream, changePreferences, {
  facts: async ({ access }) => ({ onTeam: access?.decision.onTeam ?? false }),
  withdrawal: ({ contactsOpenToTeam }) => contactsOpenToTeam === false,
});
