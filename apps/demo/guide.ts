import type { Life } from './life.js';

/** The query of the README: the same for everybody, and never the same answer. */
export const firstQuery = (id: string): string => `{
  participant(id: "${id}") {
    preferredName
    legalName
    householdSize
    employment { status accommodation }
    contacts(first: 1) { totalCount edges { node { summary narrative } } }
    notes { totalCount }
    referrals { edges { node { needCategory state sender { name } } } }
    timeline { totalCount }
  }
}`;

/** In the order in which the README shows them. */
export const firstAudiences = ['peer', 'physician', 'housing', 'employer'] as const;

/** What there is to see of people at a turn. */
const turns: Readonly<Record<Life['turn'], [askAs: (life: Life) => string, seen: string]>> = {
  none: [() => firstAudiences.join(', '), 'four parts of one year'],
  narrows: [({ clinician }) => clinician.role, 'the treatment consent was narrowed: peer and social are closed'],
  suspends: [helperOf, 'suspended by word of mouth: nobody is there'],
  resumes: [helperOf, 'suspended, and lifted by the person: as before'],
  revokes: [helperOf, 'revoked: nobody is there, in any list, count or edge'],
  revokesOnPaper: [helperOf, 'revoked on paper, recorded by the peer: nobody is there'],
  consentsAgain: [helperOf, 'revoked, then a new consent: visible again'],
  restricts: [({ clinician }) => clinician.role, 'the person shut this clinician out, in some cases for a while'],
  partsWithPhysician: [() => 'physician', 'no longer on the team'],
};

function helperOf({ needs }: Life): string {
  return needs[0]!.helper.role;
}

interface Told {
  lives: readonly Life[];
  commands: number;
  seconds: number;
  /** Of the file with the tokens. */
  path: string;
  graphql: string;
  explorer: string;
}

/** What to look at, for the terminal. */
export function guide({ lives, commands, seconds, path, graphql, explorer }: Told): string {
  const differing = lives.filter(({ turn }, index) => lives.findIndex((one) => one.turn === turn) === index);
  const rows = differing.map((life) => {
    const [askAs, seen] = turns[life.turn];
    return [life.details.name, life.participantId, askAs(life), seen] as const;
  });
  const first = lives[0]!;
  const query = firstQuery(first.participantId);
  return [
    '',
    `${commands} commands about ${lives.length} people, answered in ${seconds.toFixed(1)} s.`,
    `A token per person and role: ${path}`,
    '',
    'What to look at:',
    '',
    ...inColumns([['person', 'participant id', 'ask as', 'what to see'], ...rows]),
    '',
    `In the explorer (${explorer}), look as ${firstAudiences.join(', ')} in turn, and ask of ${first.details.name}:`,
    '',
    query,
    '',
    'The same, to paste into a terminal:',
    '',
    ...firstAudiences.map((role) => curl({ graphql, path, role, query })),
    '',
  ].join('\n');
}

function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}`);
}

function curl({ graphql, path, role, query }: { graphql: string; path: string; role: string; query: string }): string {
  const token = `$(node -p "require('${path}').participants[0].tokens.${role}")`;
  const body = JSON.stringify({ query: query.replace(/\s+/g, ' ') });
  return `curl -s ${graphql} -H "authorization: Bearer ${token}" -H 'content-type: application/json' -d '${body}'`;
}
