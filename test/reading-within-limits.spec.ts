import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startOverheard, type Overheard } from './support/overheard.js';
import { enrollP1, type Story } from './support/story.js';

let system: Overheard;
let story: Story;
const contacts = (first: number, below: string) => `contacts(first: ${first}) { edges { node { ${below} } } }`;
const ask = (below: string) => system.as('peer').ask(`query ($id: ID!) { participant(id: $id) { ${below} } }`, { id: story.id });
const tooMuch = { status: 400, errors: [{ message: expect.any(String), extensions: { code: 'LIMIT_EXCEEDED' } }] };

beforeAll(async () => {
  system = await startOverheard();
  story = await enrollP1(system);
  await Promise.all(Array.from({ length: 95 }, () => story.logContact()));
  for (let nth = 0; nth < 5; nth += 1) await story.logContact({ narrative: 'x'.repeat(100_000) });
});
afterAll(() => system?.stop());

describe('A request', () => {
  it('asks once for a page and for a count, however often they are in it', async () => {
    const page = (below: string) => `contacts(first: 7) { totalCount edges { node { summary participant { ${below} } } } }`;
    await ask(page('id'));
    const once = await system.statementsOf(() => ask(page('id')));
    const often = await system.statementsOf(() => ask(`${page(page('id'))} again: contacts(first: 7) { totalCount }`));
    expect(often.map(({ text }) => text)).toEqual(once.map(({ text }) => text));

    const { data } = await ask(contacts(2, `participant { ${contacts(2, 'summary')} }`));
    const inner = { contacts: { edges: [1, 2].map(() => ({ node: { summary: 'We talked about the week.' } })) } };
    expect(data?.['participant']).toEqual({ contacts: { edges: [1, 2].map(() => ({ node: { participant: inner } })) } });
  });

  it('whose answer holds more than it may is refused as a whole, with one error, after few statements', async () => {
    const three = contacts(100, `participant { ${contacts(100, `participant { ${contacts(100, 'id')} }`)} }`);
    for (const _ of ['as it comes', 'compiled']) {
      const answers: object[] = [];
      const sent = await system.statementsOf(async () => answers.push(await ask(three)));
      expect(answers).toEqual([tooMuch]);
      expect(sent.length).toBeLessThan(10);
    }
    expect((await ask(contacts(100, `participant { ${contacts(100, 'id author { name }')} }`))).status).toBe(200);
  });

  it('whose answer has longer texts than it may is refused', async () => {
    const often = (first: number) => ask(contacts(first, Array.from({ length: 36 }, (_, nth) => `a${nth}: narrative`).join(' ')));
    expect(await often(4)).toMatchObject({ status: 200, data: { participant: {} } });
    expect(await often(5)).toEqual(tooMuch);
  });
});

describe('Commands and withdrawals', () => {
  it('wait for no reader, however many there are', async () => {
    const { id: consentId } = await story.grantHousing();
    const held = await system.database.pool.connect();
    await held.query('BEGIN; LOCK TABLE view_v1.peer_contact');
    let answered = 0;
    const readers = Array.from({ length: 40 }, (_, nth) => ask(contacts(nth + 1, 'summary')).then((answer) => {
      answered += 1;
      return answer.status;
    }));
    const locks = `SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted`;
    while ((await held.query<{ waiting: number }>(locks)).rows[0]!.waiting < 4) await delay(5);

    await story.person.mutate('revokeConsent', { consentId });
    await system.as('peer').mutate('changePreferences', { participantId: story.id, safeContact: 'Evenings' });
    expect(answered).toBe(0);
    await held.query('COMMIT');
    held.release();
    expect(new Set(await Promise.all(readers))).toEqual(new Set([200]));
  });
});
