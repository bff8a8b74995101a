import { rowKey, type ProjectedEvent, type Projection } from '@peerbridge/projection';
import { reachesByWriting, type Reach } from '../policy/index.js';
import { putRelation } from './labels.js';
import { relationTable } from './tables.js';

const reachesOfWriting = ({ metadata: { participantId, actor, sourceOrgId } }: ProjectedEvent): Reach[] =>
  (participantId ? reachesByWriting(actor, sourceOrgId) : []);

/** Whoever writes in a person's record keeps a relationship with it, of whatever capability the events are. */
export const keeperProjection: Projection = {
  name: 'keeper',
  version: 1,
  tables: [relationTable],
  handles: 'every',
  needs: (event) => reachesOfWriting(event).map((reach) => rowKey(relationTable, `${event.metadata.participantId}/${reach}`)),
  apply(event, rows) {
    const participantId = event.metadata.participantId!;
    for (const reach of reachesOfWriting(event)) {
      if (!rows.get(relationTable, `${participantId}/${reach}`)) putRelation(rows, participantId, reach, false);
    }
  },
};
