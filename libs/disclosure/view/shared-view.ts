import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import DataLoader from 'dataloader';
import type { Pool } from 'pg';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { DomainError, instant, invalid, SHREDDED, type Caller, type Clock } from '@peerbridge/kernel';
import type { EventStore, Position } from '@peerbridge/event-store';
import { stoppedParticipantTable, View, type AnyTable, type Table, type ViewPosition } from '@peerbridge/projection';
import type { EventCodec, SealedPart } from '@peerbridge/vault';
import {
  compileItemRule, decide, mayKnowOrganization, permitsItem, seesWorker, type Decision, type ItemLabel, type PersonFacts,
} from '../policy/index.js';
import {
  commandTable, itemTable, organizationTable, personTable, personWorkerTable, timelineTable,
  type CommandRow, type ItemRow, type OrganizationRow, type PersonWorkerRow, type TimelineRow,
} from './tables.js';

/** Statements of more shapes than these are planned anew each time. */
const PREPARED_STATEMENTS = 300;
const UNDEFINED_TABLE = '42P01';
const INVALID_SCHEMA = '3F000';
const DEADLOCK = '40P01';
/** What a read meets on a version that is being dropped. */
const isOfDroppedVersion = (error: unknown): boolean =>
  [UNDEFINED_TABLE, INVALID_SCHEMA, DEADLOCK].includes((error as { code?: string }).code ?? '');

/** What one viewer may see of one person, at the instant of the request. */
export interface PersonAccess {
  participantId: string;
  facts: PersonFacts;
  decision: Decision;
}

export interface Page<Row> {
  rows: { row: Row; cursor: string }[];
  hasNextPage: boolean;
  /** Counted only when asked for. */
  totalCount: number | undefined;
}

export interface PageRequest {
  first: number;
  after?: string;
  count: boolean;
}

export interface TimelineFilter {
  types?: readonly string[];
  segments?: readonly string[];
  /** RFC 3339; of occurredAt; inclusive. */
  from?: string;
  /** Exclusive. */
  to?: string;
}

export interface KnownOrganization {
  id: string | null;
  name: string | null;
}

export interface SharedViewOptions {
  /** Compiles statements. */
  db: Kysely<unknown>;
  pool: Pool;
  store: EventStore;
  position: ViewPosition;
  codec: Pick<EventCodec, 'open'>;
  clock: Clock;
  readWaitMs: number;
  /** Whether the view lags so far behind the log that nothing may rest on it. */
  isUnknowable: () => boolean;
  /** Called with every decision about a whole person. */
  observe?: (role: string, outcome: 'permitted' | 'denied') => void;
  /** A view that was made for one question and is read in place of the live one. */
  schema?: string;
  /** Who sees what; default: the policy. */
  decide?: typeof decide;
}

/**
 * The one way to read: every row of the view passes a disclosure decision here, and nothing else holds a connection to
 * the view's tables. A request takes one `session` and reads at one instant.
 */
export class SharedView {
  /** The live version as last looked up; each decision's statement proves it or finds the new one. */
  private lookedUp = 0;

  /** Registered once and for good, so what was read stays true. */
  private readonly organizations = new Map<string, OrganizationRow>();
  private readonly statements = new Map<string, string>();

  constructor(readonly options: SharedViewOptions) {}

  /** @param commandId of the command that the session serves, looked up with the person it is about */
  session(caller: Caller, commandId?: string): ViewSession {
    return new ViewSession(this, caller, commandId);
  }

  async organization(id: string): Promise<OrganizationRow | undefined> {
    const known = this.organizations.get(id);
    if (known) return known;
    const [row] = await this.byKey(organizationTable, [id]);
    if (row) this.organizations.set(id, row);
    return row;
  }

  /** Runs a statement; those of one shape are prepared once per connection, for planning costs more than running them. */
  async run<Row>(statement: RawBuilder<Row>): Promise<{ rows: Row[] }> {
    const { sql: text, parameters } = statement.compile(this.options.db);
    const name = this.statements.get(text) ?? createHash('sha1').update(text).digest('base64url');
    if (this.statements.size < PREPARED_STATEMENTS) this.statements.set(text, name);
    const prepared = this.statements.has(text) ? { name } : {};
    return this.options.pool.query<Row & object>({ ...prepared, text, values: [...parameters] });
  }

  /**
   * Waits until the view has reached the position.
   * @throws DomainError VALIDATION for a position of another store or one that was never given out; TIMEOUT
   */
  async atLeast(position: string | null | undefined): Promise<void> {
    if (position === null || position === undefined) return;
    const { store, readWaitMs } = this.options;
    try {
      store.assertPosition(position);
    } catch {
      throw invalid('atLeast is not a position of this deployment', 'atLeast');
    }
    if (this.options.position.has(position)) return;
    const head = await store.head();
    if (head === undefined || position > head) throw invalid('atLeast lies in the future', 'atLeast');
    if (await this.options.position.reached(position, readWaitMs)) return;
    throw new DomainError('TIMEOUT', `The view did not reach the position within ${readWaitMs} ms; repeat the query.`);
  }

  /** Waits until the view has all that was in the log when called. False when it did not get there in time. */
  async caughtUp(): Promise<boolean> {
    const head = await this.options.store.head();
    return head === undefined || this.options.position.reached(head, this.options.readWaitMs);
  }

  /** Runs a read on the live version, again where a rebuild has swapped it meanwhile. */
  async onLive<T>(read: (schema: string, version: number) => Promise<T | typeof SWAPPED>): Promise<T> {
    const { schema, position } = this.options;
    let version = Math.max(this.lookedUp, position.version);
    for (let attempt = 0; ; attempt += 1) {
      if (version === 0 && schema === undefined) version = await this.lookUpLive();
      try {
        const result = await read(schema ?? View.schema(version), version);
        if (result !== SWAPPED) return result;
      } catch (error) {
        if (!isOfDroppedVersion(error) || attempt >= 5) throw error;
      }
      version = 0;
    }
  }

  /** SQL: whether this version is still the one to read. */
  isLive(version: number): RawBuilder<boolean> {
    return this.options.schema === undefined ? sql`(SELECT version FROM runtime.view WHERE live) = ${version}` : sql`true`;
  }

  /** Waits for the projector to have made the view, at the very first start. @throws DomainError UNAVAILABLE */
  async available(withinMs: number): Promise<void> {
    for (const deadline = performance.now() + withinMs; ;) {
      try {
        await this.lookUpLive();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await setTimeout(50);
      }
    }
  }

  private async lookUpLive(): Promise<number> {
    const { rows } = await this.run(sql<{ version: number }>`SELECT version FROM runtime.view WHERE live`);
    if (!rows[0]) throw new DomainError('UNAVAILABLE', 'The view is being built; repeat the request.');
    this.lookedUp = rows[0].version;
    return rows[0].version;
  }

  /** Rows by primary key, in the order asked. */
  async byKey<Row extends object>(table: Table<Row>, keys: readonly string[]): Promise<(Row | undefined)[]> {
    return this.onLive(async (schema) => {
      const { rows } = await this.run(sql<Row>`SELECT * FROM ${tableIn(schema, table)}
        WHERE ${sql.ref(table.key)} = ANY(${keys})`);
      const byKey = new Map(rows.map((row) => [String(row[table.key]), row]));
      return keys.map((key) => byKey.get(key));
    });
  }

  /** How far the live view is, as the database has it now. */
  async position(): Promise<Position | undefined> {
    const { rows } = await this.run(sql<{ position: Position | null }>`SELECT position FROM runtime.view
      JOIN runtime.checkpoint ON consumer = 'view_v' || version WHERE live`);
    return rows[0]?.position ?? undefined;
  }

  /** How many people's projections have stopped: a number for operators. */
  async stoppedParticipants(): Promise<number> {
    return this.onLive(async (schema) => {
      const { rows } = await this.run(sql<{ count: number }>`
        SELECT count(*)::int AS count FROM ${tableIn(schema, stoppedParticipantTable)}`);
      return rows[0]!.count;
    });
  }

  /** The person that a node speaks of, whoever asks: for the guarantee's sake, never for an answer. */
  async participantOf(id: string): Promise<string | undefined> {
    return this.onLive(async (schema) => {
      const { rows } = await this.run(sql<{ participant_id: string }>`
        SELECT participant_id FROM ${tableIn(schema, itemTable)} WHERE id = ${id}
        UNION SELECT participant_id FROM ${tableIn(schema, personTable)} WHERE participant_id = ${id}`);
      return rows[0]?.participant_id;
    });
  }
}

/** A read that found that the version it read is no longer the live one. */
export const SWAPPED = Symbol('swapped');

/** One request's reads: one caller, one instant, each decision made once. */
export class ViewSession {
  /** Domain time of the request, RFC 3339 UTC with milliseconds. */
  readonly instant: string;

  private readonly persons: DataLoader<string, PersonAccess | undefined>;
  private readonly itemLoader: DataLoader<string, ItemRow | undefined>;
  private readonly workers: DataLoader<string, string | null>;
  /** Null: it was looked up, and there is none. */
  private commandRow: CommandRow | null | undefined;
  private readonly contents = new Map<AnyTable, DataLoader<string, object | undefined>>();

  constructor(private readonly view: SharedView, readonly caller: Caller, private readonly commandId?: string) {
    this.instant = view.options.clock.now().toISOString();
    this.persons = new DataLoader((ids) => this.loadPersons(ids));
    this.itemLoader = new DataLoader((ids) => this.view.byKey(itemTable, ids));
    this.workers = new DataLoader((keys) => this.loadWorkerNames(keys));
  }

  /** What the session's command was first answered with, if it was accepted before. */
  async command(): Promise<CommandRow | undefined> {
    if (this.commandRow === undefined) this.commandRow = (await this.view.byKey(commandTable, [this.commandKey]))[0] ?? null;
    return this.commandRow ?? undefined;
  }

  private get commandKey(): string {
    return `${this.caller.memberId}/${this.commandId}`;
  }

  /** Undefined for an unknown, malformed or denied person: the caller cannot tell which. */
  async person(participantId: string): Promise<PersonAccess | undefined> {
    const access = await this.decision(participantId);
    const permitted = access?.decision.visible ?? false;
    this.view.options.observe?.(this.caller.role, permitted ? 'permitted' : 'denied');
    return permitted ? access : undefined;
  }

  /** The decision itself, also where nothing of the person as a whole may be seen: an author keeps what they wrote. */
  async decision(participantId: string): Promise<PersonAccess | undefined> {
    return uuid.test(participantId) ? this.persons.load(participantId) : undefined;
  }

  /** The label and decision of a node that the caller may see. */
  async item(id: string): Promise<{ item: ItemRow; access: PersonAccess } | undefined> {
    if (!uuid.test(id)) return undefined;
    const item = await this.itemLoader.load(id);
    const access = item && await this.decision(item.participant_id);
    return item && access && permitsItem(access.decision, labelOf(item)) ? { item, access } : undefined;
  }

  /** The content of a node whose label has been permitted already. */
  async content<Row extends object>(table: Table<Row>, id: string): Promise<Row | undefined> {
    const loader = this.contents.get(table) ?? new DataLoader<string, object | undefined>((ids) => this.view.byKey(table, ids));
    this.contents.set(table, loader);
    return loader.load(id) as Promise<Row | undefined>;
  }

  /** A page of one kind of node of one person, with its label: newest first, or oldest first. */
  async items<Row extends object>(
    access: PersonAccess, type: string, table: Table<Row>, page: PageRequest, order: 'newest' | 'oldest' = 'newest',
  ): Promise<Page<Row & { label: ItemRow }>> {
    const after = page.after === undefined ? undefined : decodeCursor(page.after, this.isPosition)[0]!;
    return this.view.onLive(async (schema) => {
      const rule = compileItemRule(access.decision, 'item');
      const from = sql`FROM ${tableIn(schema, itemTable)} AS item
        JOIN ${tableIn(schema, table)} AS content ON content.${sql.ref(table.key)} = item.id
        WHERE item.participant_id = ${access.participantId} AND item.type = ${type} AND ${rule}`;
      const further = order === 'newest' ? sql`<` : sql`>`;
      const beyond = after === undefined ? sql`` : sql` AND item.position ${further} ${after}`;
      const { rows } = await this.view.run(sql<Row & { label: ItemRow }>`
        SELECT content.*, to_jsonb(item) AS label ${from}${beyond}
        ORDER BY item.position ${sql.raw(order === 'newest' ? 'DESC' : 'ASC')} LIMIT ${page.first + 1}`);
      return {
        ...cut(rows, page.first, ({ label }) => encodeCursor(label.position)),
        totalCount: page.count ? await this.count(from) : undefined,
      };
    });
  }

  /** The person's story, newest occurrence first, ties by position. */
  async timeline(
    access: PersonAccess, page: PageRequest, filter: TimelineFilter = {},
  ): Promise<Page<TimelineRow & { segments: ItemRow['segments'] }>> {
    const after = page.after === undefined ? undefined : decodeCursor(page.after, isInstant, this.isPosition);
    return this.view.onLive(async (schema) => {
      const rule = compileItemRule(access.decision, 'item');
      const filters = [
        filter.types ? sql` AND entry.type = ANY(${filter.types})` : sql``,
        filter.segments ? sql` AND item.segments && ${filter.segments}::text[]` : sql``,
        filter.from ? sql` AND entry.occurred_at >= ${filter.from}` : sql``,
        filter.to ? sql` AND entry.occurred_at < ${filter.to}` : sql``,
      ];
      const from = sql`FROM ${tableIn(schema, timelineTable)} AS entry
        ${labelOfEach(schema)}
        WHERE entry.participant_id = ${access.participantId} AND ${rule}${sql.join(filters, sql``)}`;
      const beyond = after ? sql` AND (entry.occurred_at, entry.position) < (${after[0]!}::timestamptz, ${after[1]!})` : sql``;
      const { rows } = await this.view.run(sql<TimelineRow & { segments: ItemRow['segments'] }>`
        SELECT entry.*, item.segments ${from}${beyond}
        ORDER BY entry.occurred_at DESC, entry.position DESC LIMIT ${page.first + 1}`);
      return {
        ...cut(rows, page.first, (row) => encodeCursor(row.occurred_at, row.position)),
        totalCount: page.count ? await this.count(from) : undefined,
      };
    });
  }

  /** Timeline entries recorded after a position, in the order they were recorded: what a subscription hands over. */
  async timelineSince(
    access: PersonAccess, after: Position, limit: number,
  ): Promise<(TimelineRow & { segments: ItemRow['segments'] })[]> {
    return this.view.onLive(async (schema) => {
      const rule = compileItemRule(access.decision, 'item');
      const { rows } = await this.view.run(sql<TimelineRow & { segments: ItemRow['segments'] }>`SELECT entry.*, item.segments
        FROM ${tableIn(schema, timelineTable)} AS entry ${labelOfEach(schema)}
        WHERE entry.participant_id = ${access.participantId} AND entry.position > ${after} AND ${rule}
        ORDER BY entry.position LIMIT ${limit}`);
      return rows;
    });
  }

  /**
   * Everyone the caller may see, by id; with `worker` only those on whose team that member is and is shown to the caller.
   * Candidates come from an index of relationships; each is then decided by the one function.
   */
  async participants(page: PageRequest, worker?: string): Promise<Page<PersonAccess>> {
    const after = page.after === undefined ? undefined : decodeCursor(page.after, isId)[0]!;
    const ids = await this.candidates(worker ?? this.caller.memberId, worker !== undefined);
    const decided = await Promise.all(ids.map((id) => this.persons.load(id)));
    const visible = decided.filter((access): access is PersonAccess => access !== undefined && access.decision.visible
      && (worker === undefined || this.showsMember(access, worker)));
    const rest = after === undefined ? visible : visible.filter(({ participantId }) => participantId > after);
    return {
      ...cut(rest.slice(0, page.first + 1), page.first, ({ participantId }) => encodeCursor(participantId)),
      totalCount: visible.length,
    };
  }

  /** An organization as the caller may know it, about this person: the real one, or its neutral alias. */
  async organization(orgId: string, access?: PersonAccess): Promise<KnownOrganization | null> {
    const row = uuid.test(orgId) ? await this.view.organization(orgId) : undefined;
    const known = { id: orgId, part2Program: row?.part2_program ?? true };
    if (mayKnowOrganization(access?.decision, this.caller, known)) return { id: orgId, name: row?.name ?? null };
    return { id: null, name: row?.alias ?? null };
  }

  async organizationIsRegistered(orgId: string): Promise<boolean> {
    return (await this.view.organization(orgId)) !== undefined;
  }

  async organizationVersion(orgId: string): Promise<number | undefined> {
    return (await this.view.organization(orgId))?.version;
  }

  /** Held under 42 CFR Part 2; an unknown organization counts as such. */
  async isPart2Program(orgId: string): Promise<boolean> {
    return (await this.view.organization(orgId))?.part2_program ?? true;
  }

  /** The name under which the person's team knows a member; null where the caller may not see workers, or none is known. */
  async workerName(access: PersonAccess, worker: { memberId: string; orgId: string }): Promise<string | null> {
    if (!this.seesWorker(access, worker)) return null;
    if (worker.memberId === this.caller.memberId) return this.caller.name ?? null;
    return this.workers.load(`${access.participantId}/${worker.memberId}`);
  }

  seesWorker(access: PersonAccess | undefined, worker: { memberId: string; orgId: string }): boolean {
    return seesWorker(access?.decision, this.caller, worker);
  }

  /** A worker by member id, if the caller shares a person's team with them or belongs to the same organization. */
  async worker(memberId: string): Promise<{ row: PersonWorkerRow; access: PersonAccess | undefined } | undefined> {
    if (!uuid.test(memberId)) return undefined;
    const rows = await this.view.onLive(async (schema) => (await this.view.run(sql<PersonWorkerRow>`
      SELECT * FROM ${tableIn(schema, personWorkerTable)}
      WHERE member_id = ${memberId} ORDER BY key`)).rows);
    for (const row of rows) {
      const access = await this.person(row.participant_id);
      if (access && this.seesWorker(access, { memberId, orgId: row.org_id })) return { row, access };
    }
    const colleague = rows.find(({ org_id }) => org_id === this.caller.orgId);
    return colleague && { row: colleague, access: undefined };
  }

  /** Opens what is sealed, later parts over earlier ones. Shredded parts leave their fields out and are reported. */
  async open(parts: readonly SealedPart[]): Promise<{ fields: Record<string, unknown>; shredded: boolean }> {
    const opened = await this.view.options.codec.open(parts);
    return {
      fields: Object.assign({}, ...opened.filter((fields) => fields !== SHREDDED)) as Record<string, unknown>,
      shredded: opened.includes(SHREDDED),
    };
  }

  private readonly isPosition = (text: string): boolean => {
    try {
      this.view.options.store.assertPosition(text);
      return true;
    } catch {
      return false;
    }
  };

  private async count(from: RawBuilder<unknown>): Promise<number> {
    const { rows } = await this.view.run(sql<{ count: number }>`SELECT count(*)::int AS count ${from}`);
    return rows[0]!.count;
  }

  private showsMember({ facts, decision }: PersonAccess, memberId: string): boolean {
    const membership = facts.team.find((member) => member.memberId === memberId && member.state === 'joined');
    return membership !== undefined && seesWorker(decision, this.caller, membership);
  }

  private async candidates(memberId: string, onlyTeam: boolean): Promise<string[]> {
    const { orgId, role, participantId } = this.caller;
    return this.view.onLive(async (schema, version) => {
      const table = tableIn(schema, personTable);
      const reach = onlyTeam ? sql`reach_ids && ${[memberId]}::uuid[]` : sql`reach_ids && ${[memberId, orgId]}::uuid[]`;
      const supervised = !onlyTeam && role === 'supervisor' ? sql` OR home_org_id = ${orgId}` : sql``;
      const own = !onlyTeam && participantId ? sql` OR participant_id = ${participantId}` : sql``;
      const { rows } = await this.view.run(sql<{ participant_id: string; live: boolean }>`
        SELECT participant_id, ${this.view.isLive(version)} AS live
        FROM ${table} WHERE ${reach}${supervised}${own} ORDER BY participant_id`);
      return rows[0] && !rows[0].live ? SWAPPED : rows.map((row) => row.participant_id);
    });
  }

  private async loadPersons(ids: readonly string[]): Promise<(PersonAccess | undefined)[]> {
    const rows = await this.view.onLive(async (schema, version) => {
      const { rows: found } = await this.view.run(sql<PersonAnswer>`
        SELECT asked.id, ${this.view.isLive(version)} AS live, person.facts,
          stopped.participant_id IS NOT NULL AS stopped${this.commandId === undefined ? sql`` : sql`,
          (SELECT to_jsonb(command) FROM ${tableIn(schema, commandTable)} AS command WHERE key = ${this.commandKey}) AS command`}
        FROM unnest(${ids}::uuid[]) AS asked(id)
        LEFT JOIN ${tableIn(schema, personTable)} AS person ON person.participant_id = asked.id
        LEFT JOIN ${tableIn(schema, stoppedParticipantTable)} AS stopped
          ON stopped.participant_id = asked.id`);
      return found[0]?.live ? found : SWAPPED;
    });
    if (rows[0]?.command !== undefined) this.commandRow = rows[0].command;
    const { isUnknowable, decide: decideOn = decide } = this.view.options;
    const unknowable = isUnknowable();
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => {
      const row = byId.get(id);
      if (!row?.facts) return undefined;
      const facts = row.stopped || unknowable ? { ...row.facts, unknowable: true } : row.facts;
      return { participantId: id, facts, decision: decideOn(this.caller, facts, this.instant) };
    });
  }

  private async loadWorkerNames(keys: readonly string[]): Promise<(string | null)[]> {
    const rows = await this.view.byKey(personWorkerTable, keys);
    return Promise.all(rows.map(async (row) => {
      if (!row) return null;
      const name = (await this.open(row.sealed)).fields[row.name_field];
      return typeof name === 'string' ? name : null;
    }));
  }
}

interface PersonAnswer {
  id: string;
  live: boolean;
  facts: PersonFacts | null;
  stopped: boolean;
  command?: CommandRow | null;
}

/**
 * The label of each timeline entry, looked up entry by entry in the order of the story. OFFSET 0 keeps the planner from
 * turning the join round: without statistics it reads the whole story once for every item of it.
 */
const labelOfEach = (schema: string): RawBuilder<unknown> =>
  sql`CROSS JOIN LATERAL (SELECT * FROM ${tableIn(schema, itemTable)} WHERE id = entry.item_id OFFSET 0) AS item`;

export const labelOf = (item: ItemRow): ItemLabel => ({
  participantId: item.participant_id, segments: item.segments, sourceOrgId: item.source_org_id, authorId: item.author_id,
  partyOrgId: item.party_org_id, circles: item.circles,
});

const tableIn = (schema: string, { name }: { name: string }) => sql.table(`${schema}.${name}`);

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function cut<Row>(rows: readonly Row[], first: number, cursorOf: (row: Row) => string): Omit<Page<Row>, 'totalCount'> {
  return { rows: rows.slice(0, first).map((row) => ({ row, cursor: cursorOf(row) })), hasNextPage: rows.length > first };
}

/** Cursors name a place in an order, never content. */
const encodeCursor = (...parts: readonly string[]): string => Buffer.from(parts.join('|')).toString('base64url');

function decodeCursor(cursor: string, ...parts: readonly ((text: string) => boolean)[]): string[] {
  const decoded = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  const sound = decoded.length === parts.length && parts.every((isPart, index) => isPart(decoded[index]!));
  if (!sound) throw invalid('after is not a cursor of this list', 'after');
  return decoded;
}

const isId = (text: string): boolean => uuid.test(text);
const isInstant = (text: string): boolean => instant.safeParse(text).success;
