import { needsItem, putItem, putTimeline, sharedTables, touchItem, type ItemRef } from '@peerbridge/disclosure';
import { defineTable, rowKey, type Projection } from '@peerbridge/projection';
import type { Segment } from '@peerbridge/kernel';
import type { SealedPart } from '@peerbridge/vault';
import type { ClinicianNoteFact } from './events.js';

export interface AmendmentRow {
  id: string;
  recordedAt: string;
  sealed: readonly SealedPart[];
}

export interface ClinicianNoteRow {
  id: string;
  participant_id: string;
  author_id: string;
  author_role: string;
  author_org_id: string;
  segments: readonly Segment[];
  shared_with_peer: boolean;
  sealed: readonly SealedPart[];
  /** In the order they were recorded. */
  amendments: readonly AmendmentRow[];
}

export const clinicianNoteTable = defineTable<ClinicianNoteRow>({
  name: 'clinician_note',
  key: 'id',
  columns: {
    id: 'uuid', participant_id: 'uuid', author_id: 'uuid', author_role: 'text', author_org_id: 'uuid', segments: 'text[]',
    shared_with_peer: 'boolean', sealed: 'jsonb', amendments: 'jsonb',
  },
});

const itemOf = (id: string): ItemRef => ({ type: 'clinicianNote', id });

export const clinicianNoteProjection: Projection<ClinicianNoteFact> = {
  name: 'clinicianNote',
  version: 4,
  tables: [clinicianNoteTable, ...sharedTables],
  handles: ['ClinicianNoteRecorded', 'ClinicianNoteAmended'],
  needs: ({ fact }) =>
    (fact.type === 'ClinicianNoteRecorded' ? []
      : [needsItem(itemOf(fact.data.noteId)), rowKey(clinicianNoteTable, fact.data.noteId)]),
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.noteId;
    const item = itemOf(id);
    switch (fact.type) {
      case 'ClinicianNoteRecorded': {
        const { participantId, segments, sharedWithPeer } = fact.data;
        rows.put(clinicianNoteTable, {
          id, participant_id: participantId, author_id: fact.actor.id, author_role: fact.actor.role,
          author_org_id: fact.actor.orgId,
          segments, shared_with_peer: sharedWithPeer, sealed: event.sealed, amendments: [],
        });
        putItem(rows, event, {
          ...item, segments, circles: sharedWithPeer ? ['treating', 'peers'] : ['treating'], by: 'author',
        });
        break;
      }
      case 'ClinicianNoteAmended': {
        const row = rows.get(clinicianNoteTable, id)!;
        const amendment = { id: fact.data.amendmentId, recordedAt: fact.recordedAt, sealed: event.sealed };
        rows.put(clinicianNoteTable, { ...row, amendments: [...row.amendments, amendment] });
        touchItem(rows, event, item);
        break;
      }
    }
    putTimeline(rows, event, { item, nodeType: 'ClinicianNote', nodeId: id });
  },
};
