import { livesElsewhere, type EventMetadata, type StreamDefinition } from '@peerbridge/kernel';
import { rowKey, type ProjectedEvent, type Projection } from '@peerbridge/projection';
import { itemRow, needsItem, type ItemRef } from './labels.js';
import { commandTable } from './tables.js';

/** Also of what earlier releases wrote it is found by looking: that does not say which event is a command's first. */
const isFirst = ({ commandIndex }: EventMetadata): boolean => commandIndex === 0;

/** The index of accepted commands: one row each, whatever the capability. */
export function commandProjection(streams: readonly StreamDefinition<unknown>[]): Projection {
  const streamOf = new Map(streams.flatMap((stream) => stream.events.map(({ type }) => [type, stream] as const)));
  const keyOf = (metadata: { actor: { id: string }; commandId: string }): string => `${metadata.actor.id}/${metadata.commandId}`;
  /** The node that the event touches, and whether its version is counted in another stream. */
  const nodeOf = ({ fact, metadata }: ProjectedEvent): ItemRef & { elsewhere: boolean } => {
    const { category, entityType = category, entityOf } = streamOf.get(fact.type)!;
    const id = entityOf(fact);
    const elsewhere = livesElsewhere(category, id, metadata.participantId);
    return { type: elsewhere ? 'participant' : entityType, id, elsewhere };
  };
  return {
    name: 'command',
    version: 4,
    tables: [commandTable],
    handles: 'every',
    // A command's first event makes the row: only its further ones look for it.
    needs: (event) => {
      const { elsewhere, ...node } = nodeOf(event);
      return [
        ...(isFirst(event.metadata) ? [] : [rowKey(commandTable, keyOf(event.metadata))]),
        ...(elsewhere ? [needsItem(node)] : []),
      ];
    },
    apply(event, rows) {
      const { fact, metadata, position } = event;
      const key = keyOf(metadata);
      const node = nodeOf(event);
      const before = isFirst(metadata) ? undefined : rows.get(commandTable, key);
      const first = before?.body_hash === metadata.bodyHash ? before : undefined;
      rows.put(commandTable, {
        key, body_hash: metadata.bodyHash, participant_id: metadata.participantId ?? null,
        entity_id: first?.entity_id ?? node.id,
        // What speaks of nobody has no label, and a stream of its own.
        version: metadata.participantId ? itemRow(rows, node).version : fact.revision,
        position, event_type: first?.event_type ?? fact.type,
      });
    },
  };
}
