import sql, { raw, type Sql } from 'sql-template-tag';
import type { Position } from '@peerbridge/event-store';
import type { Role, Segment } from '@peerbridge/kernel';
import { compileLineRule } from '../policy/index.js';
import type { PersonAccess } from './session.js';
import { itemTable, timelineTable, type ItemRow, type TimelineRow } from './tables.js';
import { tableIn } from './view-reader.js';

export interface TimelineFilter {
  types?: readonly string[];
  segments?: readonly string[];
  /** RFC 3339; of occurredAt; inclusive. */
  from?: string;
  /** Exclusive. */
  to?: string;
}

/**
 * The lines of a story that may be seen, each by its item's label, looked up line by line in the order of the story. OFFSET 0
 * keeps the planner from turning the join round: without statistics it reads the whole story once for every item of it.
 */
export const lines = (schema: string, { participantId, decision }: PersonAccess): Sql => sql`
  FROM ${tableIn(schema, timelineTable)} AS entry CROSS JOIN LATERAL (
    SELECT segments FROM ${tableIn(schema, itemTable)}
    WHERE key = entry.item_key AND ${compileLineRule(decision, raw('entry.actor_id'))} OFFSET 0
  ) AS item WHERE entry.participant_id = ${participantId}`;

/** A line of the story with the segments of its item. */
export type TimelineLine = Omit<TimelineRow, 'participant_id' | 'item_key' | 'node_type'> & { segments: ItemRow['segments'] };

/** Ids, words and times hold no space: as one text a line costs half of what it costs as columns. */
export const lineText = raw(`concat_ws(' ', entry.event_id, entry.node_id, entry.type, entry.occurred_at, entry.recorded_at,
  entry.position, entry.actor_id, entry.actor_role, entry.actor_org_id, array_to_string(item.segments, ','))`);

export function toLine({ line }: { line: string }): TimelineLine {
  const [event_id, node_id, type, occurred_at, recorded_at, position, actor_id, actor_role, actor_org_id, segments = ''] =
    line.split(' ') as [string, string, string, string, string, Position, string, Role, string, string?];
  return {
    event_id, node_id, type, occurred_at, recorded_at, position, actor_id, actor_role, actor_org_id,
    segments: segments === '' ? [] : segments.split(',') as Segment[],
  };
}
