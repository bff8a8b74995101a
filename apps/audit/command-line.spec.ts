import { describe, expect, it } from '@jest/globals';
import { parseCommandLine, UsageError } from './command-line.js';

const id = '0b6c4d9a-1111-4222-8333-00000000000a';
const question = {
  '--participant': id, '--at': '2026-05-04T11:00:00+02:00', '--role': 'peer', '--member': id.toUpperCase(), '--org': id,
};
const asOf = (change: Record<string, string | undefined> = {}): string[] =>
  ['as-of', ...Object.entries({ ...question, ...change }).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]))];

describe('The command line of audits', () => {
  it('takes a question as of a time, with ids in lower case and the time in UTC', () => {
    expect(parseCommandLine(asOf())).toEqual({
      name: 'as-of', flags: { participant: id, at: '2026-05-04T09:00:00.000Z', role: 'peer', member: id, org: id },
    });
  });

  it('takes a replay with and without bounds', () => {
    expect(parseCommandLine(['replay'])).toEqual({ name: 'replay', flags: {} });
    expect(parseCommandLine(['replay', '--from=a', '--to', 'b'])).toEqual({ name: 'replay', flags: { from: 'a', to: 'b' } });
  });

  it('asks for what is missing', () => {
    for (const flag of Object.keys(question)) {
      expect(() => parseCommandLine(asOf({ [flag]: undefined }))).toThrow(new UsageError(`as-of needs ${flag}.`));
    }
    expect(() => parseCommandLine([])).toThrow(UsageError);
    expect(() => parseCommandLine(['replay', '--from'])).toThrow(/--from/);
  });

  it('refuses what is malformed', () => {
    const malformed = {
      '--participant': 'P1', '--at': '2026-02-30T00:00:00Z', '--role': 'sponsor', '--member': '', '--org': 'OrgR',
    };
    for (const [flag, value] of Object.entries(malformed)) {
      expect(() => parseCommandLine(asOf({ [flag]: value }))).toThrow(new UsageError(`${flag} is malformed.`));
    }
  });

  it('refuses what it does not know, and what belongs to another command', () => {
    expect(() => parseCommandLine(['export'])).toThrow(new UsageError('There is no command export.'));
    expect(() => parseCommandLine(['toString'])).toThrow(UsageError);
    expect(() => parseCommandLine(['replay', 'all'])).toThrow(new UsageError('replay takes no all.'));
    expect(() => parseCommandLine(['replay', '--since', 'now'])).toThrow(/--since/);
    expect(() => parseCommandLine(['rebuild', '--participant', id])).toThrow(new UsageError('rebuild takes no --participant.'));
  });

  it('has nothing to say beside the usage where help is asked for', () => {
    expect(() => parseCommandLine(['replay', '--help'])).toThrow(new UsageError(''));
  });
});
