import { eventIdOf, livesElsewhere, type EventMetadata, type StreamDefinition } from '@peerbridge/kernel';
import { rowKey, type ProjectedEvent, type Projection } from '@peerbridge/projection';
import { itemOf, needsItem } from './labels.js';
import { commandTable } from './tables.js';

/** Asked twice of each event, and as costly as a hash. */
const known = new WeakMap<EventMetadata, boolean>();
function isFirst(metadata: EventMetadata): boolean {
  const { eventId, actor, commandId, bodyHash } = metadata;
  const first = known.get(metadata) ?? eventId === eventIdOf(actor, commandId, bodyHash, 0);
  known.set(metadata, first);
  return first;
}

/** The index of accepted commands: one row each, whatever the capability. */
export function commandProjection(streams: readonly StreamDefinition<unknown>[]): Projection {
  const streamOf = new Map(streams.flatMap((stream) => stream.events.map(({ type }) => [type, stream] as const)));
  const keyOf = (metadata: { actor: { id: string }; commandId: string }): string => `${metadata.actor.id}/${metadata.commandId}`;
  /** The node that the event touches, and whether its version is counted in another stream. */
  const nodeOf = ({ fact, metadata }: ProjectedEvent): { id: string; elsewhere: boolean } => {
    const { category, entityOf } = streamOf.get(fact.type)!;
    const id = entityOf(fact);
    return { id, elsewhere: livesElsewhere(category, id, metadata.participantId) };
  };
  return {
    name: 'command',
    version: 2,
    tables: [commandTable],
    handles: 'every',
    // A command's first event makes the row: only its further ones look for it.
    needs: (event) => {
      const { id, elsewhere } = nodeOf(event);
      return [
        ...(isFirst(event.metadata) ? [] : [rowKey(commandTable, keyOf(event.metadata))]), ...(elsewhere ? [needsItem(id)] : []),
      ];
    },
    apply(event, rows) {
      const { fact, metadata, position } = event;
      const key = keyOf(metadata);
      const { id, elsewhere } = nodeOf(event);
      const first = isFirst(metadata) ? undefined : rows.get(commandTable, key);
      rows.put(commandTable, {
        key, body_hash: metadata.bodyHash, participant_id: metadata.participantId ?? null, entity_id: first?.entity_id ?? id,
        version: elsewhere ? itemOf(rows, id).version : fact.revision, position, event_type: first?.event_type ?? fact.type,
      });
    },
  };
}
