import { segments } from '@peerbridge/kernel';
import sql, { join, type Sql } from 'sql-template-tag';
import type { Decision } from './decision.js';

/**
 * The item rule of a decision as one SQL predicate; no rule of its own is in here. It speaks of the columns participant_id,
 * source_org_id, author_id, requester_id, party_org_id (uuid, the last three nullable), segments and circles (text[], not
 * null) of whatever relation it is put over.
 */
export function compileItemRule({ items: rule }: Decision): Sql {
  if (rule.everything) return sql`participant_id = ${rule.participantId}::uuid`;

  const ways: Sql[] = [];
  if (rule.author) {
    const { memberId, orgId } = rule.author;
    ways.push(sql`(author_id = ${memberId}::uuid and source_org_id = ${orgId}::uuid)`);
  }
  if (rule.requester) {
    const { memberId, orgId } = rule.requester;
    ways.push(sql`(requester_id = ${memberId}::uuid and source_org_id = ${orgId}::uuid)`);
  }
  const circle = rule.circle ? [rule.circle] : [];
  for (const source of rule.sources) {
    // Unlabelled means all of them.
    const all = source.segments.length === segments.length;
    ways.push(sql`(source_org_id = ${source.orgId}::uuid and (${all} or cardinality(segments) > 0)
      and segments <@ ${source.segments}::text[] and (circles && ${circle}::text[]
        or ('parties' = any(circles) and party_org_id = ${rule.partyOrgId}::uuid)))`);
  }
  if (ways.length === 0) return sql`false`;
  return sql`(participant_id = ${rule.participantId}::uuid and (${join(ways, ' or ')}))`;
}
