import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import DataLoader from 'dataloader';
import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import { DomainError, instant, invalid, SHREDDED, type Caller, type Clock, type Role, type Segment } from '@peerbridge/kernel';
import type { EventStore, Position } from '@peerbridge/event-store';
import type { QueryConfig } from 'pg';
import { stoppedParticipantTable, View, type AnyTable, type Table, type ViewPosition } from '@peerbridge/projection';
import type { EventCodec, SealedPart } from '@peerbridge/vault';
import {
  areColleagues, compileItemRule, decide, mayKnowOrganization, permitsItem, seesWorker, type Decision, type ItemLabel,
  type PersonFacts, type RecordedFacts,
} from '../policy/index.js';
import {
  commandTable, itemTable, organizationTable, personTable, personWorkerTable, timelineTable, workerTable,
  type ItemRow, type OrganizationRow, type PersonWorkerRow, type TimelineRow,
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

/** What became of an accepted command: enough to answer a repeat of it. */
export interface AcceptedCommand {
  bodyHash: string;
  /** The node it touched. */
  id: string;
  /** The revision of the last event that touched the node. */
  version: number;
  position: Position;
  /** Of its first event. */
  eventType: string;
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

/** Runs statements that each stand alone: a pool, a pipeline. */
export interface Statements {
  query<Row extends object>(statement: QueryConfig): Promise<{ rows: Row[] }>;
}

export interface SharedViewOptions {
  statements: Statements;
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

  session(caller: Caller): ViewSession {
    return new ViewSession(this, caller);
  }

  async organization(id: string): Promise<OrganizationRow | undefined> {
    const known = this.organizations.get(id);
    if (known) return known;
    const row = await this.byKey(organizationTable, id);
    if (row) this.organizations.set(id, row);
    return row;
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

  /**
   * The rows of a statement over the live view. It proves in its own snapshot that the version it read is the live one, and is
   * put again where a rebuild has swapped it. Rows come as one JSON text, which costs a fifth of reading them one by one.
   * @param statement for the schema of a version; its ORDER BY is kept
   */
  async rows<Row>(statement: (schema: string) => Sql): Promise<Row[]> {
    const { schema, position } = this.options;
    let version = Math.max(this.lookedUp, position.version);
    for (let attempt = 0; ; attempt += 1) {
      if (version === 0 && schema === undefined) version = await this.lookUpLive();
      try {
        const [answer] = await this.run<{ live: boolean; rows: Row[] }>(sql`
          SELECT ${schema === undefined ? sql`(SELECT version FROM runtime.view WHERE live) = ${version}` : sql`true`} AS live,
            coalesce(json_agg(answer), '[]') AS rows FROM (${statement(schema ?? View.schema(version))}) AS answer`);
        if (answer!.live) return answer!.rows;
      } catch (error) {
        if (!isOfDroppedVersion(error) || attempt >= 5) throw error;
      }
      version = 0;
    }
  }

  /** A row by primary key. What all requests of one turn of the event loop ask of a table is asked at once. */
  async byKey<Row extends object>(table: Table<Row>, key: string): Promise<Row | undefined> {
    const loader = this.byKeyOf.get(table) ?? perTurn<string, object | undefined>(async (keys) => {
      const rows = await this.rows<Row>((schema) => sql`SELECT * FROM ${tableIn(schema, table)}
        WHERE ${raw(table.key)} = ANY(${keys})`);
      const found = new Map(rows.map((row) => [String(row[table.key]), row]));
      return keys.map((one) => found.get(one));
    });
    this.byKeyOf.set(table, loader);
    return loader.load(key) as Promise<Row | undefined>;
  }

  /** What decisions about a person rest on, as the database has it no earlier than when it is asked. */
  factsOf(participantId: string): Promise<PersonFacts | undefined> {
    return this.facts.load(participantId);
  }

  private readonly byKeyOf = new Map<AnyTable, DataLoader<string, object | undefined>>();

  private readonly facts = perTurn<string, PersonFacts | undefined>(async (ids) => {
    const rows = await this.rows<{ id: string; facts: RecordedFacts; stopped: boolean; works_at: string[] }>((schema) => sql`
      SELECT participant_id AS id, facts, EXISTS (
        SELECT FROM ${tableIn(schema, stoppedParticipantTable)} AS stopped WHERE stopped.participant_id = person.participant_id
      ) AS stopped, ARRAY (
        SELECT DISTINCT org_id FROM ${tableIn(schema, workerTable)}
        WHERE member_id = ANY (ARRAY (SELECT jsonb_array_elements_text(facts -> 'ownMemberIds')::uuid)) ORDER BY org_id
      ) AS works_at FROM ${tableIn(schema, personTable)} AS person WHERE participant_id = ANY(${ids}::uuid[])`);
    const unknowable = this.options.isUnknowable();
    const found = new Map(rows.map(({ id, facts, stopped, works_at: worksAtOrgIds }): [string, PersonFacts] =>
      [id, { ...facts, worksAtOrgIds, unknowable: stopped || unknowable }]));
    return ids.map((id) => found.get(id));
  });

  /** Runs a statement; those of one shape are prepared once per connection, for planning costs more than running them. */
  private async run<Row extends object>({ text, values }: Sql): Promise<Row[]> {
    const name = this.statements.get(text) ?? createHash('sha1').update(text).digest('base64url');
    if (this.statements.size < PREPARED_STATEMENTS) this.statements.set(text, name);
    const prepared = this.statements.has(text) ? { name } : {};
    const { rows } = await this.options.statements.query<Row>({ ...prepared, text, values });
    return rows;
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
    const [live] = await this.run<{ version: number }>(sql`SELECT version FROM runtime.view WHERE live`);
    if (!live) throw new DomainError('UNAVAILABLE', 'The view is being built; repeat the request.');
    this.lookedUp = live.version;
    return live.version;
  }

  /** How far the live view is, as the database has it now. */
  async position(): Promise<Position | undefined> {
    const [live] = await this.run<{ position: Position | null }>(sql`SELECT position FROM runtime.view
      JOIN runtime.checkpoint ON consumer = 'view_v' || version WHERE live`);
    return live?.position ?? undefined;
  }

  /** How many people's projections have stopped: a number for operators. */
  async stoppedParticipants(): Promise<number> {
    const [stopped] = await this.rows<{ count: number }>((schema) => sql`
      SELECT count(*) AS count FROM ${tableIn(schema, stoppedParticipantTable)}`);
    return stopped!.count;
  }

  /** The person that a node speaks of, whoever asks: for the guarantee's sake, never for an answer. */
  async participantOf(id: string): Promise<string | undefined> {
    const [item, person] = await Promise.all([this.byKey(itemTable, id), this.byKey(personTable, id)]);
    return item?.participant_id ?? person?.participant_id;
  }
}

/** Loads for all who ask in one turn of the event loop, and remembers nothing. */
function perTurn<Key, Value>(load: (keys: Key[]) => Promise<Value[]>): DataLoader<Key, Value> {
  return new DataLoader(async (keys) => {
    const distinct = [...new Set(keys)];
    const values = await load(distinct);
    const byKey = new Map(distinct.map((key, index) => [key, values[index]!]));
    return keys.map((key) => byKey.get(key)!);
  }, { cache: false, maxBatchSize: 500, batchScheduleFn: setImmediate });
}

type Member = Pick<Caller, 'memberId' | 'role' | 'orgId'>;

/** Whom a decision is made about where there is no such person. */
const nobody: PersonFacts = {
  participantId: '00000000-0000-0000-0000-000000000000', homeOrgId: '00000000-0000-0000-0000-000000000000', consents: [],
  team: [], restrictedMemberIds: [], partyOrgIds: [], ownMemberIds: [], worksAtOrgIds: [],
};

/** One request's reads: one caller, one instant, each decision made once. */
export class ViewSession {
  /** Domain time of the request, RFC 3339 UTC with milliseconds. */
  readonly instant: string;

  private readonly persons = new Map<string, Promise<PersonAccess | undefined>>();
  private readonly rows = new Map<AnyTable, Map<string, Promise<object | undefined>>>();

  constructor(private readonly view: SharedView, readonly caller: Caller) {
    this.instant = view.options.clock.now().toISOString();
  }

  /** What the caller's command was first answered with, if it was accepted before. */
  async command(commandId: string): Promise<AcceptedCommand | undefined> {
    const row = await this.row(commandTable, `${this.caller.memberId}/${commandId}`);
    return row && {
      bodyHash: row.body_hash, id: row.entity_id, version: row.version, position: row.position, eventType: row.event_type,
    };
  }

  /** What kind of node has this id, whoever may see it: for the sake of ids that are unique over all kinds. */
  async typeOf(id: string): Promise<string | undefined> {
    const [item, organization] = await Promise.all([this.row(itemTable, id), this.view.organization(id)]);
    return item?.type ?? (organization && 'organization');
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
    if (!uuid.test(participantId)) return undefined;
    const access = this.persons.get(participantId) ?? this.decide(participantId);
    this.persons.set(participantId, access);
    return access;
  }

  /** The label and decision of a node that the caller may see. */
  async item(id: string): Promise<{ item: ItemRow; access: PersonAccess } | undefined> {
    const found = await this.anyItem(id);
    return found && permitsItem(found.access.decision, labelOf(found.item)) ? found : undefined;
  }

  /** The same whether or not they may see it: for commands that are allowed unseen. */
  async anyItem(id: string): Promise<{ item: ItemRow; access: PersonAccess } | undefined> {
    if (!uuid.test(id)) return undefined;
    const item = await this.row(itemTable, id);
    // Decided where there is no such item, too: what is denied takes no longer to answer than what is unknown.
    const access = await this.decision(item?.participant_id ?? nobody.participantId);
    return item && access && { item, access };
  }

  /** The content of a node whose label has been permitted already. */
  content<Row extends object>(table: Table<Row>, id: string): Promise<Row | undefined> {
    return this.row(table, id);
  }

  /** Read once: a request sees one state of each row. */
  private row<Row extends object>(table: Table<Row>, key: string): Promise<Row | undefined> {
    const known = this.rows.get(table) ?? new Map<string, Promise<object | undefined>>();
    this.rows.set(table, known);
    const row = known.get(key) ?? this.view.byKey(table, key);
    known.set(key, row);
    return row as Promise<Row | undefined>;
  }

  private async decide(participantId: string): Promise<PersonAccess | undefined> {
    const facts = await this.view.factsOf(participantId);
    const { decide: decideOn = decide } = this.view.options;
    const decision = decideOn(this.caller, facts ?? nobody, this.instant);
    return facts && { participantId, facts, decision };
  }

  /** A page of one kind of node of one person, with its label: newest first, or oldest first. */
  async items<Row extends object>(
    access: PersonAccess, type: string, table: Table<Row>, page: PageRequest, order: 'newest' | 'oldest' = 'newest',
  ): Promise<Page<Row & { label: ItemRow }>> {
    const after = page.after === undefined ? undefined : decodeCursor(page.after, this.isPosition)[0]!;
    const from = (schema: string) => sql`
      FROM (SELECT * FROM ${tableIn(schema, itemTable)} WHERE type = ${type} AND ${compileItemRule(access.decision)}) AS item
      JOIN ${tableIn(schema, table)} AS content ON content.${raw(table.key)} = item.id`;
    const further = order === 'newest' ? sql`<` : sql`>`;
    const beyond = after === undefined ? empty : sql` WHERE item.position ${further} ${after}`;
    const [rows, totalCount] = await Promise.all([
      this.view.rows<Row & { label: ItemRow }>((schema) => sql`
        SELECT content.*, to_jsonb(item) AS label ${from(schema)}${beyond}
        ORDER BY item.position ${raw(order === 'newest' ? 'DESC' : 'ASC')} LIMIT ${page.first + 1}`),
      this.count(page, from),
    ]);
    return { ...cut(rows, page.first, ({ label }) => encodeCursor(label.position)), totalCount };
  }

  /** Of one kind of node, the one that tells of the latest time, however late it was written down. */
  async lastOccurred<Row extends { occurred_at: string }>(
    access: PersonAccess, type: string, table: Table<Row>,
  ): Promise<Row | undefined> {
    const [last] = await this.view.rows<Row>((schema) => sql`
      SELECT content.* FROM (
        SELECT * FROM ${tableIn(schema, itemTable)} WHERE type = ${type} AND ${compileItemRule(access.decision)}
      ) AS item JOIN ${tableIn(schema, table)} AS content ON content.${raw(table.key)} = item.id
      ORDER BY content.occurred_at DESC, item.position DESC LIMIT 1`);
    return last;
  }

  /** The person's story, newest occurrence first, ties by position. */
  async timeline(
    access: PersonAccess, page: PageRequest, filter: TimelineFilter = {},
  ): Promise<Page<TimelineLine>> {
    const after = page.after === undefined ? undefined : decodeCursor(page.after, isInstant, this.isPosition);
    const filters = [
      ...(filter.types ? [sql` AND entry.type = ANY(${filter.types})`] : []),
      ...(filter.segments ? [sql` AND item.segments && ${filter.segments}::text[]`] : []),
      ...(filter.from ? [sql` AND entry.occurred_at >= ${filter.from}`] : []),
      ...(filter.to ? [sql` AND entry.occurred_at < ${filter.to}`] : []),
    ];
    const from = (schema: string) => sql`${lines(schema, access)}${filters.length > 0 ? join(filters, '') : empty}`;
    const beyond = after ? sql` AND (entry.occurred_at, entry.position) < (${after[0]!}, ${after[1]!})` : empty;
    const [rows, totalCount] = await Promise.all([
      this.view.rows<{ line: string }>((schema) => sql`
        SELECT ${lineText} AS line ${from(schema)}${beyond}
        ORDER BY entry.occurred_at DESC, entry.position DESC LIMIT ${page.first + 1}`),
      this.count(page, from),
    ]);
    return { ...cut(rows.map(toLine), page.first, (row) => encodeCursor(row.occurred_at, row.position)), totalCount };
  }

  /** Timeline entries recorded after a position, in the order they were recorded: what a subscription hands over. */
  async timelineSince(access: PersonAccess, after: Position, limit: number): Promise<TimelineLine[]> {
    const rows = await this.view.rows<{ line: string }>((schema) => sql`SELECT ${lineText} AS line ${lines(schema, access)}
      AND entry.position > ${after} ORDER BY entry.position LIMIT ${limit}`);
    return rows.map(toLine);
  }

  /**
   * Everyone the caller may see, by id; with `worker` only those on whose team that member is and is shown to the caller.
   * Candidates come from an index of relationships; each is then decided by the one function.
   */
  async participants(page: PageRequest, worker?: string): Promise<Page<PersonAccess>> {
    const after = page.after === undefined ? undefined : decodeCursor(page.after, isId)[0]!;
    const ids = await this.candidates(worker ?? this.caller.memberId, worker !== undefined);
    const decided = await Promise.all(ids.map((id) => this.decision(id)));
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
  async workerName(access: PersonAccess, worker: Member): Promise<string | null> {
    if (!this.seesWorker(access, worker)) return null;
    if (worker.memberId === this.caller.memberId) return this.caller.name ?? null;
    const row = await this.row(personWorkerTable, `${access.participantId}/${worker.memberId}`);
    const name = row && (await this.open(row.sealed)).fields[row.name_field];
    return typeof name === 'string' ? name : null;
  }

  seesWorker(access: PersonAccess | undefined, worker: Member): boolean {
    return seesWorker(access?.decision, this.caller, worker);
  }

  /** A worker by member id, if the caller shares a person's team with them or belongs to the same organization. */
  async worker(memberId: string): Promise<{ row: PersonWorkerRow; access: PersonAccess | undefined } | undefined> {
    if (!uuid.test(memberId)) return undefined;
    const rows = await this.view.rows<PersonWorkerRow>((schema) => sql`
      SELECT * FROM ${tableIn(schema, personWorkerTable)} WHERE member_id = ${memberId} ORDER BY key`);
    const known = rows.map((row) => ({ row, worker: { memberId, role: row.role, orgId: row.org_id } }));
    const decided = await Promise.all(known.map(async (one) => (
      { ...one, access: await this.decision(one.row.participant_id) })));
    const colleague = known.find(({ worker }) => areColleagues(this.caller, worker));
    return decided.find(({ access, worker }) => access?.decision.visible && this.seesWorker(access, worker))
      ?? (colleague && { ...colleague, access: undefined });
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

  /** Undefined where nobody asks for it. */
  private async count(page: PageRequest, from: (schema: string) => Sql): Promise<number | undefined> {
    if (!page.count) return undefined;
    const [counted] = await this.view.rows<{ count: number }>((schema) => sql`SELECT count(*) AS count ${from(schema)}`);
    return counted!.count;
  }

  private showsMember({ facts, decision }: PersonAccess, memberId: string): boolean {
    const membership = facts.team.find((member) => member.memberId === memberId && member.state === 'joined');
    return membership !== undefined && seesWorker(decision, this.caller, membership);
  }

  private async candidates(memberId: string, onlyTeam: boolean): Promise<string[]> {
    const { orgId, role, participantId } = this.caller;
    const reach = onlyTeam ? sql`reach_ids && ${[memberId]}::uuid[]` : sql`reach_ids && ${[memberId, orgId]}::uuid[]`;
    const supervised = !onlyTeam && role === 'supervisor' ? sql` OR home_org_id = ${orgId}` : sql``;
    const own = !onlyTeam && participantId ? sql` OR participant_id = ${participantId}` : sql``;
    const rows = await this.view.rows<{ participant_id: string }>((schema) => sql`
      SELECT participant_id FROM ${tableIn(schema, personTable)} WHERE ${reach}${supervised}${own} ORDER BY participant_id`);
    return rows.map((row) => row.participant_id);
  }
}

/**
 * The lines of a story that may be seen, each by its item's label, looked up line by line in the order of the story. OFFSET 0
 * keeps the planner from turning the join round: without statistics it reads the whole story once for every item of it.
 */
const lines = (schema: string, { participantId, decision }: PersonAccess): Sql => sql`
  FROM ${tableIn(schema, timelineTable)} AS entry CROSS JOIN LATERAL (
    SELECT segments FROM ${tableIn(schema, itemTable)} WHERE id = entry.item_id AND ${compileItemRule(decision)} OFFSET 0
  ) AS item WHERE entry.participant_id = ${participantId}`;

/** A line of the story with the segments of its item. */
export type TimelineLine = Omit<TimelineRow, 'participant_id' | 'item_id' | 'node_type'> & { segments: ItemRow['segments'] };

/** Ids, words and times hold no space: as one text a line costs half of what it costs as columns. */
const lineText = raw(`concat_ws(' ', entry.event_id, entry.node_id, entry.type, entry.occurred_at, entry.recorded_at,
  entry.position, entry.actor_id, entry.actor_role, entry.actor_org_id, array_to_string(item.segments, ','))`);

function toLine({ line }: { line: string }): TimelineLine {
  const [event_id, node_id, type, occurred_at, recorded_at, position, actor_id, actor_role, actor_org_id, segments = ''] =
    line.split(' ') as [string, string, string, string, string, Position, string, Role, string, string?];
  return {
    event_id, node_id, type, occurred_at, recorded_at, position, actor_id, actor_role, actor_org_id,
    segments: segments === '' ? [] : segments.split(',') as Segment[],
  };
}

export const labelOf = (item: ItemRow): ItemLabel => ({
  participantId: item.participant_id, segments: item.segments, sourceOrgId: item.source_org_id, authorId: item.author_id,
  requesterId: item.requester_id, partyOrgId: item.party_org_id, circles: item.circles,
});

const tableIn = (schema: string, { name }: { name: string }) => raw(`${schema}.${name}`);

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
