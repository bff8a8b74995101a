import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { organizationEvents } from './events.js';

describe('The events of an organization', () => {
  testEvents(organizationEvents, import.meta.url, { OrganizationRegistered: {} });
});
