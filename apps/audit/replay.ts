import { comparePositions, ForeignPosition, type EventStore, type Position, type RecordedEvent } from '@peerbridge/event-store';
import type { Places } from '@peerbridge/disclosure';
import { instant, type EventMetadata } from '@peerbridge/kernel';
import type { EventCodec } from '@peerbridge/vault';
import { UsageError, type ReplayFlags } from './command-line.js';
import { MASKED, maskedCodec } from './mask.js';

export interface ReplayedEvent {
  /** As everybody outside knows it. */
  position: string;
  stream: string;
  revision: number;
  metadata: EventMetadata;
  /**
   * Open: as the event's current version has it. Sealed, by segment: the fields with their texts masked, `SHREDDED`, or
   * `[masked]` where this build does not know the event.
   */
  data: { open: Record<string, unknown>; sealed: Record<string, unknown> };
}

type Bound = { position: Position } | { recordedAt: string } | undefined;

/**
 * The log in its order, as auditors may see it.
 * @throws UsageError for a bound that is neither a time nor a position of this store that was ever given out
 */
export async function* replay(
  { store, codec, places }: { store: EventStore; codec: EventCodec; places: Places },
  { participant, from, to }: ReplayFlags,
): AsyncGenerator<ReplayedEvent> {
  const head = await store.head();
  const first = boundOf('from', from, store, places, head);
  const last = boundOf('to', to, store, places, head);
  const masked = maskedCodec(codec);
  for await (const event of store.readAll()) {
    if (last && 'position' in last && comparePositions(event.position, last.position) > 0) return;
    if (participant !== undefined && event.metadata.participantId !== participant) continue;
    if (compare(event, first) < 0 || compare(event, last) > 0) continue;
    const { position, stream, revision, metadata } = event;
    const open = codec.isKnown(event) ? { ...codec.fact(event).data } : event.data.open;
    const sealed = await openMasked(event, codec, masked);
    yield { position: places.position(position), stream, revision, metadata, data: { open, sealed } };
  }
}

function boundOf(
  flag: string, given: string | undefined, store: EventStore, places: Places, head: Position | undefined,
): Bound {
  if (given === undefined) return undefined;
  const time = instant.safeParse(given);
  if (time.success) return { recordedAt: time.data };
  const position = places.positionOf(given) ?? '';
  try {
    store.assertPosition(position);
  } catch (error) {
    if (!(error instanceof ForeignPosition)) throw error;
    throw new UsageError(`--${flag} is neither a time nor a position of this store.`);
  }
  if (head === undefined || comparePositions(position, head) > 0) {
    throw new UsageError(`--${flag} lies beyond the end of the log.`);
  }
  return { position };
}

/** Where an event lies, seen from a bound: before it, at it, after it. Zero where there is none. */
function compare({ position, metadata: { recordedAt } }: RecordedEvent, bound: Bound): number {
  if (!bound) return 0;
  if ('position' in bound) return comparePositions(position, bound.position);
  return recordedAt < bound.recordedAt ? -1 : recordedAt > bound.recordedAt ? 1 : 0;
}

async function openMasked(
  event: RecordedEvent, codec: EventCodec, masked: Pick<EventCodec, 'open'>,
): Promise<Record<string, unknown>> {
  const parts = codec.sealedParts(event);
  const opened = codec.isKnown(event) ? await masked.open(parts) : parts.map(() => MASKED);
  const bySegment: Record<string, unknown> = {};
  parts.forEach(({ segment }, index) => {
    const [before, fields] = [bySegment[segment], opened[index]];
    // Of an earlier version's event a segment may have two parts: one sealed, one not yet.
    bySegment[segment] = typeof before === 'object' && typeof fields === 'object' ? { ...before, ...fields } : before ?? fields;
  });
  return bySegment;
}
