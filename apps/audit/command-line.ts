import { parseArgs } from 'node:util';
import { z } from 'zod';
import { id, instant, roles } from '@peerbridge/kernel';

const USAGE = 2;
const usage = `Usage: npm run --silent audit -- <command>

  replay [--participant ID] [--from P] [--to P]
      The log, one JSON line per event, in its order. P is a position or the time of recording; both are inclusive.
  as-of --participant ID --at TIME --role ROLE --member ID --org ID
      What that member would see of the participant, from what had been recorded by then.
  rebuild
      Folds the whole log into a new view, compares it with the live one, and puts it in its place.

PEERBRIDGE_TOKEN is an auditor's token. Data on stdout; exit 1: a check failed, 2: usage.
`;

/** The command line, or what it names, is not one that can be run. */
export class UsageError extends Error {}

const commands = {
  replay: z.strictObject({ participant: id.optional(), from: z.string().optional(), to: z.string().optional() }),
  'as-of': z.strictObject({ participant: id, at: instant, role: z.enum(roles), member: id, org: id }),
  rebuild: z.strictObject({}),
} as const;

type Commands = { [Name in keyof typeof commands]: { name: Name; flags: z.output<(typeof commands)[Name]> } };
export type AuditCommand = Commands[keyof Commands];
export type ReplayFlags = Commands['replay']['flags'];
export type AsOfFlags = Commands['as-of']['flags'];

const text = { type: 'string' } as const;
const options = {
  participant: text, from: text, to: text, at: text, role: text, member: text, org: text,
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws UsageError, also where help is asked for: it is all there is to say */
export function parseCommandLine(args: readonly string[]): AuditCommand {
  const { positionals: [name, ...more], values: { help, ...given } } = parsed(args);
  if (help) throw new UsageError();
  if (name === undefined) throw new UsageError('Which command?');
  if (!isCommand(name)) throw new UsageError(`There is no command ${name}.`);
  if (more.length > 0) throw new UsageError(`${name} takes no ${more.join(' ')}.`);
  const flags = commands[name].safeParse(given);
  if (!flags.success) throw new UsageError(flags.error.issues.map((issue) => mistake(name, given, issue)).join('\n'));
  return { name, flags: flags.data } as AuditCommand;
}

/** Says what is wrong, and how it is done. Returns the exit code. */
export function usageMistake(error: unknown): number {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message && `${error.message}\n\n`}${usage}`);
  return USAGE;
}

const isCommand = (name: string): name is keyof typeof commands => Object.hasOwn(commands, name);

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function mistake(command: string, given: Record<string, unknown>, issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `${command} takes no --${issue.keys.join(', --')}.`;
  const flag = String(issue.path[0]);
  return given[flag] === undefined ? `${command} needs --${flag}.` : `--${flag} is malformed.`;
}
