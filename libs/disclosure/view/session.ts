import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import { invalid, roles, SHREDDED, unavailable, type Caller, type Shredded } from '@peerbridge/kernel';
import type { Position } from '@peerbridge/event-store';
import type { AnyTable, Table } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import {
  areColleagues, compileItemRule, decide, keepsAsWritten, mayKnowOrganization, nobody, permitsItem, reachesOf, seesWorker,
  type Decision, type ItemLabel, type PersonFacts,
} from '../policy/index.js';
import { cut, isId, type Page, type PageRequest } from './pages.js';
import type { ReadBudget } from './read-budget.js';
import { inCommon, listed } from './relations.js';
import type { SharedView } from './shared-view.js';
import { lines, lineText, toLine, type TimelineFilter, type TimelineLine } from './story.js';
import {
  commandTable, itemTable, personWorkerTable, type ItemRow, type PersonWorkerRow,
} from './tables.js';
import { tableIn } from './view-reader.js';

/** What one viewer may see of one person, at the instant of the request. */
export interface PersonAccess {
  participantId: string;
  facts: PersonFacts;
  decision: Decision;
  /** What was decided before the person's view stopped; only where it has. */
  decidedBefore?: Decision;
}

/** What became of an accepted command: enough to answer a repeat of it. */
export interface AcceptedCommand {
  bodyHash: string;
  /** The node it touched. */
  id: string;
  /** The node's, after the command. */
  version: number;
  position: Position;
  /** Of its first event. */
  eventType: string;
}

export interface KnownOrganization {
  id: string | null;
  name: string | null;
}

/** Of a list of people so many are decided at once, and of the persons on whose teams a worker is. */
const MOST_CANDIDATES = 500;
const WORKERS_LOOKED_AT = 20;

type Member = Pick<Caller, 'memberId' | 'role' | 'orgId'>;

/** One request's reads: one caller, one instant, each decision made once and each page read once. */
export class ViewSession {
  /** Domain time of the request, RFC 3339 UTC with milliseconds. */
  readonly instant: string;

  private readonly persons = new Map<string, Promise<PersonAccess | undefined>>();
  private readonly labels = new Map<string, Promise<ItemRow | undefined>>();
  private readonly rows = new Map<AnyTable, Map<string, Promise<object | undefined>>>();
  private readonly lists = new Map<string, Promise<unknown>>();
  private readonly opened = new WeakMap<SealedPart, Promise<Record<string, unknown> | Shredded>>();

  /** @param budget what may be read; without one, whatever is asked for */
  constructor(private readonly view: SharedView, readonly caller: Caller, readonly budget?: ReadBudget) {
    this.instant = view.options.clock.now().toISOString();
  }

  /** What the caller's command was first answered with, if it was accepted before. @param recordedAs the ids it may have there */
  async command(recordedAs: readonly string[]): Promise<AcceptedCommand | undefined> {
    const rows = await Promise.all(recordedAs.map((id) => this.row(commandTable, `${this.caller.memberId}/${id}`)));
    const row = rows.find((one) => one !== undefined);
    return row && {
      bodyHash: row.body_hash, id: row.entity_id, version: row.version, position: row.position, eventType: row.event_type,
    };
  }

  /** Undefined for an unknown, malformed or denied person: the caller cannot tell which. */
  async person(participantId: string): Promise<PersonAccess | undefined> {
    const access = await this.decision(participantId);
    const permitted = access?.decision.visible ?? false;
    this.view.options.observe?.(this.caller.role, permitted ? 'permitted' : 'denied');
    return permitted ? access : undefined;
  }

  /**
   * The decision itself, also where nothing of the person as a whole may be seen: an author keeps what they wrote.
   * @throws DomainError UNAVAILABLE to whoever saw the person before their view stopped: what they may see now is not known
   */
  async decision(participantId: string): Promise<PersonAccess | undefined> {
    const access = await this.decisionAbout(participantId);
    if (access?.decidedBefore?.visible) throw stoppedView();
    return access;
  }

  private async decisionAbout(participantId: string): Promise<PersonAccess | undefined> {
    if (!isId(participantId)) return undefined;
    const access = this.persons.get(participantId) ?? this.decide(participantId);
    this.persons.set(participantId, access);
    return access;
  }

  /** The label and decision of a node that the caller may see. */
  async item(id: string): Promise<{ item: ItemRow; access: PersonAccess } | undefined> {
    const found = await this.anyItem(id);
    if (!found) return undefined;
    const { decision, decidedBefore } = found.access;
    const label = labelOf(found.item);
    if (decidedBefore && permitsItem(decidedBefore, label)) throw stoppedView();
    return permitsItem(decision, label) ? { ...found, item: asShown(found.item, found.access) } : undefined;
  }

  /** The same whether or not they may see it: for commands that are allowed unseen. */
  async anyItem(id: string): Promise<{ item: ItemRow; access: PersonAccess } | undefined> {
    if (!isId(id)) return undefined;
    const item = await this.label(id);
    // Decided where there is no such item, too: what is denied takes no longer to answer than what is unknown.
    const access = await this.decision(item?.participant_id ?? nobody.participantId);
    return item && access && { item, access };
  }

  /** The content of a node whose label has been permitted already. */
  content<Row extends object>(table: Table<Row>, id: string): Promise<Row | undefined> {
    return this.row(table, id);
  }

  private label(id: string): Promise<ItemRow | undefined> {
    const label = this.labels.get(id) ?? this.view.labelOf(id, this.caller);
    this.labels.set(id, label);
    return label;
  }

  /** Read once: a request sees one state of each row. */
  private row<Row extends object>(table: Table<Row>, key: string): Promise<Row | undefined> {
    const known = this.rows.get(table) ?? new Map<string, Promise<object | undefined>>();
    this.rows.set(table, known);
    const row = known.get(key) ?? this.view.reader.byKey(table, key);
    known.set(key, row);
    return row as Promise<Row | undefined>;
  }

  private async decide(participantId: string): Promise<PersonAccess | undefined> {
    const facts = await this.view.factsOf(participantId, this.caller);
    const { decide: decideOn = decide } = this.view.options;
    const decision = decideOn(this.caller, facts ?? nobody, this.instant);
    if (!facts?.unknowable || decision.self) return facts && { participantId, facts, decision };
    const decidedBefore = decideOn(this.caller, { ...facts, unknowable: false }, this.instant);
    return { participantId, facts, decision, decidedBefore };
  }

  /** A page of one kind of node of one person, with its label: newest first, or oldest first, by when its label lists it. */
  async items<Row extends object>(
    access: PersonAccess, type: string, table: Table<Row>, page: PageRequest, order: 'newest' | 'oldest' = 'newest',
  ): Promise<Page<Row & { label: ItemRow }>> {
    const name = `${access.participantId}/${type}`;
    const after = this.timeAndPosition(name, page);
    const from = (schema: string) => sql`
      FROM (SELECT * FROM ${tableIn(schema, itemTable)} WHERE type = ${type} AND ${compileItemRule(access.decision)}) AS item
      JOIN ${tableIn(schema, table)} AS content ON content.${raw(table.key)} = item.id`;
    const [further, direction] = order === 'newest' ? [sql`<`, raw('DESC')] : [sql`>`, raw('ASC')];
    const beyond = after ? sql` WHERE (item.listed_at, item.position) ${further} (${after[0]!}, ${after[1]!})` : empty;
    const list = ['items', access.participantId, type, order];
    return this.page(list, page, async () => {
      const rows = await this.view.reader.rows<Row & { label: ItemRow }>((schema) => sql`
        SELECT content.*, to_jsonb(item) AS label ${from(schema)}${beyond}
        ORDER BY item.listed_at ${direction}, item.position ${direction} LIMIT ${page.first + 1}`);
      const shown = rows.map((row) => ({ ...row, label: asShown(row.label, access) }));
      return cut(shown, page.first, ({ label }) => this.cursor(name, label.listed_at, label.position));
    }, () => this.count(from));
  }

  /** The person's story, newest occurrence first, ties by position. */
  async timeline(
    access: PersonAccess, page: PageRequest, filter: TimelineFilter = {},
  ): Promise<Page<TimelineLine>> {
    const name = `${access.participantId}/timeline`;
    const after = this.timeAndPosition(name, page);
    const filters = [
      ...(filter.types ? [sql` AND entry.type = ANY(${filter.types})`] : []),
      ...(filter.segments ? [sql` AND item.segments && ${filter.segments}::text[]`] : []),
      ...(filter.from ? [sql` AND entry.occurred_at >= ${filter.from}`] : []),
      ...(filter.to ? [sql` AND entry.occurred_at < ${filter.to}`] : []),
    ];
    const from = (schema: string) => sql`${lines(schema, access)}${filters.length > 0 ? join(filters, '') : empty}`;
    const beyond = after ? sql` AND (entry.occurred_at, entry.position) < (${after[0]!}, ${after[1]!})` : empty;
    return this.page(['timeline', access.participantId, filter], page, async () => {
      const rows = await this.view.reader.rows<{ line: string }>((schema) => sql`
        SELECT ${lineText} AS line ${from(schema)}${beyond}
        ORDER BY entry.occurred_at DESC, entry.position DESC LIMIT ${page.first + 1}`);
      return cut(rows.map(toLine), page.first, (row) => this.cursor(name, row.occurred_at, row.position));
    }, () => this.count(from));
  }

  /** Timeline entries recorded after a position, in the order they were recorded: what a subscription hands over. */
  async timelineSince(access: PersonAccess, after: Position, limit: number): Promise<TimelineLine[]> {
    const rows = await this.view.reader.rows<{ line: string }>((schema) => sql`SELECT ${lineText} AS line ${lines(schema, access)}
      AND entry.position > ${after} ORDER BY entry.position LIMIT ${limit}`);
    return rows.map(toLine);
  }

  /**
   * Everyone the caller may see, by id; with `worker` only those on whose team that member is and is shown to the caller.
   * Candidates come page by page from the index of relations; each is then decided by the one function.
   */
  async participants(page: PageRequest, worker?: string): Promise<Page<PersonAccess>> {
    const name = `participants/${worker ?? ''}`;
    const after = this.placeOf(name, page)?.[0] ?? nobody.participantId;
    return this.page(['participants', worker], page, async () => {
      const visible: PersonAccess[] = [];
      for await (const some of this.visible(worker, after, page.first + 1)) {
        visible.push(...some);
        if (visible.length > page.first) break;
      }
      return cut(visible, page.first, ({ participantId }) => this.cursor(name, participantId));
    }, async () => {
      let count = 0;
      for await (const some of this.visible(worker, nobody.participantId, MOST_CANDIDATES)) count += some.length;
      return count;
    });
  }

  /** Those whom the caller may see, by id. @param first how many are decided at once to begin with */
  private async* visible(worker: string | undefined, after: string, first: number): AsyncGenerator<PersonAccess[]> {
    for (let from = after, size = first; ; size = Math.min(2 * size, MOST_CANDIDATES)) {
      const ids = await this.send(() => this.candidates(worker, from, size));
      this.budget?.holds(ids.length);
      // One person's view that has stopped keeps nobody's list: they are left out.
      const decided = await Promise.all(ids.map((id) => this.decisionAbout(id)));
      yield decided.filter((access): access is PersonAccess => access !== undefined && access.decision.visible
        && (worker === undefined || this.showsMember(access, worker)));
      if (ids.length < size) return;
      from = ids.at(-1)!;
    }
  }

  /** The next by id who could be seen: as the index has it, in which each of the caller's reaches has an order of its own. */
  private async candidates(worker: string | undefined, after: string, first: number): Promise<string[]> {
    const reaches = reachesOf(this.caller);
    const rows = await this.view.reader.rows<{ participant_id: string }>((schema) => {
      if (worker !== undefined) {
        return sql`${inCommon(schema, this.caller, (further) => listed(schema, worker, further, 1), after)} LIMIT ${first}`;
      }
      const ofReaches = reaches.map((reach) => listed(schema, reach, sql`> ${after}`, first));
      return sql`SELECT participant_id FROM (${join(ofReaches, ' UNION ALL ')})
        AS candidate ORDER BY participant_id LIMIT ${first * reaches.length}`;
    });
    return [...new Set(rows.map((row) => row.participant_id))].slice(0, first);
  }

  /** An organization as the caller may know it, about this person: the real one, or its neutral alias. */
  async organization(orgId: string, access?: PersonAccess): Promise<KnownOrganization | null> {
    const row = isId(orgId) ? await this.view.organization(orgId) : undefined;
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

  /**
   * What a member whom the person's team knows is called: now, or else as they joined. Null where the caller may not see workers,
   * or none is known.
   */
  async workerName(access: PersonAccess, worker: Member): Promise<string | null> {
    if (!this.seesWorker(access, worker)) return null;
    if (worker.memberId === this.caller.memberId) return this.caller.name ?? null;
    const row = await this.row(personWorkerTable, `${access.participantId}/${worker.memberId}`);
    if (!row) return null;
    const { fields, shredded } = await this.open(row.sealed);
    if (shredded) return null;
    const name = await this.view.options.names?.of(worker.memberId) ?? fields[row.name_field];
    return typeof name === 'string' ? name : null;
  }

  seesWorker(access: PersonAccess | undefined, worker: Member): boolean {
    return seesWorker(access?.decision, this.caller, worker);
  }

  /** A worker by member id, if the caller shares a person's team with them or belongs to the same organization. */
  async worker(memberId: string): Promise<{ row: PersonWorkerRow; access: PersonAccess | undefined } | undefined> {
    if (!isId(memberId)) return undefined;
    const [shown, colleague] = await Promise.all([this.shownWorker(memberId), this.colleague(memberId)]);
    return shown ?? (colleague && { row: colleague, access: undefined });
  }

  private async shownWorker(memberId: string): Promise<{ row: PersonWorkerRow; access: PersonAccess } | undefined> {
    for (let from: string = nobody.participantId; ;) {
      const rows = await this.send(() => this.view.reader.rows<PersonWorkerRow>((schema) => {
        const team = tableIn(schema, personWorkerTable);
        const next = (further: Sql) => sql`(SELECT participant_id FROM ${team}
          WHERE member_id = ${memberId} AND participant_id ${further} ORDER BY participant_id LIMIT 1)`;
        return sql`SELECT worker.* FROM (${inCommon(schema, this.caller, next, from)} LIMIT ${WORKERS_LOOKED_AT}) AS shared
          JOIN ${team} AS worker ON worker.key = concat(shared.participant_id, '/', ${memberId}::text)
          ORDER BY shared.participant_id`;
      }));
      const decided = await Promise.all(
        rows.map(async (row) => ({ row, access: await this.decisionAbout(row.participant_id) })));
      for (const { row, access } of decided) {
        const shown = access?.decision.visible && this.seesWorker(access, { memberId, role: row.role, orgId: row.org_id });
        if (shown) return { row, access };
      }
      if (rows.length < WORKERS_LOOKED_AT) return undefined;
      from = rows.at(-1)!.participant_id;
    }
  }

  private async colleague(memberId: string): Promise<PersonWorkerRow | undefined> {
    const { orgId } = this.caller;
    const asColleague = roles.filter((role) => areColleagues(this.caller, { memberId, role, orgId }));
    const [row] = await this.send(() => this.view.reader.rows<PersonWorkerRow>((schema) => sql`
      SELECT * FROM ${tableIn(schema, personWorkerTable)}
      WHERE member_id = ${memberId} AND org_id = ${orgId} AND role = ANY (${asColleague}::text[]) LIMIT 1`));
    return row;
  }

  /** Opens what is sealed, later parts over earlier ones. Shredded parts leave their fields out and are reported. */
  async open(parts: readonly SealedPart[]): Promise<{ fields: Record<string, unknown>; shredded: boolean }> {
    this.budget?.holds(parts.length);
    const closed = parts.filter((part) => !this.opened.has(part));
    const opening = closed.length > 0 ? this.view.options.codec.open(closed) : undefined;
    closed.forEach((part, index) => this.opened.set(part, opening!.then((fields) => fields[index]!)));
    const opened = await Promise.all(parts.map((part) => this.opened.get(part)!));
    return {
      fields: Object.assign({}, ...opened.filter((fields) => fields !== SHREDDED)) as Record<string, unknown>,
      shredded: opened.includes(SHREDDED),
    };
  }

  private cursor(list: string, ...place: readonly string[]): string {
    return this.view.options.places.cursor(list, ...place);
  }

  /** Where the page begins; undefined at the beginning of the list. @throws DomainError VALIDATION */
  private placeOf(list: string, { after }: PageRequest): string[] | undefined {
    return after === undefined ? undefined : this.view.options.places.placeOf(list, after);
  }

  /** The same in a list by time, whose ties the log settles. */
  private timeAndPosition(list: string, page: PageRequest): string[] | undefined {
    const place = this.placeOf(list, page);
    if (place && !this.view.isOfThisStore(place[1]!)) throw invalid('after is not a cursor of this log', 'after');
    return place;
  }

  /** A page of a list, and how long the list is where that is asked for. @param list names it among those of the session */
  private async page<Row>(
    list: readonly unknown[], { first, after, count, valuesOfRow = 1 }: PageRequest,
    read: () => Promise<Omit<Page<Row>, 'totalCount'>>, countAll: () => Promise<number>,
  ): Promise<Page<Row>> {
    const [page, totalCount] = await Promise.all([
      this.once([...list, first, after], read), count ? this.once(list, countAll) : undefined,
    ]);
    this.budget?.holds(page.rows.length * valuesOfRow);
    return { ...page, totalCount };
  }

  private async count(from: (schema: string) => Sql): Promise<number> {
    const [counted] = await this.view.reader.rows<{ count: number }>((schema) => sql`SELECT count(*) AS count ${from(schema)}`);
    return counted!.count;
  }

  private async send<Result>(read: () => Promise<Result>): Promise<Result> {
    this.budget?.sends();
    return read();
  }

  /** Put to the database by whoever asks first. */
  private once<Result>(what: readonly unknown[], read: () => Promise<Result>): Promise<Result> {
    const key = JSON.stringify(what);
    const known = this.lists.get(key) as Promise<Result> | undefined;
    if (known) return known;
    const result = this.send(read);
    this.lists.set(key, result);
    return result;
  }

  private showsMember({ facts, decision }: PersonAccess, memberId: string): boolean {
    const membership = facts.team.find((member) => member.memberId === memberId && member.state === 'joined');
    return membership !== undefined && seesWorker(decision, this.caller, membership);
  }
}

/** What version of a node there is to whoever may see it: who keeps only what they wrote, counts up to their own last act. */
const asShown = (item: ItemRow, { decision }: PersonAccess): ItemRow =>
  (keepsAsWritten(decision, labelOf(item)) ? { ...item, version: item.author_version } : item);

export const labelOf = (item: ItemRow): ItemLabel => ({
  participantId: item.participant_id, segments: item.segments, sourceOrgId: item.source_org_id, authorId: item.author_id,
  requesterId: item.requester_id, partyOrgId: item.party_org_id, circles: item.circles,
});

const stoppedView = () => unavailable('What is recorded of this person cannot be shown now; repeat the request later.');
