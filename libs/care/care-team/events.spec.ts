import { describe } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { careTeamEvents } from './events.js';

describe('The events of a care team', () => {
  testEvents(careTeamEvents, import.meta.url, {
    TeamMemberInvited: {},
    TeamMemberJoined: { team: ['name'] },
    TeamMemberRemoved: {},
    WorkerRestricted: {},
    RestrictionLifted: {},
  });
});
