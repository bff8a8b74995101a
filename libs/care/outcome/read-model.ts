import { putItem, putTimeline, sharedTables } from '@peerbridge/disclosure';
import { defineTable, type Projection } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import type { OutcomeFact } from './events.js';

/** One report of the person's employment. Of those that a viewer may see, the last to have occurred is what they see. */
export interface EmploymentRow {
  id: string;
  participant_id: string;
  sealed: readonly SealedPart[];
}

export const employmentTable = defineTable<EmploymentRow>({
  name: 'employment',
  key: 'id',
  columns: { id: 'uuid', participant_id: 'uuid', sealed: 'jsonb' },
});

export const outcomeProjection: Projection<OutcomeFact> = {
  name: 'outcome',
  version: 5,
  tables: [employmentTable, ...sharedTables],
  handles: ['EmploymentStatusRecorded'],
  needs: () => [],
  apply(event, rows) {
    const { fact: { data: { recordId: id, participantId }, occurredAt }, sealed } = event;
    rows.put(employmentTable, { id, participant_id: participantId, sealed });
    putItem(rows, event, {
      id, type: 'employment', segments: ['employment'], circles: ['peers', 'treating', 'supervision', 'outside'],
      by: 'author', listedAt: occurredAt,
    });
    putTimeline(rows, event, { item: { type: 'employment', id }, nodeType: 'Participant', nodeId: participantId });
  },
};
