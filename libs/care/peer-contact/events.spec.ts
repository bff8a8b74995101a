import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { peerContactEvents } from './events.js';

const told = [
  'activities', 'continuumStage', 'dimensions', 'livedExperienceShared', 'narrative', 'setting', 'summary', 'supportTypes',
];

describe('The events of a peer contact', () => {
  testEvents(peerContactEvents, import.meta.url, {
    PeerContactLogged: { peer: told },
    ContactVisibilitySet: {},
    PeerContactAmended: { peer: told },
    ContactEnteredInError: { peer: ['reason'] },
  });
});
