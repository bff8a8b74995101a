import sql from 'sql-template-tag';
import { DomainError, invalid, type Caller, type Clock } from '@peerbridge/kernel';
import type { EventStore, Position } from '@peerbridge/event-store';
import { stoppedParticipantTable } from '@peerbridge/projection';
import type { EventCodec } from '@peerbridge/vault';
import type { decide, PersonFacts, RecordedFacts } from '../policy/index.js';
import type { Places } from './pages.js';
import type { ReadBudget } from './read-budget.js';
import type { MemberNames } from './member-names.js';
import { asked, askedFor, reachesAsked, relationKeys } from './relations.js';
import { ViewSession } from './session.js';
import {
  itemTable, organizationTable, personTable, relationTable, timelineTable, workerTable, type ItemRow, type OrganizationRow,
} from './tables.js';
import { perTurn, tableIn, ViewReader, type ViewReaderOptions } from './view-reader.js';

interface FactsRow {
  key: string;
  facts: RecordedFacts;
  stopped: boolean;
  works_at: string[];
}

export interface SharedViewOptions extends ViewReaderOptions {
  store: EventStore;
  codec: Pick<EventCodec, 'open'>;
  places: Places;
  clock: Clock;
  /** What members are called now; without it, as they were first seen. */
  names?: Pick<MemberNames, 'of'>;
  readWaitMs: number;
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

  /** @param budget for a request whose size its caller chooses */
  session(caller: Caller, budget?: ReadBudget): ViewSession {
    return new ViewSession(this, caller, budget);
  }

  async organization(id: string): Promise<OrganizationRow | undefined> {
    const known = this.organizations.get(id);
    if (known) return known;
    const row = await this.reader.byKey(organizationTable, id);
    if (row) this.organizations.set(id, row);
    return row;
  }

  /** Waits until the view has reached the position. @throws DomainError TIMEOUT */
  async atLeast(position: Position): Promise<void> {
    const { readWaitMs } = this.options;
    if (await this.options.position.reached(position, readWaitMs)) return;
    throw new DomainError('TIMEOUT', `The view did not reach the position within ${readWaitMs} ms; repeat the query.`);
  }

  /**
   * The position that a caller names.
   * @throws DomainError VALIDATION, naming the argument, for one of another store or one that was never given out
   */
  async positionOf(told: string, argument: string): Promise<Position> {
    const position = this.options.places.positionOf(told);
    if (position === undefined || !this.isOfThisStore(position)) {
      throw invalid(`${argument} is not a position of this deployment`, argument);
    }
    if (!this.options.position.has(position)) {
      const head = await this.options.store.head();
      // A log that was put back ends before what was told.
      if (head === undefined || position > head) throw invalid(`${argument} lies in the future`, argument);
    }
    return position;
  }

  isOfThisStore(position: Position): boolean {
    try {
      this.options.store.assertPosition(position);
      return true;
    } catch {
      return false;
    }
  }

  /** Waits until the view has all that was in the log when called. False when it did not get there in time. */
  async caughtUp(): Promise<boolean> {
    const head = await this.options.store.head();
    return head === undefined || this.options.position.reached(head, this.options.readWaitMs);
  }

  /**
   * What decisions about a person rest on, as the database has it no earlier than when it is asked; undefined alike for who is
   * unknown and who is out of the caller's reach, after the same look at an index.
   */
  factsOf(participantId: string, caller: Caller): Promise<PersonFacts | undefined> {
    return this.facts.load(asked(participantId, caller));
  }

  /** A label, within the caller's reach; undefined alike for what is unknown and what is not. */
  labelOf(id: string, caller: Caller): Promise<ItemRow | undefined> {
    return this.labels.load(asked(id, caller));
  }

  /**
   * What kind of thing has this id, whoever may see it: a node, an event, or a member who has acted as a worker. For the sake of
   * ids that are unique over all kinds; never for an answer.
   */
  async typeOf(id: string): Promise<string | undefined> {
    const [type, organization] = await Promise.all([this.types.load(id), this.organization(id)]);
    return type ?? (organization && 'organization');
  }

  private readonly types = perTurn<string, string | undefined>(async (ids) => {
    const rows = await this.reader.rows<{ id: string; type: string | null }>((schema) => sql`
      SELECT id, coalesce(
        (SELECT type FROM ${tableIn(schema, itemTable)} AS item WHERE item.id = asked.id LIMIT 1),
        (SELECT 'event' FROM ${tableIn(schema, timelineTable)} WHERE event_id = asked.id),
        (SELECT 'member' FROM ${tableIn(schema, workerTable)} WHERE member_id = asked.id LIMIT 1)
      ) AS type FROM unnest(${ids}::uuid[]) AS asked (id)`);
    const found = new Map(rows.map(({ id, type }) => [id, type ?? undefined]));
    return ids.map((id) => found.get(id));
  });

  /** What has this id, whoever may see it: never for an answer. */
  unseenById(id: string): Promise<Pick<ItemRow, 'type' | 'participant_id'> | undefined> {
    return this.unseen.load(id);
  }

  private readonly unseen = perTurn<string, Pick<ItemRow, 'type' | 'participant_id'> | undefined>(async (ids) => {
    const rows = await this.reader.rows<Pick<ItemRow, 'id' | 'type' | 'participant_id'>>((schema) => sql`
      SELECT id, type, participant_id FROM ${tableIn(schema, itemTable)} WHERE id = ANY(${ids}::uuid[])`);
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id));
  });

  private readonly facts = perTurn<string, PersonFacts | undefined>(async (keys) => {
    const rows = await this.reader.rows<FactsRow>((schema) => sql`
      SELECT admitted.key, facts, EXISTS (
        SELECT FROM ${tableIn(schema, stoppedParticipantTable)} AS stopped WHERE stopped.participant_id = person.participant_id
      ) AS stopped, ARRAY (
        SELECT DISTINCT org_id FROM ${tableIn(schema, workerTable)}
        WHERE member_id = ANY (ARRAY (SELECT jsonb_array_elements_text(facts -> 'ownMemberIds')::uuid)) ORDER BY org_id
      ) AS works_at FROM (
        SELECT asked.key, asked.id FROM ${askedFor(keys)} CROSS JOIN LATERAL (
          SELECT FROM ${tableIn(schema, relationTable)} AS relation
          WHERE relation.key = ANY (${relationKeys(sql`asked.id`, reachesAsked)}) LIMIT 1
        ) AS relation OFFSET 0
      ) AS admitted JOIN ${tableIn(schema, personTable)} AS person ON person.participant_id = admitted.id`);
    const found = new Map(rows.map(({ key, facts, stopped, works_at: worksAtOrgIds }): [string, PersonFacts] =>
      [key, { ...facts, worksAtOrgIds, unknowable: stopped }]));
    return keys.map((key) => found.get(key));
  });

  /** The same look at the index follows for an id that nothing has, and nothing is made of a label before it. */
  private readonly labels = perTurn<string, ItemRow | undefined>(async (keys) => {
    const rows = await this.reader.rows<{ key: string; label: ItemRow }>((schema) => sql`
      SELECT admitted.key, to_jsonb(item) AS label FROM (
        SELECT found.key, found.item_key FROM (
          SELECT asked.key, item.key AS item_key, coalesce(item.participant_id, asked.id) AS participant_id, asked.reaches
          FROM ${askedFor(keys)} LEFT JOIN ${tableIn(schema, itemTable)} AS item ON item.id = asked.id OFFSET 0
        ) AS found CROSS JOIN LATERAL (
          SELECT FROM ${tableIn(schema, relationTable)} AS relation
          WHERE relation.key = ANY (${relationKeys(sql`found.participant_id`, reachesAsked)}) LIMIT 1
        ) AS relation OFFSET 0
      ) AS admitted JOIN ${tableIn(schema, itemTable)} AS item ON item.key = admitted.item_key`);
    const found = new Map(rows.map(({ key, label }) => [key, label]));
    return keys.map((key) => found.get(key));
  });

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
    const [item, person] = await Promise.all([this.unseenById(id), this.reader.byKey(personTable, id)]);
    return item?.participant_id ?? person?.participant_id;
  }
}
