import {
  actsAsWorker, decide, intersect, itemTable, policyVersion, SharedView, type ViewSession,
} from '@peerbridge/disclosure';
import type { RecordedEvent } from '@peerbridge/event-store';
import type { RequestContext } from '@peerbridge/graphql';
import type { Caller } from '@peerbridge/kernel';
import { openDatabase } from '@peerbridge/platform';
import { foldForSession, SESSION_SCHEMA } from '@peerbridge/projection';
import type { GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import { openAnswering, type Answering, type System } from '../system.js';
import type { AsOfFlags } from './command-line.js';
import { maskedCodec } from './mask.js';
import { ask, connectionsOf, everyField, openSchema } from './schema.js';

/** Connections as arrays; texts masked. */
export interface AsOf {
  participant: Record<string, unknown> | null;
  timeline: unknown[];
  access: unknown;
  /** Today's, by which the past was decided. Absent where nothing may be seen. */
  policyVersion?: string;
}

const nothing: AsOf = { participant: null, timeline: [], access: null };
const PAGE = 100;

/**
 * What a member would see of a participant from what had been recorded by a time: decided by the facts and labels of that
 * time and, for the past is no way round, by those of today, too.
 */
export async function asOf(system: System, { participant: id, at, role, member, org }: AsOfFlags): Promise<AsOf> {
  const viewer: Caller = {
    memberId: member, role, orgId: org, ...((role === 'person' || role === 'family') && { participantId: id }),
  };
  const { ofPerson, ofNobody, walled } = await eventsAbout(system, id);
  const lastThen = ofPerson.findLastIndex(({ metadata }) => metadata.recordedAt <= at);
  const lastRecorded = ofPerson.map(({ metadata }) => metadata.recordedAt).reduce((a, b) => (a > b ? a : b), '');
  // Nothing was recorded later than today, wherever the clock of this machine stands.
  const now = [system.clock.now().toISOString(), lastRecorded].sort().at(-1)!;
  if (lastThen < 0) return nothing;

  const answering = await openAnswering(system);
  try {
    const read = <T>(question: { events: RecordedEvent[]; instant: string; decided: typeof decide }, work: Work<T>) =>
      withSession(system, answering, { ...question, events: inOrder(question.events, ofNobody), viewer }, work);
    const today = await read({ events: ofPerson, instant: now, decided: walled }, async (session, own) => {
      const access = await session.decision(id);
      return access && { decision: access.decision, seen: await itemsSeen(session, own) };
    });
    if (!today) return nothing;
    const both: typeof decide = (caller, facts, instant) => {
      const then = walled(caller, facts, instant);
      // Out of the viewer's reach at that time: decided like an id that nobody has.
      return then.participantId === id ? intersect(then, today.decision) : then;
    };
    return await read({ events: ofPerson.slice(0, lastThen + 1), instant: at, decided: both }, async (session, own) => {
      await own.query(`DELETE FROM ${SESSION_SCHEMA}.${itemTable.name} WHERE id <> ALL($1)`, [today.seen]);
      if (!await session.person(id)) return nothing;
      const { schema, close } = await openSchema(answering, system.metrics);
      return present(schema, id, { caller: viewer, session }).finally(close);
    });
  } finally {
    await answering.close();
  }
}

/**
 * One reading of the log: the events about the person, and those, of organizations, that are about nobody. Where the person
 * is a worker, other people's records say: by all that is known today, they are walled off from their colleagues then, too.
 */
async function eventsAbout({ store }: System, participantId: string) {
  const ofPerson: RecordedEvent[] = [];
  const ofNobody: RecordedEvent[] = [];
  const workplaces = new Map<string, Set<string>>();
  for await (const event of store.readAll()) {
    const { actor } = event.metadata;
    if (actsAsWorker(actor)) workplaces.set(actor.id, (workplaces.get(actor.id) ?? new Set()).add(actor.orgId));
    if (event.metadata.participantId === undefined) ofNobody.push(event);
    else if (event.metadata.participantId === participantId) ofPerson.push(event);
  }
  const ownActs = ofPerson.filter(({ metadata }) => metadata.actor.role === 'person');
  const ownMemberIds = [...new Set(ownActs.map(({ metadata }) => metadata.actor.id))];
  const worksAtOrgIds = ownMemberIds.flatMap((memberId) => [...workplaces.get(memberId) ?? []]);
  const walled: typeof decide = (viewer, facts, instant) => decide(viewer, { ...facts, ownMemberIds, worksAtOrgIds }, instant);
  return { ofPerson, ofNobody, walled };
}

/** Up to the last event of the person. */
function inOrder(ofPerson: readonly RecordedEvent[], ofNobody: readonly RecordedEvent[]): RecordedEvent[] {
  const last = ofPerson.at(-1)!.position;
  return [...ofPerson, ...ofNobody.filter(({ position }) => position <= last)].sort((a, b) => (a.position < b.position ? -1 : 1));
}

/** Of all items of the view, those that the session's viewer may see. */
async function itemsSeen(session: ViewSession, own: Own): Promise<string[]> {
  const { rows } = await own.query<{ id: string }>(`SELECT id FROM ${SESSION_SCHEMA}.${itemTable.name}`);
  const found = await Promise.all(rows.map(({ id }) => session.item(id)));
  return found.flatMap((one) => one?.item.id ?? []);
}

/** The database session that holds the view. */
type Own = Pick<Pool, 'query'>;
type Work<T> = (session: ViewSession, own: Own) => Promise<T>;

/** Reads a view of these events alone. It lives in a database session of its own and goes with it, however this ends. */
async function withSession<T>(
  { database, view, codec, log, config }: System, { shared }: Answering,
  { events, viewer, instant, decided }: { events: RecordedEvent[]; viewer: Caller; instant: string; decided: typeof decide },
  work: Work<T>,
): Promise<T> {
  const own = await openDatabase({
    databaseUrl: database.url, dataDir: config.dataDir, applicationName: 'peerbridge-as-of',
    // The view is that of one session: it must neither be another's nor end while nobody asks.
    poolSize: 1, idleTimeoutMillis: 0,
  });
  try {
    const client = await own.pool.connect();
    try {
      await foldForSession(client, view, codec, events, ({ metadata: { eventId, type } }) =>
        log.error({ eventId, type }, 'An event cannot be applied: its person is stopped there'));
    } finally {
      client.release();
    }
    const source = new SharedView({
      ...shared.options, statements: own.pool, schema: SESSION_SCHEMA, codec: maskedCodec(codec), decide: decided,
      clock: { now: () => new Date(instant) }, observe: undefined, names: undefined,
    });
    return await work(source.session(viewer), own.pool);
  } finally {
    await own.close();
  }
}

interface Connection {
  edges: { node: unknown }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** The very answers of the API, read in a session that is not the request's own. */
async function present(schema: GraphQLSchema, id: string, context: RequestContext): Promise<AsOf> {
  const participantType = schema.getType('Participant') as GraphQLObjectType;
  const accessType = schema.getType('Access') as GraphQLObjectType;
  const { participant, access } = await ask<{ participant: Record<string, unknown>; access: unknown }>(schema, `query ($id: ID!) {
    participant(id: $id) { ${everyField(schema, participantType)} }
    access(participantId: $id) { ${everyField(schema, accessType)} }
  }`, { id }, context);

  const lists: Record<string, unknown[]> = {};
  for (const { name, node } of connectionsOf(participantType)) {
    const query = `query ($id: ID!, $after: String) { participant(id: $id) { ${name}(first: ${PAGE}, after: $after) {
      edges { node { ${everyField(schema, node)} } } pageInfo { hasNextPage endCursor }
    } } }`;
    const nodes: unknown[] = [];
    for (let after: string | null | undefined = null; after !== undefined;) {
      const answer: { participant: Record<string, Connection> } = await ask(schema, query, { id, after }, context);
      const { edges, pageInfo } = answer.participant[name]!;
      nodes.push(...edges.map((edge) => edge.node));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : undefined;
    }
    lists[name] = nodes;
  }
  const { timeline = [], ...connections } = lists;
  return { participant: { ...participant, ...connections }, timeline, access, policyVersion };
}
