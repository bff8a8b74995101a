import type { ClientBase } from 'pg';
import type { Position, RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import type { AnyProjection, ProjectedEvent } from './projection.js';
import { Rows } from './rows.js';
import { upsertSql, type AnyTable } from './table.js';
import { stoppedParticipantTable, View } from './view.js';

/** Beyond this many rows in memory a writer forgets them all and reads them again as needed. */
const MAX_ROWS_HELD = 50_000;

/** Somebody else moved the checkpoint: this writer does not own the view (any more). Nothing was written. */
export class CheckpointMoved extends Error {
  constructor(readonly consumer: string) {
    super(`The checkpoint of ${consumer} was moved by another writer`);
    this.name = 'CheckpointMoved';
  }
}

class Poison extends Error {
  constructor(readonly event: RecordedEvent, override readonly cause: unknown) {
    super(`Event ${event.metadata.eventId} cannot be applied`);
  }
}

/**
 * Applies events to one version of the view. It holds rows between batches: it is the view's only writer, and the
 * compare-and-set of the checkpoint in the same transaction rolls back whoever is not.
 */
export class ViewWriter {
  private readonly handlers = new Map<string, AnyProjection[]>();
  private readonly projections: readonly AnyProjection[];
  private readonly stopped = new Map<string, Position>();
  private rows = new Rows();
  private readonly schema: string;

  constructor(
    view: View, private readonly version: number, private readonly codec: EventCodec,
    private readonly alarm: (event: RecordedEvent, cause: unknown) => void,
  ) {
    this.schema = View.schema(version);
    this.projections = view.projections;
  }

  /** Reads what survives of an earlier writer: who is stopped. */
  async open(client: ClientBase): Promise<void> {
    const { rows } = await client.query<{ participant_id: string; position: Position }>(
      `SELECT participant_id, position FROM ${this.schema}.${stoppedParticipantTable.name}`);
    rows.forEach((row) => this.stopped.set(row.participant_id, row.position));
  }

  get stoppedParticipants(): number {
    return this.stopped.size;
  }

  /**
   * One transaction: the events' rows and the checkpoint, from `from` to `to`, or nothing.
   * @throws CheckpointMoved
   */
  async write(client: ClientBase, events: readonly RecordedEvent[], from: Position | undefined, to: Position): Promise<void> {
    await client.query('BEGIN');
    try {
      await this.writeWithin(client, events, from, to);
      await client.query('COMMIT');
    } catch (error) {
      this.rows = new Rows();
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** The same inside a transaction of the caller's. */
  async writeWithin(
    client: ClientBase, events: readonly RecordedEvent[], from: Position | undefined, to: Position,
  ): Promise<void> {
    const consumer = View.consumer(this.version);
    const moved = await client.query(
      'UPDATE runtime.checkpoint SET position = $3, updated_at = now() WHERE consumer = $1 AND position IS NOT DISTINCT FROM $2',
      [consumer, from ?? null, to],
    );
    if (moved.rowCount !== 1) throw new CheckpointMoved(consumer);
    await this.fold(client, events);
    for (const [table, rows] of this.rows.changes()) {
      await client.query({
        name: `${this.schema}.${table.name}`, text: upsertSql(this.schema, table), values: [JSON.stringify(rows)],
      });
    }
    this.rows.written();
    await client.query('SELECT pg_notify($1, $2)', [VIEW_CHANNEL, notification(to, events)]);
  }

  /** Folds all events; where one cannot be applied, its person is stopped there and the rest is folded without them. */
  private async fold(client: ClientBase, events: readonly RecordedEvent[]): Promise<void> {
    for (;;) {
      try {
        await this.tryFold(client, events);
        return;
      } catch (error) {
        if (!(error instanceof Poison)) throw error;
        this.alarm(error.event, error.cause);
        const { participantId } = error.event.metadata;
        // An event that speaks of no person and cannot be read is skipped: nobody's disclosure rests on it.
        const skipped = participantId ?? error.event.metadata.eventId;
        this.stopped.set(skipped, error.event.position);
        this.rows = new Rows();
      }
    }
  }

  private async tryFold(client: ClientBase, events: readonly RecordedEvent[]): Promise<void> {
    if (this.rows.size > MAX_ROWS_HELD) this.rows = new Rows();
    const projected: [ProjectedEvent, AnyProjection[], RecordedEvent][] = [];
    for (const event of events) {
      const { participantId, eventId } = event.metadata;
      const stoppedAt = this.stopped.get(participantId ?? eventId);
      if (stoppedAt !== undefined) {
        if (participantId && stoppedAt === event.position) {
          this.rows.put(stoppedParticipantTable, {
            participant_id: participantId, position: stoppedAt, reason: `cannot apply ${event.metadata.type}`,
          });
        }
        continue;
      }
      projected.push([this.project(event), this.handlersOf(event.metadata.type), event]);
    }
    await this.load(client, projected);
    for (const [event, projections, recorded] of projected) {
      try {
        for (const projection of projections) projection.apply(event, this.rows);
      } catch (cause) {
        throw new Poison(recorded, cause);
      }
    }
  }

  /** In the order the view names them: the person's row comes before what other capabilities add to it. */
  private handlersOf(type: string): AnyProjection[] {
    const known = this.handlers.get(type);
    if (known) return known;
    const handlers = this.projections.filter(({ handles }) => handles === 'every' || handles.includes(type));
    this.handlers.set(type, handlers);
    return handlers;
  }

  private project(event: RecordedEvent): ProjectedEvent {
    try {
      const { metadata, position } = event;
      return { fact: this.codec.fact(event), metadata, sealed: this.codec.sealedParts(event), position };
    } catch (cause) {
      throw new Poison(event, cause);
    }
  }

  private async load(client: ClientBase, projected: readonly [ProjectedEvent, AnyProjection[], RecordedEvent][]): Promise<void> {
    const wanted = new Map<AnyTable, Set<string>>();
    for (const [event, projections, recorded] of projected) {
      try {
        for (const { table, key } of projections.flatMap((projection) => projection.needs(event))) {
          if (this.rows.has(table, key)) continue;
          const keys = wanted.get(table) ?? new Set<string>();
          wanted.set(table, keys.add(key));
        }
      } catch (cause) {
        throw new Poison(recorded, cause);
      }
    }
    for (const [table, keys] of wanted) {
      const { rows } = await client.query<Record<string, unknown>>({
        name: `${this.schema}.${table.name}.load`,
        text: `SELECT * FROM ${this.schema}.${table.name} WHERE ${table.key} = ANY($1)`, values: [[...keys]],
      });
      const found = new Map(rows.map((row) => [String(row[table.key]), row]));
      for (const key of keys) this.rows.loaded(table, key, found.get(key));
    }
  }
}

export const VIEW_CHANNEL = 'peerbridge_view';
/** pg_notify takes less than 8,000 bytes; a person's id is 36. */
const MAX_NAMED_PARTICIPANTS = 150;

/** What listeners hear after the commit: how far the view is, and whom it touched (null: too many to name). */
export interface ViewAdvanced {
  position: Position;
  participantIds: readonly string[] | null;
}

function notification(position: Position, events: readonly RecordedEvent[]): string {
  const ids = [...new Set(events.flatMap(({ metadata }) => metadata.participantId ?? []))];
  return JSON.stringify({ position, participantIds: ids.length > MAX_NAMED_PARTICIPANTS ? null : ids } satisfies ViewAdvanced);
}
