import { segments } from '@peerbridge/kernel';
import sql, { empty, join, type Sql } from 'sql-template-tag';
import type { Decision, ItemRule } from './decision.js';

/**
 * The item rule of a decision as one SQL predicate; no rule of its own is in here. It speaks of the columns participant_id,
 * source_org_id, author_id, requester_id, party_org_id (uuid, the last three nullable), segments and circles (text[], not
 * null) of whatever relation it is put over.
 */
export const compileItemRule = ({ items }: Decision): Sql => compiled(items, empty);

/**
 * The same over an item and a line of the story that it decides on: who has left the team keeps of what they wrote the lines of
 * their own acts. @param actorId the line's
 */
export function compileLineRule({ items, onTeam, viewer }: Decision, actorId: Sql): Sql {
  return compiled(items, onTeam ? empty : sql` and ${actorId} = ${viewer.memberId}::uuid`);
}

/** @param ofAuthor what else holds where the viewer is the author, and nothing more */
function compiled(rule: ItemRule, ofAuthor: Sql): Sql {
  if (rule.everything) return sql`participant_id = ${rule.participantId}::uuid`;

  const ways: Sql[] = [];
  if (rule.author) {
    const { memberId, orgId } = rule.author;
    ways.push(sql`(author_id = ${memberId}::uuid and source_org_id = ${orgId}::uuid${ofAuthor})`);
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
