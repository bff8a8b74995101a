import { createHash } from 'node:crypto';
import type { ClientBase } from 'pg';
import { comparePositions, memoryOf, type Position, type RecordedEvent } from '@peerbridge/event-store';
import type { EventCodec } from '@peerbridge/vault';
import { Copying } from './copy.js';
import type { AnyProjection, ProjectedEvent } from './projection.js';
import { Rows, type Changes } from './rows.js';
import { createIndexesSql, createTableSql, writeAllSql, type AnyTable } from './table.js';
import { stoppedParticipantTable, type View } from './view.js';

/** Beyond so much in memory a fold forgets its rows and reads them again as needed. */
const MAX_ROWS_HELD = 50_000;
const MAX_BYTES_HELD = 128 * 1_048_576;
const BATCH_SIZE = 2_000;
/** So many events are written at once where one of them is at fault, before each is on its own. */
const SLICE_SIZE = 50;

/**
 * About what is written, and so the same at every try: SQLSTATE classes 22, 23 and 54 (data exception, integrity violation,
 * program limit exceeded), and text that is longer than there can be.
 */
const isRefusedValue = (error: unknown): boolean =>
  error instanceof RangeError || /^(?:22|23|54)/.test(String((error as { code?: unknown }).code));

/** An event that was looked at, and what will be done with it. */
interface Projected {
  recorded: RecordedEvent;
  event: ProjectedEvent;
  projections: readonly AnyProjection[];
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
  /** Of the events folded since rows were last forgotten, which is what their rows are made of. */
  private bytesHeld = 0;

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
    const copying = attempted(() => new Copying(this.schema, made));
    return async () => {
      try {
        await copying().run(client, { commit: changed.length === 0 });
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
    this.bytesHeld = 0;
  }

  /**
   * Writes events by `write`, which applies and commits them. Where the database refuses a value, they are written in slices, and
   * one by one where a slice is refused: the person of the event at fault is stopped there, and nothing that was recorded keeps
   * everybody else waiting.
   */
  async writing(
    events: readonly RecordedEvent[], write: (events: readonly RecordedEvent[]) => Promise<void>, slice = SLICE_SIZE,
  ): Promise<void> {
    try {
      await write(events);
    } catch (error) {
      this.forget();
      if (!isRefusedValue(error) || events.length === 0) throw error;
      if (events.length === 1) {
        this.stop(events[0]!, error);
        await write(events);
        return;
      }
      const size = events.length > slice ? slice : 1;
      for (let from = 0; from < events.length; from += size) await this.writing(events.slice(from, from + size), write, 1);
    }
  }

  private stop(event: RecordedEvent, cause: unknown): void {
    this.alarm(event, cause);
    const { participantId, eventId } = event.metadata;
    // An event that speaks of no person and cannot be read is skipped: nobody's disclosure rests on it.
    this.stopped.set(participantId ?? eventId, event.position);
  }

  /** Where an event cannot be applied, its person is stopped there, and the rest is folded without them, all in one pass. */
  private async fold(client: ClientBase, events: readonly RecordedEvent[], ahead?: Promise<unknown>): Promise<void> {
    if (this.rows.size > MAX_ROWS_HELD || this.bytesHeld > MAX_BYTES_HELD) this.forget();
    const projected = events.flatMap((event) => this.project(event) ?? []);
    await this.load(client, projected, ahead);
    for (const { recorded, event, projections } of projected) {
      this.bytesHeld += memoryOf(recorded);
      if (this.isStopped(recorded)) {
        this.keepStop(recorded);
        continue;
      }
      try {
        this.rows.attempt(() => { for (const projection of projections) projection.apply(event, this.rows); });
      } catch (cause) {
        this.stop(recorded, cause);
        this.keepStop(recorded);
      }
    }
  }

  /** What came before is applied, also where it came in the same batch: a rebuild stops everybody where they stopped. */
  private isStopped({ metadata: { participantId, eventId }, position }: RecordedEvent): boolean {
    const stoppedAt = this.stopped.get(participantId ?? eventId);
    return stoppedAt !== undefined && comparePositions(position, stoppedAt) >= 0;
  }

  /** Of the event at which its person stopped. */
  private keepStop({ metadata: { participantId, type }, position }: RecordedEvent): void {
    if (participantId === undefined || this.stopped.get(participantId) !== position) return;
    this.rows.put(stoppedParticipantTable, { participant_id: participantId, position, reason: `cannot apply ${type}` });
  }

  /** In the order the view names them: the person's row comes before what other capabilities add to it. */
  private handlersOf(type: string): AnyProjection[] {
    const known = this.handlers.get(type);
    if (known) return known;
    const handlers = this.projections.filter(({ handles }) => handles === 'every' || handles.includes(type));
    this.handlers.set(type, handlers);
    return handlers;
  }

  /** Undefined for what is skipped. */
  private project(recorded: RecordedEvent): Projected | undefined {
    const projections = this.handlersOf(recorded.metadata.type);
    try {
      if (!this.isStopped(recorded)) return { recorded, event: this.opened(recorded), projections };
    } catch (cause) {
      this.stop(recorded, cause);
    }
    this.keepStop(recorded);
    return undefined;
  }

  private opened(event: RecordedEvent): ProjectedEvent {
    const { codec } = this;
    return { fact: codec.fact(event), metadata: event.metadata, sealed: codec.sealedParts(event), position: event.position };
  }

  private async load(client: ClientBase, projected: readonly Projected[], ahead?: Promise<unknown>): Promise<void> {
    const wanted = new Map<AnyTable, Set<string>>();
    for (const { recorded, event, projections } of projected) {
      try {
        for (const { table, key } of projections.flatMap((projection) => projection.needs(event))) {
          if (!this.rows.want(table, key)) continue;
          const keys = wanted.get(table) ?? new Set<string>();
          wanted.set(table, keys.add(key));
        }
      } catch (cause) {
        this.stop(recorded, cause);
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

/** What the work makes, or its error, when it is asked for. */
function attempted<T>(work: () => T): () => T {
  try {
    const made = work();
    return () => made;
  } catch (error) {
    return () => { throw error; };
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
