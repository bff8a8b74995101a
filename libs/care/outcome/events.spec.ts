import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { outcomeEvents } from './events.js';

describe('The events of outcomes', () => {
  testEvents(outcomeEvents, import.meta.url, {
    EmploymentStatusRecorded: { employment: ['accommodation', 'startDate', 'status'] },
  });
});
