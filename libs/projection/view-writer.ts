import type { ClientBase } from 'pg';
import { z } from 'zod';
import type { Position, RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import type { Checkpoint } from './checkpoint.js';
import { ViewFold } from './view-fold.js';
import { View } from './view.js';

/** Somebody else moved the checkpoint, or closed the view: this writer does not own it (any more). Nothing was written. */
export class CheckpointMoved extends Error {
  constructor(readonly consumer: string) {
    super(`The checkpoint of ${consumer} was moved, or its view closed, by somebody else`);
    this.name = 'CheckpointMoved';
  }
}

/**
 * Applies events to the live version of the view. It is the view's only writer: the compare-and-set of the checkpoint in
 * the same transaction rolls back whoever is not, and whoever writes what is not live.
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
   * The events' rows and the checkpoint, from `from` to the last of them, in one transaction, or in several where an event is at
   * fault. Answers where the checkpoint is then.
   * @throws CheckpointMoved
   */
  async write(
    client: ClientBase, events: readonly RecordedEvent[], from: Checkpoint | undefined,
  ): Promise<Checkpoint | undefined> {
    let reached = from;
    await this.fold.writing(events, async (some) => {
      const to = checkpointAfter(some);
      await this.commit(client, some, reached, to);
      reached = to;
    });
    return reached;
  }

  private async commit(
    client: ClientBase, events: readonly RecordedEvent[], from: Checkpoint | undefined, to: Checkpoint,
  ): Promise<void> {
    await client.query('BEGIN');
    try {
      const consumer = View.consumer(this.version);
      const { position, eventId } = to;
      const advanced: ViewAdvanced = { version: this.version, position, participantIds: personsIn(events) };
      // Listeners hear it at the commit, not before.
      const moved = await client.query({
        name: 'view.checkpoint',
        text: `WITH moved AS (
            UPDATE runtime.checkpoint SET position = $3, event_id = $4, updated_at = now()
            WHERE consumer = $1 AND position IS NOT DISTINCT FROM $2
              AND EXISTS (SELECT FROM runtime.view WHERE version = $5 AND live) RETURNING 1)
          SELECT pg_notify($6, $7) FROM moved`,
        values: [consumer, from?.position ?? null, position, eventId, this.version, VIEW_CHANNEL, JSON.stringify(advanced)],
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

/** At least one event. */
export function checkpointAfter(events: readonly RecordedEvent[]): Checkpoint {
  const { position, metadata: { eventId } } = events.at(-1)!;
  return { position, eventId };
}

export const VIEW_CHANNEL = 'peerbridge_view';
/** pg_notify takes less than 8,000 bytes; a person's id is 36. */
const MAX_NAMED_PARTICIPANTS = 150;

const advancedSchema = z.object({ version: z.number(), position: z.string(), participantIds: z.array(z.string()).nullable() });

/** What listeners hear after the commit: which version is live, how far it is, and whom it touched (null: too many to name). */
export interface ViewAdvanced {
  version: number;
  position: Position;
  participantIds: readonly string[] | null;
}

/** Anybody on the database may send on the channel: undefined for what is none of ours. */
export function viewAdvanced(payload: string): ViewAdvanced | undefined {
  try {
    return advancedSchema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}

export async function announce(client: ClientBase, advanced: ViewAdvanced): Promise<void> {
  await client.query('SELECT pg_notify($1, $2)', [VIEW_CHANNEL, JSON.stringify(advanced)]);
}

function personsIn(events: readonly RecordedEvent[]): readonly string[] | null {
  const ids = [...new Set(events.flatMap(({ metadata }) => metadata.participantId ?? []))];
  return ids.length > MAX_NAMED_PARTICIPANTS ? null : ids;
}
