import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { participantEvents } from './events.js';

describe('The events of a participant', () => {
  testEvents(participantEvents, import.meta.url, {
    ParticipantEnrolled: {
      identity: [
        'accessibility', 'birthDate', 'contact', 'emergencyContact', 'householdSize', 'interpreterNeeded', 'language',
        'legalName', 'preferredName',
      ],
      health: ['regularSourceOfCare'],
      peer: ['enrolledVia', 'pathway', 'setting', 'track'],
      safety: ['doNotAskTopics', 'safeContact'],
      team: ['primaryPeerName'],
    },
    PreferencesChanged: {
      identity: ['accessibility', 'contact', 'householdSize'],
      safety: ['doNotAskTopics', 'safeContact'],
    },
    ParticipantCorrected: { identity: ['birthDate', 'language', 'legalName', 'preferredName'] },
  });
});
