import sql, { join, raw, type Sql } from 'sql-template-tag';
import type { Caller } from '@peerbridge/kernel';
import { nobody, reachesOf } from '../policy/index.js';
import { relationTable } from './tables.js';
import { tableIn } from './view-reader.js';

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

/** The keys under which a relation would be, as many whoever it is: one by each of the reaches. */
export const relationKeys = (participantId: Sql, reaches: Sql): Sql => sql`ARRAY (
  SELECT concat(${participantId}, '/', reach) FROM unnest(${reaches}) AS reach)`;

/** Those by id whom one of the reaches lists. `further` continues the condition on participant_id. */
export const listed = (schema: string, reach: string, further: Sql, first: number): Sql => sql`(
  SELECT participant_id FROM ${tableIn(schema, relationTable)}
  WHERE listed AND reach = ${reach} AND participant_id ${further} ORDER BY participant_id LIMIT ${first})`;

/**
 * Those by id who are in a set and listed for the caller, too. Each of both leaps to where the other goes on: what is read
 * follows the smaller, and is one look at each where the caller has nobody.
 * @param next the first of the set whose participant_id is as `further` says
 */
export function inCommon(schema: string, caller: Caller, next: (further: Sql) => Sql, from: string): Sql {
  const own = (theirs: Sql) => sql`LEAST(${join(reachesOf(caller).map((reach) =>
    listed(schema, reach, sql`>= coalesce(${theirs}, ${nobody.participantId}::uuid)`, 1)))})`;
  const theirs = raw('theirs');
  return sql`
    WITH RECURSIVE leap (theirs, own) AS (
      SELECT theirs, ${own(theirs)} FROM (SELECT ${next(sql`> ${from}`)} AS theirs OFFSET 0) AS first
      UNION ALL
      SELECT further.theirs, ${own(raw('further.theirs'))} FROM leap CROSS JOIN LATERAL (
        SELECT CASE WHEN leap.theirs = leap.own THEN ${next(sql`> leap.theirs`)} ELSE ${next(sql`>= leap.own`)} END AS theirs
        OFFSET 0
      ) AS further WHERE leap.theirs IS NOT NULL AND leap.own IS NOT NULL
    ) SELECT theirs AS participant_id FROM leap WHERE theirs = own`;
}
