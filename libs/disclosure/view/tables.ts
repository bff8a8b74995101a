import { defineTable } from '@peerbridge/projection';
import type { Position } from '@peerbridge/event-store';
import type { Role, Segment } from '@peerbridge/kernel';
import type { SealedPart } from '@peerbridge/vault';
import type { Circle, Reach, RecordedFacts } from '../policy/index.js';

/** What a disclosure decision about one person rests on, folded from every capability's events. */
export interface PersonRow {
  participant_id: string;
  facts: RecordedFacts;
}

export const personTable = defineTable<PersonRow>({
  name: 'person',
  key: 'participant_id',
  columns: { participant_id: 'uuid', facts: 'jsonb' },
});

/**
 * Who could have a relationship with whom. It decides nothing: it refuses strangers before anything of the person is read, and
 * gives lists of people their candidates.
 */
export interface RelationRow {
  /** `<participantId>/<reach>` */
  key: string;
  participant_id: string;
  reach: Reach;
  /** Whether the person as a whole could be seen. */
  listed: boolean;
}

export const relationTable = defineTable<RelationRow>({
  name: 'relation',
  key: 'key',
  columns: { key: 'text', participant_id: 'uuid', reach: 'text', listed: 'boolean' },
  indexes: ['(reach, participant_id) WHERE listed'],
});

/** The label of a node: all that disclosure needs to know of it. One row per node, whatever its kind. */
export interface ItemRow {
  /** `<type>/<id>` */
  key: string;
  id: string;
  type: string;
  participant_id: string;
  segments: readonly Segment[];
  source_org_id: string;
  author_id: string | null;
  requester_id: string | null;
  party_org_id: string | null;
  circles: readonly Circle[];
  /** The instant that lists of its kind are ordered by; empty where they are in the order of recording. */
  listed_at: string;
  /** Of the event that created it: it settles ties of `listed_at`. */
  position: Position;
  /** How many events have touched the node since the one that made it. */
  version: number;
  /** The same as of its author's last act on it. */
  author_version: number;
}

export const itemKey = ({ type, id }: { type: string; id: string }): string => `${type}/${id}`;

export const itemTable = defineTable<ItemRow>({
  name: 'item',
  key: 'key',
  columns: {
    key: 'text', id: 'uuid', type: 'text', participant_id: 'uuid', segments: 'text[]', source_org_id: 'uuid', author_id: 'uuid',
    requester_id: 'uuid', party_org_id: 'uuid', circles: 'text[]', listed_at: 'instant', position: 'position',
    version: 'integer', author_version: 'integer',
  },
  indexes: ['(participant_id, type, listed_at DESC, position DESC)', '(id)'],
});

/** One event of a person's story. What may be seen of it is decided by the label of the item it touched. */
export interface TimelineRow {
  event_id: string;
  participant_id: string;
  /** Of the item whose label decides who sees this line. */
  item_key: string;
  /** The GraphQL type and id of the node it leads to. */
  node_type: string;
  node_id: string;
  type: string;
  occurred_at: string;
  recorded_at: string;
  position: Position;
  actor_id: string;
  actor_role: Role;
  actor_org_id: string;
}

export const timelineTable = defineTable<TimelineRow>({
  name: 'timeline',
  key: 'event_id',
  columns: {
    event_id: 'uuid', participant_id: 'uuid', item_key: 'text', node_type: 'text', node_id: 'uuid', type: 'text',
    occurred_at: 'instant', recorded_at: 'instant', position: 'position', actor_id: 'uuid', actor_role: 'text',
    actor_org_id: 'uuid',
  },
  indexes: ['(participant_id, occurred_at DESC, position DESC)', '(participant_id, position)'],
});

/** A worker as one person's team knows them; the name is sealed under that person's `team` key. */
export interface PersonWorkerRow {
  /** `<participantId>/<memberId>` */
  key: string;
  participant_id: string;
  member_id: string;
  role: Role;
  org_id: string;
  name_field: string;
  sealed: readonly SealedPart[];
}

export const personWorkerTable = defineTable<PersonWorkerRow>({
  name: 'person_worker',
  key: 'key',
  columns: {
    key: 'text', participant_id: 'uuid', member_id: 'uuid', role: 'text', org_id: 'uuid', name_field: 'text', sealed: 'jsonb',
  },
  indexes: ['(member_id, participant_id)', '(member_id, org_id)'],
});

/** Where a member has acted as a worker, on whomever's behalf. */
export interface WorkerRow {
  /** `<memberId>/<orgId>` */
  key: string;
  member_id: string;
  org_id: string;
}

export const workerTable = defineTable<WorkerRow>({
  name: 'worker',
  key: 'key',
  columns: { key: 'text', member_id: 'uuid', org_id: 'uuid' },
  indexes: ['(member_id)'],
});

export interface OrganizationRow {
  id: string;
  name: string;
  alias: string | null;
  part2_program: boolean;
  version: number;
}

export const organizationTable = defineTable<OrganizationRow>({
  name: 'organization',
  key: 'id',
  columns: { id: 'uuid', name: 'text', alias: 'text', part2_program: 'boolean', version: 'integer' },
});

/** Every accepted command of every member: what a repeat is answered with. */
export interface CommandRow {
  /** `<memberId>/<commandId>` */
  key: string;
  body_hash: string;
  entity_id: string;
  participant_id: string | null;
  version: number;
  position: Position;
  /** Of its first event. */
  event_type: string;
}

export const commandTable = defineTable<CommandRow>({
  name: 'command',
  key: 'key',
  columns: {
    key: 'text', body_hash: 'text', entity_id: 'uuid', participant_id: 'uuid', version: 'integer', position: 'position',
    event_type: 'text',
  },
});

/** What every capability that speaks of a person writes to. */
export const sharedTables = [personTable, relationTable, itemTable, timelineTable, personWorkerTable] as const;
