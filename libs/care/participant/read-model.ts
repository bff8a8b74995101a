import {
  changeFacts, needsItem, needsPerson, putItem, putPerson, putTimeline, sharedTables, touchItem, type ItemRef,
} from '@peerbridge/disclosure';
import { defineTable, rowKey, type Projection } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import type { ParticipantFact } from './events.js';

export interface ParticipantRow {
  id: string;
  version: number;
  /** In the order they were recorded: later parts win, field by field. */
  sealed: readonly SealedPart[];
}

export const participantTable = defineTable<ParticipantRow>({
  name: 'participant',
  key: 'id',
  columns: { id: 'uuid', version: 'integer', sealed: 'jsonb' },
});

const itemOf = (id: string): ItemRef => ({ type: 'participant', id });

export const participantProjection: Projection<ParticipantFact> = {
  name: 'participant',
  version: 4,
  tables: [participantTable, ...sharedTables],
  handles: ['ParticipantEnrolled', 'PreferencesChanged'],
  needs: (event) => [
    needsPerson(event), needsItem(itemOf(event.fact.data.participantId)), rowKey(participantTable, event.fact.data.participantId),
  ],
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.participantId;
    const item = itemOf(id);
    switch (fact.type) {
      case 'ParticipantEnrolled':
        putPerson(rows, {
          participantId: id, homeOrgId: event.metadata.sourceOrgId, consents: [], team: [], restrictedMemberIds: [],
          partyOrgIds: [], ownMemberIds: [], contactsOpenToTeam: fact.data.contactsOpenToTeam,
          enrolledAt: fact.occurredAt,
        });
        rows.put(participantTable, { id, version: fact.revision, sealed: event.sealed });
        putItem(rows, event, { ...item, segments: ['identity'], circles: ['peers', 'treating', 'supervision'] });
        break;
      case 'PreferencesChanged': {
        const row = rows.get(participantTable, id)!;
        rows.put(participantTable, { id, version: fact.revision, sealed: [...row.sealed, ...event.sealed] });
        const { contactsOpenToTeam } = fact.data;
        if (contactsOpenToTeam !== undefined) changeFacts(rows, event, (facts) => ({ ...facts, contactsOpenToTeam }));
        touchItem(rows, event, item);
        break;
      }
    }
    putTimeline(rows, event, { item, nodeType: 'Participant', nodeId: id });
  },
};

