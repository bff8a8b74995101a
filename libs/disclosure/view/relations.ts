import sql, { type Sql } from 'sql-template-tag';
import type { Caller } from '@peerbridge/kernel';
import { reachesOf, type Reach } from '../policy/index.js';

/** How statements ask the table `relation` whether a caller could have anything to do with a person. */

/** What is asked, by whom: those who have the same reaches are answered alike. */
export const asked = (id: string, caller: Caller): string => [id, ...reachesOf(caller)].join(' ');

/** A relation `asked` of one row for each key: the key, its id, and its reaches. */
export function askedFor(keys: readonly string[]): Sql {
  const parts = keys.map((key) => key.split(/ (.*)/) as [string, string]);
  return sql`unnest(${keys}::text[], ${parts.map(([id]) => id)}::uuid[], ${parts.map(([, reaches]) => reaches)}::text[])
    AS asked (key, id, reaches)`;
}
export const reachesAsked = sql`string_to_array(reaches, ' ')`;

export const theirReaches = (caller: Caller): Sql => sql`${reachesOf(caller) as Reach[]}::text[]`;

/** The keys under which a relation would be, as many whoever it is: one by each of the reaches. */
export const relationKeys = (participantId: Sql, reaches: Sql): Sql => sql`ARRAY (
  SELECT concat(${participantId}, '/', reach) FROM unnest(${reaches}) AS reach)`;
