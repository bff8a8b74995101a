import { describe, it, expect } from '@jest/globals';
import { describeGoldenFiles } from '../../kernel/golden.js';
import { consentDrafted, consentEvents, consentGranted } from './events.js';

describeGoldenFiles(import.meta.url, consentEvents);

describe('The words of a consent form', () => {
  it.each([['a draft', consentDrafted], ['a grant', consentGranted]])('are sealed in %s', (_what, definition) => {
    expect(definition.sealed({} as never)).toEqual({ signature: 'identity', expiryEvent: 'team' });
  });
});
