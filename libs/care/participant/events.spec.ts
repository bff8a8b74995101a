import { describe, it, expect } from '@jest/globals';
import { describeGoldenFiles } from '../../kernel/golden.js';
import { participantEnrolled, participantEvents, preferencesChanged } from './events.js';

describeGoldenFiles(import.meta.url, participantEvents);

describe('What the log says of a person in the clear', () => {
  it('is which ids and which rules, and nothing that tells who they are', () => {
    const enrolled = Object.keys(participantEnrolled.sealed({} as never));
    expect(enrolled.sort()).toEqual([
      'accessibility', 'birthDate', 'contact', 'doNotAskTopics', 'emergencyContact', 'enrolledVia', 'householdSize',
      'interpreterNeeded', 'language', 'legalName', 'pathway', 'preferredName', 'primaryPeerName', 'regularSourceOfCare',
      'safeContact', 'setting', 'track',
    ]);
    const changed = Object.keys(preferencesChanged.sealed({} as never));
    expect(changed.sort()).toEqual(['accessibility', 'contact', 'doNotAskTopics', 'householdSize', 'safeContact']);
  });
});
