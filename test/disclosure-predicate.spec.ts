import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compileItemRule, decide, intersect, permitsItem, type ItemLabel } from '@peerbridge/disclosure';
import fc from 'fast-check';
import { sql, type Kysely } from 'kysely';
import { anyFacts, anyInstant, anyLabel, anyViewer } from '../libs/disclosure/policy/testing.js';
import { createTestDatabase } from './support/postgres.js';

/** The run's first database may have to wait for the server to be made. */
const STARTING_MS = 60_000;

interface ItemTable {
  number: number;
  participant_id: string;
  segments: readonly string[];
  source_org_id: string;
  author_id: string;
  party_org_id: string | null;
  circles: readonly string[];
}

const row = (label: ItemLabel, number: number): ItemTable => ({
  number,
  participant_id: label.participantId,
  segments: label.segments,
  source_org_id: label.sourceOrgId,
  author_id: label.authorId,
  party_org_id: label.partyOrgId,
  circles: label.circles,
});

describe('the policy and its SQL predicate', () => {
  const labels = fc.sample(anyLabel, { numRuns: 600, seed: 42 });
  let testDatabase: Awaited<ReturnType<typeof createTestDatabase>>;
  let database: Kysely<{ item: ItemTable }>;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    database = testDatabase.kysely.withTables<{ item: ItemTable }>();
    await sql`create table item (number int primary key, participant_id uuid not null, segments text[] not null,
      source_org_id uuid not null, author_id uuid not null, party_org_id uuid, circles text[] not null)`.execute(database);
    await database.insertInto('item').values(labels.map(row)).execute();
  }, STARTING_MS);
  afterAll(() => testDatabase?.drop());

  it('show the same items of the same people to the same viewers', async () => {
    let shown = 0;
    const anyDecision = fc.record({ viewer: anyViewer, then: anyFacts, now: fc.option(anyFacts), instant: anyInstant })
      .map(({ viewer, then, now, instant }) => {
        const decision = decide(viewer, then, instant);
        return now ? intersect(decision, decide(viewer, now, instant)) : decision;
      });
    await fc.assert(fc.asyncProperty(anyDecision, async (decision) => {
      const found = await database.selectFrom('item as it').select('it.number')
        .where(compileItemRule(decision, 'it')).orderBy('it.number').execute();
      const permitted = labels.flatMap((label, number) => (permitsItem(decision, label) ? [number] : []));
      expect(found.map(({ number }) => number)).toEqual(permitted);
      shown += permitted.length;
    }), { numRuns: 300 });
    // Or else it was an agreement about nothing.
    expect(shown).toBeGreaterThan(300);
  });

  it('binds every value: nothing a token or a record says becomes SQL', () => {
    const hostile = "x'; drop table item; --";
    const decision = decide({ memberId: hostile, orgId: hostile, role: 'supervisor' }, {
      participantId: hostile, homeOrgId: hostile, consents: [], team: [], restrictedMemberIds: [],
    }, '2026-01-01T00:00:00.000Z');
    const query = database.selectFrom('item as it').select('it.number').where(compileItemRule(decision, 'it')).compile();
    expect(query.sql).not.toContain('drop');
    expect(query.parameters).toContain(hostile);
  });
});
