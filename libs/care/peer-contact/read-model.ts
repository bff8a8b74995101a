import { needsItem, putItem, putTimeline, sharedTables, touchItem, type Circle, type ItemRef } from '@peerbridge/disclosure';
import { defineTable, rowKey, type Projection } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import type { PeerContactFact, Visibility } from './events.js';

export interface PeerContactRow {
  id: string;
  participant_id: string;
  author_id: string;
  author_role: string;
  author_org_id: string;
  started_at: string;
  ended_at: string;
  modality: string;
  goal_ids: readonly string[];
  co_authored: boolean;
  visibility: Visibility;
  /** As its author wrote it. */
  first_visibility: Visibility;
  entered_in_error: boolean;
  /** As it was written, and what was corrected since, in that order. */
  sealed: readonly SealedPart[];
}

export const peerContactTable = defineTable<PeerContactRow>({
  name: 'peer_contact',
  key: 'id',
  columns: {
    id: 'uuid', participant_id: 'uuid', author_id: 'uuid', author_role: 'text', author_org_id: 'uuid', started_at: 'instant',
    ended_at: 'instant',
    modality: 'text', goal_ids: 'uuid[]', co_authored: 'boolean', visibility: 'text', first_visibility: 'text',
    entered_in_error: 'boolean', sealed: 'jsonb',
  },
});

/** Between the two of them, unless the person opened it. */
const circlesOf = (visibility: Visibility): readonly Circle[] =>
  (visibility === 'team' ? ['peers', 'treating', 'supervision', 'outside'] : []);

const itemOf = (id: string): ItemRef => ({ type: 'peerContact', id });

export const peerContactProjection: Projection<PeerContactFact> = {
  name: 'peerContact',
  version: 5,
  tables: [peerContactTable, ...sharedTables],
  handles: ['PeerContactLogged', 'ContactVisibilitySet', 'PeerContactAmended', 'ContactEnteredInError'],
  needs: ({ fact }) =>
    (fact.type === 'PeerContactLogged' ? []
      : [needsItem(itemOf(fact.data.contactId)), rowKey(peerContactTable, fact.data.contactId)]),
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.contactId;
    const item = itemOf(id);
    switch (fact.type) {
      case 'PeerContactLogged': {
        const { data, actor } = fact;
        rows.put(peerContactTable, {
          id, participant_id: data.participantId, author_id: actor.id, author_role: actor.role, author_org_id: actor.orgId,
          started_at: data.startedAt, ended_at: data.endedAt, modality: data.modality, goal_ids: data.goalIds,
          co_authored: data.coAuthored, visibility: data.visibility, first_visibility: data.visibility, entered_in_error: false,
          sealed: event.sealed,
        });
        putItem(rows, event, {
          ...item, segments: ['peer'], circles: circlesOf(data.visibility), by: 'author',
          listedAt: data.startedAt,
        });
        break;
      }
      case 'ContactVisibilitySet': {
        const { visibility } = fact.data;
        rows.put(peerContactTable, { ...rows.get(peerContactTable, id)!, visibility });
        touchItem(rows, event, item, { circles: circlesOf(visibility) });
        break;
      }
      case 'PeerContactAmended': {
        const row = rows.get(peerContactTable, id)!;
        const { startedAt, endedAt, modality, goalIds, coAuthored } = fact.data;
        rows.put(peerContactTable, {
          ...row, started_at: startedAt ?? row.started_at, ended_at: endedAt ?? row.ended_at, modality: modality ?? row.modality,
          goal_ids: goalIds ?? row.goal_ids, co_authored: coAuthored ?? row.co_authored,
          sealed: [...row.sealed, ...event.sealed],
        });
        touchItem(rows, event, item, startedAt === undefined ? {} : { listed_at: startedAt });
        break;
      }
      case 'ContactEnteredInError':
        rows.put(peerContactTable, { ...rows.get(peerContactTable, id)!, entered_in_error: true });
        touchItem(rows, event, item, { circles: [] });
        break;
    }
    putTimeline(rows, event, { item, nodeType: 'PeerContact', nodeId: id });
  },
};
