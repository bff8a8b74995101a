import sql from 'sql-template-tag';
import { DomainError, invalid, type Caller, type Clock } from '@peerbridge/kernel';
import { comparePositions, type EventStore, type Position } from '@peerbridge/event-store';
import { stoppedParticipantTable } from '@peerbridge/projection';
import type { EventCodec } from '@peerbridge/vault';
import type { decide, PersonFacts, RecordedFacts } from '../policy/index.js';
import { ViewSession } from './session.js';
import { itemTable, organizationTable, personTable, workerTable, type ItemRow, type OrganizationRow } from './tables.js';
import { perTurn, tableIn, ViewReader, type ViewReaderOptions } from './view-reader.js';

interface FactsRow {
  id: string;
  facts: RecordedFacts;
  stopped: boolean;
  works_at: string[];
}

export interface SharedViewOptions extends ViewReaderOptions {
  store: EventStore;
  codec: Pick<EventCodec, 'open'>;
  clock: Clock;
  readWaitMs: number;
  /** Whether the view lags so far behind the log that nothing may rest on it. */
  isUnknowable: () => boolean;
  /** Called with every decision about a whole person. */
  observe?: (role: string, outcome: 'permitted' | 'denied') => void;
  /** Who sees what; default: the policy. */
  decide?: typeof decide;
}

/**
 * The one way to read: every row of the view passes a disclosure decision here, and nothing else holds a connection to
 * the view's tables. A request takes one `session` and reads at one instant.
 */
export class SharedView {
  readonly reader: ViewReader;

  /** Registered once and for good, so what was read stays true. */
  private readonly organizations = new Map<string, OrganizationRow>();

  constructor(readonly options: SharedViewOptions) {
    this.reader = new ViewReader(options);
  }

  session(caller: Caller): ViewSession {
    return new ViewSession(this, caller);
  }

  async organization(id: string): Promise<OrganizationRow | undefined> {
    const known = this.organizations.get(id);
    if (known) return known;
    const row = await this.reader.byKey(organizationTable, id);
    if (row) this.organizations.set(id, row);
    return row;
  }

  /**
   * Waits until the view has reached the position.
   * @throws DomainError VALIDATION for a position of another store or one that was never given out; TIMEOUT
   */
  async atLeast(position: string | null | undefined): Promise<void> {
    if (position === null || position === undefined) return;
    const { readWaitMs } = this.options;
    await this.assertGivenOut(position, 'atLeast');
    if (await this.options.position.reached(position, readWaitMs)) return;
    throw new DomainError('TIMEOUT', `The view did not reach the position within ${readWaitMs} ms; repeat the query.`);
  }

  /** @throws DomainError VALIDATION, naming the argument, for a position of another store or one that was never given out */
  async assertGivenOut(position: string, argument: string): Promise<void> {
    const { store } = this.options;
    try {
      store.assertPosition(position);
    } catch {
      throw invalid(`${argument} is not a position of this deployment`, argument);
    }
    if (this.options.position.has(position)) return;
    const head = await store.head();
    if (head === undefined || position > head) throw invalid(`${argument} lies in the future`, argument);
  }

  /** Waits until the view has all that was in the log when called. False when it did not get there in time. */
  async caughtUp(): Promise<boolean> {
    const head = await this.options.store.head();
    return head === undefined || this.options.position.reached(head, this.options.readWaitMs);
  }

  /** What decisions about a person rest on, as the database has it no earlier than when it is asked. */
  factsOf(participantId: string): Promise<PersonFacts | undefined> {
    return this.facts.load(participantId);
  }

  /** The label of the node with this id; of the first one, should two kinds share it. */
  itemById(id: string): Promise<ItemRow | undefined> {
    return this.items.load(id);
  }

  private readonly items = perTurn<string, ItemRow | undefined>(async (ids) => {
    const rows = await this.reader.rows<ItemRow>((schema) => sql`
      SELECT * FROM ${tableIn(schema, itemTable)} WHERE id = ANY(${ids}::uuid[])`);
    const found = new Map(rows.sort((a, b) => comparePositions(b.position, a.position)).map((row) => [row.id, row]));
    return ids.map((id) => found.get(id));
  });

  private readonly facts = perTurn<string, PersonFacts | undefined>(async (ids) => {
    const rows = await this.reader.rows<FactsRow>((schema) => sql`
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

  /** Waits for the projector to have made the view, at the very first start. @throws DomainError UNAVAILABLE */
  available(withinMs: number): Promise<void> {
    return this.reader.available(withinMs);
  }

  /** How far the live view is, as the database has it now. */
  position(): Promise<Position | undefined> {
    return this.reader.position();
  }

  /** How many people's projections have stopped: a number for operators. */
  async stoppedParticipants(): Promise<number> {
    const [stopped] = await this.reader.rows<{ count: number }>((schema) => sql`
      SELECT count(*) AS count FROM ${tableIn(schema, stoppedParticipantTable)}`);
    return stopped!.count;
  }

  /** The person that a node speaks of, whoever asks: for the guarantee's sake, never for an answer. */
  async participantOf(id: string): Promise<string | undefined> {
    const [item, person] = await Promise.all([this.itemById(id), this.reader.byKey(personTable, id)]);
    return item?.participant_id ?? person?.participant_id;
  }
}
