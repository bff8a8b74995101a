import { derivedId, type EventMetadata, type StreamDefinition } from '@peerbridge/kernel';
import { rowKey, type Projection } from '@peerbridge/projection';
import { commandTable } from './tables.js';

const isFirst = ({ eventId, actor, commandId }: EventMetadata): boolean => eventId === derivedId(actor.id, commandId, 'event/0');

/** The index of accepted commands: one row each, whatever the capability. */
export function commandProjection(streams: readonly StreamDefinition<unknown>[]): Projection {
  const entityOf = new Map(streams.flatMap((stream) => stream.events.map(({ type }) => [type, stream.entityOf] as const)));
  const keyOf = (metadata: { actor: { id: string }; commandId: string }): string => `${metadata.actor.id}/${metadata.commandId}`;
  return {
    name: 'command',
    version: 1,
    tables: [commandTable],
    handles: 'every',
    // A command's first event makes the row: only its further ones look for it.
    needs: ({ metadata }) => (isFirst(metadata) ? [] : [rowKey(commandTable, keyOf(metadata))]),
    apply({ fact, metadata, position }, rows) {
      const key = keyOf(metadata);
      const first = isFirst(metadata) ? undefined : rows.get(commandTable, key);
      rows.put(commandTable, {
        key, body_hash: metadata.bodyHash, participant_id: metadata.participantId ?? null,
        entity_id: first?.entity_id ?? entityOf.get(fact.type)!(fact), version: fact.revision, position,
      });
    },
  };
}
