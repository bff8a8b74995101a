import {
  changeFacts, needsItem, needsPerson, putItem, putPerson, putTimeline, sharedTables, touchItem,
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

export const participantProjection: Projection<ParticipantFact> = {
  name: 'participant',
  version: 2,
  tables: [participantTable, ...sharedTables],
  handles: ['ParticipantEnrolled', 'PreferencesChanged'],
  needs: (event) => [
    needsPerson(event), needsItem(event.fact.data.participantId), rowKey(participantTable, event.fact.data.participantId),
  ],
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.participantId;
    switch (fact.type) {
      case 'ParticipantEnrolled':
        putPerson(rows, {
          participantId: id, homeOrgId: event.metadata.sourceOrgId, consents: [], team: [], restrictedMemberIds: [],
          partyOrgIds: [], ownMemberIds: [], contactsOpenToTeam: fact.data.contactsOpenToTeam,
        });
        rows.put(participantTable, { id, version: fact.revision, sealed: event.sealed });
        putItem(rows, event, { id, type: 'participant', segments: ['identity'], circles: ['peers', 'treating', 'supervision'] });
        break;
      case 'PreferencesChanged': {
        const row = rows.get(participantTable, id)!;
        rows.put(participantTable, { id, version: fact.revision, sealed: [...row.sealed, ...event.sealed] });
        const { contactsOpenToTeam } = fact.data;
        if (contactsOpenToTeam !== undefined) changeFacts(rows, event, (facts) => ({ ...facts, contactsOpenToTeam }));
        touchItem(rows, event, id);
        break;
      }
    }
    putTimeline(rows, event, { itemId: id, nodeType: 'Participant', nodeId: id });
  },
};

