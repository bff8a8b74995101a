import { rowKey, type Projection } from '@peerbridge/projection';
import type { Actor } from '@peerbridge/kernel';
import { actsAsWorker } from '../policy/index.js';
import { changeFacts, needsPerson } from './labels.js';
import { personTable, workerTable } from './tables.js';

const keyOf = ({ id, orgId }: Actor): string => `${id}/${orgId}`;

/**
 * Who a participant is among colleagues, of whatever capability the events are: as whom the person acts about themself, and
 * where members act as workers. Runs after the participant's own projection, which makes the person.
 */
export const wallProjection: Projection = {
  name: 'wall',
  version: 1,
  tables: [personTable, workerTable],
  handles: 'every',
  needs(event) {
    const { actor, participantId } = event.metadata;
    if (actsAsWorker(actor)) return [rowKey(workerTable, keyOf(actor))];
    return actor.role === 'person' && participantId ? [needsPerson(event)] : [];
  },
  apply(event, rows) {
    const { actor, participantId } = event.metadata;
    if (actsAsWorker(actor)) {
      const key = keyOf(actor);
      if (!rows.get(workerTable, key)) rows.put(workerTable, { key, member_id: actor.id, org_id: actor.orgId });
    } else if (actor.role === 'person' && participantId) {
      const own = rows.get(personTable, participantId)?.facts.ownMemberIds ?? [];
      if (own.includes(actor.id)) return;
      changeFacts(rows, event, (facts) => ({ ...facts, ownMemberIds: [...own, actor.id] }));
    }
  },
};
