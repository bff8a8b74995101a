import type { ClientBase } from 'pg';
import type { Position, RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import { ViewFold } from './view-fold.js';
import { View } from './view.js';

/** Somebody else moved the checkpoint: this writer does not own the view (any more). Nothing was written. */
export class CheckpointMoved extends Error {
  constructor(readonly consumer: string) {
    super(`The checkpoint of ${consumer} was moved by another writer`);
    this.name = 'CheckpointMoved';
  }
}

/**
 * Applies events to the live version of the view. It is the view's only writer: the compare-and-set of the checkpoint in
 * the same transaction rolls back whoever is not.
 */
export class ViewWriter {
  private readonly fold: ViewFold;

  constructor(
    view: View, private readonly version: number, codec: EventCodec, alarm: (event: RecordedEvent, cause: unknown) => void,
  ) {
    this.fold = new ViewFold(view, View.schema(version), codec, alarm);
  }

  /** Reads what survives of an earlier writer: who is stopped. */
  open(client: ClientBase): Promise<void> {
    return this.fold.open(client);
  }

  get stoppedParticipants(): number {
    return this.fold.stoppedParticipants;
  }

  /**
   * The events' rows and the checkpoint, from `from` to `to`, in one transaction, or in several where an event is at fault.
   * @throws CheckpointMoved
   */
  async write(client: ClientBase, events: readonly RecordedEvent[], from: Position | undefined, to: Position): Promise<void> {
    let reached = from;
    await this.fold.writing(events, async (some) => {
      const end = some.at(-1) === events.at(-1) ? to : some.at(-1)!.position;
      await this.commit(client, some, reached, end);
      reached = end;
    });
  }

  private async commit(
    client: ClientBase, events: readonly RecordedEvent[], from: Position | undefined, to: Position,
  ): Promise<void> {
    await client.query('BEGIN');
    try {
      const consumer = View.consumer(this.version);
      const advanced: ViewAdvanced = { version: this.version, position: to, participantIds: personsIn(events) };
      // Listeners hear it at the commit, not before.
      const moved = await client.query({
        name: 'view.checkpoint',
        text: `WITH moved AS (
            UPDATE runtime.checkpoint SET position = $3, updated_at = now()
            WHERE consumer = $1 AND position IS NOT DISTINCT FROM $2 RETURNING 1)
          SELECT pg_notify($4, $5) FROM moved`,
        values: [consumer, from ?? null, to, VIEW_CHANNEL, JSON.stringify(advanced)],
      });
      if (moved.rowCount !== 1) throw new CheckpointMoved(consumer);
      await this.fold.apply(client, events);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

export const VIEW_CHANNEL = 'peerbridge_view';
/** pg_notify takes less than 8,000 bytes; a person's id is 36. */
const MAX_NAMED_PARTICIPANTS = 150;

/** What listeners hear after the commit: which version is live, how far it is, and whom it touched (null: too many to name). */
export interface ViewAdvanced {
  version: number;
  position: Position;
  participantIds: readonly string[] | null;
}

export async function announce(client: ClientBase, advanced: ViewAdvanced): Promise<void> {
  await client.query('SELECT pg_notify($1, $2)', [VIEW_CHANNEL, JSON.stringify(advanced)]);
}

function personsIn(events: readonly RecordedEvent[]): readonly string[] | null {
  const ids = [...new Set(events.flatMap(({ metadata }) => metadata.participantId ?? []))];
  return ids.length > MAX_NAMED_PARTICIPANTS ? null : ids;
}
