import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  compileItemRule, compileLineRule, decide, intersect, permitsItem, permitsLine, type ItemLabel,
} from '@peerbridge/disclosure';
import fc from 'fast-check';
import sql, { raw } from 'sql-template-tag';
import { anyFacts, anyInstant, anyLabel, anyViewer, cast } from '../libs/disclosure/policy/testing.js';
import { createTestDatabase, type TestDatabase } from './support/postgres.js';

/** The run's first database may have to wait for the server to be made. */
const STARTING_MS = 60_000;

const actors = Object.values(cast).map(({ memberId }) => memberId);
/** The author, and others, act on what one of them wrote. */
const actorOf = ({ authorId }: ItemLabel, number: number): string =>
  (number % 2 === 0 && authorId !== null ? authorId : actors[number % actors.length]!);

const row = (label: ItemLabel, number: number) => ({
  number,
  actor_id: actorOf(label, number),
  participant_id: label.participantId,
  segments: label.segments,
  source_org_id: label.sourceOrgId,
  author_id: label.authorId,
  requester_id: label.requesterId,
  party_org_id: label.partyOrgId,
  circles: label.circles,
});

describe('the policy and its SQL predicate', () => {
  const labels = fc.sample(anyLabel, { numRuns: 600, seed: 42 });
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.pool.query(`create table item (number int primary key, actor_id uuid not null,
      participant_id uuid not null, segments text[] not null,
      source_org_id uuid not null, author_id uuid, requester_id uuid, party_org_id uuid,
      circles text[] not null)`);
    await database.pool.query(sql`
      insert into item select * from json_populate_recordset(null::item, ${JSON.stringify(labels.map(row))})`);
  }, STARTING_MS);
  afterAll(() => database?.drop());

  const anyDecision = fc.record({ viewer: anyViewer, then: anyFacts, now: fc.option(anyFacts), instant: anyInstant })
    .map(({ viewer, then, now, instant }) => {
      const decision = decide(viewer, then, instant);
      return now ? intersect(decision, decide(viewer, now, instant)) : decision;
    });

  it('show the same items of the same people to the same viewers', async () => {
    let shown = 0;
    await fc.assert(fc.asyncProperty(anyDecision, async (decision) => {
      const { rows: found } = await database.pool.query<{ number: number }>(
        sql`select number from item where ${compileItemRule(decision)} order by number`);
      const permitted = labels.flatMap((label, number) => (permitsItem(decision, label) ? [number] : []));
      expect(found.map(({ number }) => number)).toEqual(permitted);
      shown += permitted.length;
    }), { numRuns: 300 });
    // Or else it was an agreement about nothing.
    expect(shown).toBeGreaterThan(300);
  });

  it('show the same lines of a story', async () => {
    let keptAlone = 0;
    await fc.assert(fc.asyncProperty(anyDecision, async (decision) => {
      const { rows: found } = await database.pool.query<{ number: number }>(
        sql`select number from item where ${compileLineRule(decision, raw('item.actor_id'))} order by number`);
      const permitted = labels.flatMap((label, number) => (permitsLine(decision, label, actorOf(label, number)) ? [number] : []));
      expect(found.map(({ number }) => number)).toEqual(permitted);
      keptAlone += labels.filter((label) => permitsItem(decision, label)).length - permitted.length;
    }), { numRuns: 300 });
    // Lines of items that an author keeps, and others have touched.
    expect(keptAlone).toBeGreaterThan(30);
  });

  it('binds every value: nothing a token or a record says becomes SQL', () => {
    const hostile = "x'; drop table item; --";
    const decision = decide({ memberId: hostile, orgId: hostile, role: 'supervisor' }, {
      participantId: hostile, homeOrgId: hostile, consents: [], team: [], restrictedMemberIds: [], partyOrgIds: [],
      ownMemberIds: [], worksAtOrgIds: [],
    }, '2026-01-01T00:00:00.000Z');
    const rule = compileItemRule(decision);
    expect(rule.text).not.toContain('drop');
    expect(rule.values).toContain(hostile);
  });
});
