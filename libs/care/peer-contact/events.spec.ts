import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { peerContactEvents } from './events.js';

describe('The events of a peer contact', () => {
  testEvents(peerContactEvents, import.meta.url, {
    PeerContactLogged: {
      peer: [
        'activities', 'continuumStage', 'dimensions', 'livedExperienceShared', 'narrative', 'setting', 'summary', 'supportTypes',
      ],
    },
    ContactVisibilitySet: {},
  });
});
