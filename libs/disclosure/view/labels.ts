import { rowKey, type ProjectedEvent, type RowKey, type Rows } from '@peerbridge/projection';
import type { Segment } from '@peerbridge/kernel';
import { reachesTo, type Circle, type Reach, type RecordedFacts } from '../policy/index.js';
import { itemKey, itemTable, personTable, relationTable, timelineTable, type ItemRow, type PersonRow } from './tables.js';

/** How projections write the shared tables: a label per node, a line per event, and what decisions rest on. */

/** Which node: ids of two kinds never meet in one label. */
export interface ItemRef {
  type: string;
  id: string;
}

export const needsPerson = (event: ProjectedEvent): RowKey => rowKey(personTable, participantOf(event));
export const needsItem = (item: ItemRef): RowKey => rowKey(itemTable, itemKey(item));

/** The label of a new node. Its source is the organization whose worker wrote it. */
export function putItem(
  rows: Rows, event: ProjectedEvent,
  label: {
    id: string; type: string; segments: readonly Segment[]; circles: readonly Circle[]; partyOrgId?: string;
    /** Of the one who acts: whether they alone write to the node, or asked for it, or are only the first to touch it. */
    by?: 'author' | 'requester';
    /** The instant (RFC 3339 UTC with milliseconds) that lists of this kind are ordered by; without it, as they were recorded. */
    listedAt?: string;
  },
): void {
  const { id: actorId } = event.metadata.actor;
  rows.put(itemTable, {
    key: itemKey(label), id: label.id, type: label.type, participant_id: participantOf(event), segments: label.segments,
    source_org_id: event.metadata.sourceOrgId, author_id: label.by === 'author' ? actorId : null,
    requester_id: label.by === 'requester' ? actorId : null, party_org_id: label.partyOrgId ?? null,
    circles: label.circles, listed_at: label.listedAt ?? '', position: event.position, version: 0, author_version: 0,
  });
}

/** A later event touched the node: its version moves on, and what else changed of its label. */
export function touchItem(
  rows: Rows, event: ProjectedEvent, item: ItemRef,
  change: Partial<Pick<ItemRow, 'circles' | 'listed_at' | 'segments' | 'requester_id'>> = {},
): void {
  const label = itemRow(rows, item);
  const version = label.version + 1;
  const byAuthor = event.metadata.actor.id === label.author_id;
  rows.put(itemTable, { ...label, ...change, version, author_version: byAuthor ? version : label.author_version });
}

export function itemRow(rows: Rows, item: ItemRef): ItemRow {
  const label = rows.get(itemTable, itemKey(item));
  if (!label) throw new Error('An event touches an item that no event made');
  return label;
}

/** A line of the person's story, which is seen by whoever may see the item. */
export function putTimeline(
  rows: Rows, event: ProjectedEvent, entry: { item: ItemRef; nodeType: string; nodeId: string },
): void {
  const { eventId, type, occurredAt, recordedAt, actor } = event.metadata;
  rows.put(timelineTable, {
    event_id: eventId, participant_id: participantOf(event), item_key: itemKey(entry.item), node_type: entry.nodeType,
    node_id: entry.nodeId,
    type, occurred_at: occurredAt, recorded_at: recordedAt, position: event.position,
    actor_id: actor.id, actor_role: actor.role, actor_org_id: actor.orgId,
  });
}

/** Folds an event into what decisions about the person rest on. */
export function changeFacts(rows: Rows, event: ProjectedEvent, change: (facts: RecordedFacts) => RecordedFacts): void {
  const { facts } = personOf(rows, event);
  putPerson(rows, change(facts), facts);
}

export function personOf(rows: Rows, event: ProjectedEvent): PersonRow {
  const row = rows.get(personTable, participantOf(event));
  if (!row) throw new Error('An event speaks of a person who was never enrolled');
  return row;
}

/** What decisions about the person rest on, and with it who could have a relationship with them. @param before as it was */
export function putPerson(rows: Rows, facts: RecordedFacts, before?: RecordedFacts): void {
  const { participantId } = facts;
  rows.put(personTable, { participant_id: participantId, facts });
  const [had, has] = [before ? reachesTo(before) : new Map<Reach, boolean>(), reachesTo(facts)];
  for (const reach of had.keys()) if (has.get(reach) !== had.get(reach)) rows.remove(relationTable, `${participantId}/${reach}`);
  for (const [reach, listed] of has) if (had.get(reach) !== listed) putRelation(rows, participantId, reach, listed);
}

export function putRelation(rows: Rows, participantId: string, reach: Reach, listed: boolean): void {
  rows.put(relationTable, { key: `${participantId}/${reach}`, participant_id: participantId, reach, listed });
}

export function participantOf(event: ProjectedEvent): string {
  const { participantId } = event.metadata;
  if (!participantId) throw new Error(`${event.metadata.type} speaks of no person`);
  return participantId;
}
