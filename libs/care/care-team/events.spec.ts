import { describe, it, expect } from '@jest/globals';
import { describeGoldenFiles } from '../../kernel/golden.js';
import { careTeamEvents, teamMemberJoined } from './events.js';

describeGoldenFiles(import.meta.url, careTeamEvents);

describe('The name of one who joins', () => {
  it('is sealed with what belongs to the team', () => {
    expect(teamMemberJoined.sealed({} as never)).toEqual({ name: 'team' });
  });
});
