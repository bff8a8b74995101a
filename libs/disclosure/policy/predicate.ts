import { segments } from '@peerbridge/kernel';
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { Decision } from './decision.js';

/**
 * The item rule of a decision as one SQL predicate; no rule of its own is in here.
 * @param item alias of a relation with the columns participant_id, source_org_id, author_id, party_org_id (uuid, the last
 *   nullable), segments and circles (text[], not null)
 */
export function compileItemRule({ items: rule }: Decision, item: string): RawBuilder<SqlBool> {
  const column = (name: string) => sql.ref(`${item}.${name}`);
  const ofPerson = sql<SqlBool>`${column('participant_id')} = ${rule.participantId}::uuid`;
  if (rule.everything) return ofPerson;

  const ways: RawBuilder<SqlBool>[] = [];
  if (rule.author) {
    const { memberId, orgId } = rule.author;
    ways.push(sql`(${column('author_id')} = ${memberId}::uuid and ${column('source_org_id')} = ${orgId}::uuid)`);
  }
  const inCircle = sql<SqlBool>`(${column('circles')} && ${rule.circle ? [rule.circle] : []}::text[]
    or ('parties' = any(${column('circles')}) and ${column('party_org_id')} = ${rule.partyOrgId}::uuid))`;
  for (const source of rule.sources) {
    // Unlabelled means all of them.
    const labelled = source.segments.length === segments.length ? sql`true` : sql`cardinality(${column('segments')}) > 0`;
    ways.push(sql`(${column('source_org_id')} = ${source.orgId}::uuid and ${labelled}
      and ${column('segments')} <@ ${source.segments}::text[] and ${inCircle})`);
  }
  return ways.length > 0 ? sql`(${ofPerson} and (${sql.join(ways, sql` or `)}))` : sql`false`;
}
