import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { comparePositions, type Position, type RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import { Copying } from './copy.js';
import type { AnyProjection, ProjectedEvent } from './projection.js';
import { Rows, type Changes } from './rows.js';
import { createIndexesSql, createTableSql, writeAllSql, type AnyTable } from './table.js';
import { stoppedParticipantTable, type View } from './view.js';

/** Beyond this many rows in memory a fold forgets them all and reads them again as needed. */
const MAX_ROWS_HELD = 50_000;
const BATCH_SIZE = 2_000;

/** SQLSTATE classes 22 and 23, data exception and integrity violation: about what is written, and so the same at every try. */
const isRefusedValue = (error: unknown): boolean => /^2[23]/.test(String((error as { code?: unknown }).code));

class Poison extends Error {
  constructor(readonly event: RecordedEvent, override readonly cause: unknown) {
    super(`Event ${event.metadata.eventId} cannot be applied`);
  }
}

/**
 * Folds events into the tables of one schema. It holds rows between batches: it must be the only one to write there. Where
 * an event cannot be applied, its person is stopped, and everybody else goes on.
 */
export class ViewFold {
  private readonly handlers = new Map<string, AnyProjection[]>();
  private readonly projections: readonly AnyProjection[];
  private readonly stopped = new Map<string, Position>();
  private rows = new Rows();

  constructor(
    view: View, private readonly schema: string, private readonly codec: EventCodec,
    private readonly alarm: (event: RecordedEvent, cause: unknown) => void,
  ) {
    this.projections = view.projections;
  }

  /** Reads what survives of an earlier fold: who is stopped. */
  async open(client: ClientBase): Promise<void> {
    const { rows } = await client.query<{ participant_id: string; position: Position }>(
      `SELECT participant_id, position FROM ${this.schema}.${stoppedParticipantTable.name}`);
    rows.forEach((row) => this.stopped.set(row.participant_id, row.position));
  }

  get stoppedParticipants(): number {
    return this.stopped.size;
  }

  /** Inside a transaction of the caller's, who calls `forget` where that is rolled back. */
  async apply(client: ClientBase, events: readonly RecordedEvent[]): Promise<void> {
    await this.fold(client, events);
    const changes = this.rows.takeChanges();
    await this.write(client, changes.map(({ made, changed, ...one }) => ({ ...one, changed: [...made, ...changed] })));
  }

  /**
   * Folds many events, and answers with what writes them: rows that they make are copied, which costs half. Meanwhile further
   * events can be folded; should the writing fail, after `forget`, both anew.
   * @param ahead settles when what was folded before is written: only then are rows read back
   */
  async inBulk(client: ClientBase, events: readonly RecordedEvent[], ahead: Promise<unknown>): Promise<() => Promise<void>> {
    await this.fold(client, events, ahead);
    const changes = this.rows.takeChanges();
    const made = changes.filter((one) => one.made.length > 0).map(({ table, made: rows }) => ({ table, rows }));
    const changed = changes.filter((one) => one.changed.length > 0 || one.removed.length > 0);
    const copying = new Copying(this.schema, made);
    return async () => {
      try {
        await copying.run(client, { commit: changed.length === 0 });
        if (changed.length === 0) return;
        await this.write(client, changed);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      }
    };
  }

  private async write(client: ClientBase, changes: readonly Omit<Changes, 'made'>[]): Promise<void> {
    const written = changes.filter(({ changed }) => changed.length > 0);
    const removed = changes.filter((one) => one.removed.length > 0);
    if (written.length + removed.length === 0) return;
    const tables = [written, removed].map((some) => some.map(({ table }) => table)) as [AnyTable[], AnyTable[]];
    await client.query({
      name: this.nameOf(...tables), text: writeAllSql(this.schema, ...tables),
      values: [...written.map(({ changed }) => JSON.stringify(changed)), ...removed.map((one) => one.removed)],
    });
  }

  /** One prepared statement for each set of tables that batches touch. PostgreSQL keeps 63 bytes of a name. */
  private nameOf(written: readonly AnyTable[], removed: readonly AnyTable[]): string {
    const names = [written, removed].map((tables) => tables.map(({ name }) => name).join('+')).join('-');
    return `write.${createHash('sha1').update(`${this.schema} ${names}`).digest('base64url')}`;
  }

  /** The rows held are not what the database has. */
  forget(): void {
    this.rows = new Rows();
  }

  /**
   * Writes events by `write`, which applies and commits them. Where the database refuses a value, ever fewer are tried, down to
   * the event at fault, whose person is stopped there: nothing that was recorded keeps everybody else waiting.
   */
  async writing(events: readonly RecordedEvent[], write: (events: readonly RecordedEvent[]) => Promise<void>): Promise<void> {
    try {
      await write(events);
    } catch (error) {
      this.forget();
      if (!isRefusedValue(error) || events.length === 0) throw error;
      if (events.length === 1) {
        this.stop(events[0]!, error);
        await write(events);
      } else {
        const middle = Math.ceil(events.length / 2);
        await this.writing(events.slice(0, middle), write);
        await this.writing(events.slice(middle), write);
      }
    }
  }

  /** Folds all events; where one cannot be applied, its person is stopped there and the rest is folded without them. */
  private async fold(client: ClientBase, events: readonly RecordedEvent[], ahead?: Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await this.tryFold(client, events, ahead);
        return;
      } catch (error) {
        if (!(error instanceof Poison)) throw error;
        this.stop(error.event, error.cause);
        this.forget();
      }
    }
  }

  private stop(event: RecordedEvent, cause: unknown): void {
    this.alarm(event, cause);
    const { participantId, eventId } = event.metadata;
    // An event that speaks of no person and cannot be read is skipped: nobody's disclosure rests on it.
    this.stopped.set(participantId ?? eventId, event.position);
  }

  private async tryFold(client: ClientBase, events: readonly RecordedEvent[], ahead?: Promise<unknown>): Promise<void> {
    if (this.rows.size > MAX_ROWS_HELD) this.forget();
    const projected: [ProjectedEvent, AnyProjection[], RecordedEvent][] = [];
    for (const event of events) {
      const { participantId, eventId, type } = event.metadata;
      const stoppedAt = this.stopped.get(participantId ?? eventId);
      // What came before is applied, also where it came in the same batch: a rebuild stops everybody where they stopped.
      if (stoppedAt !== undefined && comparePositions(event.position, stoppedAt) >= 0) {
        if (participantId && stoppedAt === event.position) {
          this.rows.put(stoppedParticipantTable, {
            participant_id: participantId, position: stoppedAt, reason: `cannot apply ${type}`,
          });
        }
        continue;
      }
      projected.push([this.project(event), this.handlersOf(type), event]);
    }
    await this.load(client, projected, ahead);
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
      const { codec } = this;
      return {
        fact: codec.fact(event), metadata: event.metadata, sealed: codec.sealedParts(event), position: event.position,
      };
    } catch (cause) {
      throw new Poison(event, cause);
    }
  }

  private async load(
    client: ClientBase, projected: readonly [ProjectedEvent, AnyProjection[], RecordedEvent][], ahead?: Promise<unknown>,
  ): Promise<void> {
    const wanted = new Map<AnyTable, Set<string>>();
    for (const [event, projections, recorded] of projected) {
      try {
        for (const { table, key } of projections.flatMap((projection) => projection.needs(event))) {
          if (!this.rows.want(table, key)) continue;
          const keys = wanted.get(table) ?? new Set<string>();
          wanted.set(table, keys.add(key));
        }
      } catch (cause) {
        throw new Poison(recorded, cause);
      }
    }
    if (wanted.size > 0) await ahead;
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

/** PostgreSQL's schema of what one session alone sees: it goes with the session, however that ends. */
export const SESSION_SCHEMA = 'pg_temp';

/** A view of these events alone, in the session's own schema: for a question that the live view does not answer. */
export async function foldForSession(
  client: ClientBase, view: View, codec: EventCodec, events: readonly RecordedEvent[],
  alarm: (event: RecordedEvent, cause: unknown) => void,
): Promise<void> {
  for (const table of view.tables) {
    await client.query([createTableSql(SESSION_SCHEMA, table), ...createIndexesSql(SESSION_SCHEMA, table)].join(';'));
  }
  const fold = new ViewFold(view, SESSION_SCHEMA, codec, alarm);
  for (let done = 0; done < events.length; done += BATCH_SIZE) await fold.apply(client, events.slice(done, done + BATCH_SIZE));
}
