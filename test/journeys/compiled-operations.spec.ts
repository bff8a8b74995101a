import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildClientSchema, getIntrospectionQuery, parse, validate, type GraphQLSchema, type IntrospectionQuery } from 'graphql';
import { REMEMBERED_LENGTH } from '../../apps/api/http/operations.js';
import { randomOperation, type LeafValues } from '../support/operations.js';
import { Random } from '../support/random.js';
import { enrollP1, type Story } from '../support/story.js';
import { startSystem, type Answer, type Client, type GraphqlError, type TestSystem } from '../support/system.js';

/** `npm run test:operations -- --count 5000 --seed 7`: more of them, or others. */
const COUNT = Number(process.env.PEERBRIDGE_OPERATIONS_COUNT ?? 300);
const SEED = Number(process.env.PEERBRIDGE_OPERATIONS_SEED ?? 20_260_108);

let system: TestSystem;
let story: Story;
let schema: GraphQLSchema;
let known: string[];

beforeAll(async () => {
  system = await startSystem();
  story = await enrollP1(system);
  await story.grantTpo();
  await story.grantHousing();
  await story.join('clinician');
  const contact = await story.logContact({ coAuthored: true, visibility: 'team' });
  const note = await story.recordNote(system.as('clinician'));
  const referral = await story.refer('housing', 'OrgH');
  known = [
    story.id, contact.id, note.id, referral.id, system.dev.members.peer!.memberId, system.dev.organizations.OrgH!, randomUUID(),
  ];
  schema = buildClientSchema((await system.as('peer').ask<IntrospectionQuery>(getIntrospectionQuery())).data!);
  // `access` says when it was answered.
  await system.freeze('2027-01-05T12:00:00.000Z');
});
afterAll(async () => { expect(await system.stop()).toBe(0); });

/** Longer than what is remembered, an operation is executed by graphql-js, and its errors lie where they lay. */
const byGraphqlJs = (query: string): string => `${query}\n#${'x'.repeat(REMEMBERED_LENGTH)}`;

const codesOf = (answer: { errors?: string[] | undefined }) =>
  answer.errors?.map((error) => (JSON.parse(error) as GraphqlError).extensions.code) ?? [];

/** Errors come in the order in which resolvers end. */
const comparable = ({ status, data, errors }: Answer) =>
  ({ status, data, errors: errors?.map((error) => JSON.stringify(error)).sort() });

async function answersOf(client: Client, query: string, variables: Record<string, unknown>) {
  const expected = comparable(await client.ask(byGraphqlJs(query), variables));
  const answers = [];
  for (let time = 1; time <= 3; time += 1) answers.push(comparable(await client.ask(query, variables)));
  return { expected, answers };
}

/** What makes sense where it stands as often as not. */
const leaf: LeafValues = (name, type, random) => {
  const sensible = random.next() < 0.9;
  switch (type) {
    case 'Boolean': return random.next() < 0.5;
    case 'Int': return name === 'first' ? random.between(sensible ? 1 : 0, 4) : random.between(0, 4);
    case 'DateTime': return sensible ? random.pick(['2026-01-05T10:00:00Z', '2026-12-01T00:00:00+01:00']) : 'soon';
    case 'Date': return sensible ? '2026-03-01' : '2026-02-30';
    case 'ID':
      if (name === 'commandId') return `command-${random.between(0, 2 ** 32)}`;
      return sensible ? random.pick(known) : random.pick(['', 'x', '7']);
    default:
      if (name === 'atLeast' || name === 'after') return random.pick(['', 'x']);
      return random.pick(['housing', 'food', 'PeerContactLogged', 'fullTime', 'phone', 'emotional', 'peer', 'A word or two', '']);
  }
};

describe('An operation is answered the same the first, the second and the third time, and as graphql-js answers it', () => {
  it('where one fragment is spread twice under different conditions', async () => {
    const query = `query Q($id: ID!, $full: Boolean!, $brief: Boolean!) {
      participant(id: $id) { id ...Who @include(if: $full) ...Who @include(if: $brief) }
    } fragment Who on Participant { preferredName }`;
    for (const [full, brief] of [[true, false], [false, true], [true, true], [false, false]]) {
      const { expected, answers } = await answersOf(system.as('peer'), query, { id: story.id, full, brief });
      expect(expected.data).toEqual({ participant: { id: story.id, ...(full || brief) && { preferredName: 'Jordan' } } });
      expect({ full, brief, answers }).toEqual({ full, brief, answers: answers.map(() => expected) });
    }
  });

  it.each<[string, string, string, Record<string, unknown>]>([
    ['a variable for a time', '$at: DateTime!', 'startedAt: $at', { at: '2027-01-05T10:00:00Z' }],
    ['a variable in a list', '$kind: String!', 'supportTypes: [$kind, "emotional"]', { kind: 'informational' }],
    ['a variable that is left out', '$at: DateTime', 'occurredAt: $at', {}],
    ['a variable that is null', '$at: DateTime', 'occurredAt: $at', { at: null }],
    ['a variable with a default', '$words: String! = "In my own words."', 'narrative: $words', {}],
    ['a single word for a list', '$kind: [String!]', 'supportTypes: $kind', { kind: 'emotional' }],
  ])('where a literal holds %s', async (what, declared, fields, variables) => {
    const given = {
      commandId: what, participantId: story.id, startedAt: '2027-01-05T10:00:00Z', endedAt: '2027-01-05T10:30:00Z',
      modality: 'phone', summary: 'We talked.', supportTypes: ['emotional'],
    };
    const others = Object.entries(given).filter(([name]) => !fields.includes(`${name}:`))
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ');
    const query = `mutation M(${declared}) {
      logPeerContact(input: { ${others}, ${fields} }) { id version peerContact { summary } } }`;
    const { expected, answers } = await answersOf(system.as('peer'), query, variables);
    expect(expected.errors).toBeUndefined();
    expect(answers).toEqual(answers.map(() => expected));
  });

  it(`whatever it is: ${COUNT} random ones, seed ${SEED}`, async () => {
    const random = new Random(SEED);
    const clients = ['peer', 'clinician', 'employer'].map((role) => system.as(role));
    let refused = 0;
    for (let index = 0; index < COUNT;) {
      const { query, variables } = randomOperation(schema, random.fork(), leaf);
      if (query.length > REMEMBERED_LENGTH) continue;
      // Few that are refused say what many would.
      if (validate(schema, parse(query)).length > 0 && (refused += 1) > index / 10) continue;
      index += 1;
      const { expected, answers } = await answersOf(random.pick(clients), query, variables);
      expect({ query, variables, answers }).toEqual({ query, variables, answers: answers.map(() => expected) });
      if (codesOf(expected).includes('INTERNAL')) throw new Error(`INTERNAL: ${JSON.stringify({ query, variables })}`);
    }
  }, 3_600_000);
});
