import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { consentEvents } from './events.js';

describe('The events of a consent', () => {
  testEvents(consentEvents, import.meta.url, {
    ConsentDrafted: { identity: ['signature'], team: ['expiryEvent'] },
    ConsentGranted: { identity: ['signature'], team: ['expiryEvent'] },
    ConsentNarrowed: {},
    ConsentSuspended: {},
    SuspensionLifted: {},
    ConsentRevoked: {},
    RevocationRequested: {},
  });
});
