import { putItem, putTimeline, sharedTables } from '@peerbridge/disclosure';
import { defineTable, type Projection } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import type { OutcomeFact } from './events.js';

/** One report of the person's employment. Of those that a viewer may see, the last to have occurred is what they see. */
export interface EmploymentRow {
  id: string;
  participant_id: string;
  occurred_at: string;
  version: number;
  sealed: readonly SealedPart[];
}

export const employmentTable = defineTable<EmploymentRow>({
  name: 'employment',
  key: 'id',
  columns: { id: 'uuid', participant_id: 'uuid', occurred_at: 'instant', version: 'integer', sealed: 'jsonb' },
});

export const outcomeProjection: Projection<OutcomeFact> = {
  name: 'outcome',
  version: 2,
  tables: [employmentTable, ...sharedTables],
  handles: ['EmploymentStatusRecorded'],
  needs: () => [],
  apply(event, rows) {
    const { fact: { data: { recordId: id, participantId }, occurredAt, revision }, sealed } = event;
    rows.put(employmentTable, { id, participant_id: participantId, occurred_at: occurredAt, version: revision, sealed });
    putItem(rows, event, {
      id, type: 'employment', segments: ['employment'], circles: ['peers', 'treating', 'supervision', 'outside'],
      by: 'author',
    });
    putTimeline(rows, event, { itemId: id, nodeType: 'Participant', nodeId: participantId });
  },
};
