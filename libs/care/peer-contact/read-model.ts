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
  sealed: readonly SealedPart[];
}

export const peerContactTable = defineTable<PeerContactRow>({
  name: 'peer_contact',
  key: 'id',
  columns: {
    id: 'uuid', participant_id: 'uuid', author_id: 'uuid', author_role: 'text', author_org_id: 'uuid', started_at: 'instant',
    ended_at: 'instant',
    modality: 'text', goal_ids: 'uuid[]', co_authored: 'boolean', visibility: 'text', sealed: 'jsonb',
  },
});

/** Between the two of them, unless the person opened it. */
const circlesOf = (visibility: Visibility): readonly Circle[] =>
  (visibility === 'team' ? ['peers', 'treating', 'supervision', 'outside'] : []);

const itemOf = (id: string): ItemRef => ({ type: 'peerContact', id });

export const peerContactProjection: Projection<PeerContactFact> = {
  name: 'peerContact',
  version: 3,
  tables: [peerContactTable, ...sharedTables],
  handles: ['PeerContactLogged', 'ContactVisibilitySet'],
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
          co_authored: data.coAuthored, visibility: data.visibility, sealed: event.sealed,
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
        touchItem(rows, item, { circles: circlesOf(visibility) });
        break;
      }
    }
    putTimeline(rows, event, { item, nodeType: 'PeerContact', nodeId: id });
  },
};
