import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ClientBase } from 'pg';
import type { RecordedEvent } from '@peerbridge/event-store';
import type { EventMetadata } from '@peerbridge/kernel';
import type { EventCodec } from '@peerbridge/vault';
import type { ProjectedEvent } from './projection.js';
import { defineTable } from './table.js';
import { View } from './view.js';
import { ViewFold } from './view-fold.js';

const stepsTable = defineTable<{ id: string; steps: number }>({
  name: 'steps', key: 'id', columns: { id: 'text', steps: 'integer' },
});
const BATCH = 2_000;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, nth) => nth);
/** Each of a person of its own. */
const events = upTo(BATCH).map((nth): RecordedEvent => ({
  stream: 'steps', revision: nth, position: `test.${String(nth).padStart(6, '0')}`, data: { open: {}, sealed: {} },
  metadata: { eventId: `event-${nth}`, participantId: `person-${nth}`, type: 'StepsCounted' } as EventMetadata,
}));
const nthOf = ({ position }: { position: string }): number => Number(position.slice(5));

describe('A fold of events of which some cannot be applied', () => {
  let applied: number;
  let stopped: number[];
  /** What the database was sent: of each table the rows. */
  let written: unknown[];
  const client = {
    query: async ({ text, values }: { text: string; values: string[] }) => {
      if (text.startsWith('WITH')) written = values.flatMap((rows) => JSON.parse(rows) as unknown[]);
      return { rows: [] };
    },
  } as unknown as ClientBase;
  beforeEach(() => {
    applied = 0;
    stopped = [];
    written = [];
  });

  /** @param fails what happens with an event, after a row of it was put */
  const foldOf = (fails: (event: ProjectedEvent) => boolean) => {
    const view = new View([{
      name: 'steps', version: 1, tables: [stepsTable], handles: 'every', needs: () => [],
      apply(event, rows) {
        applied += 1;
        rows.put(stepsTable, { id: event.metadata.eventId, steps: 1 });
        if (fails(event)) throw new Error('a defect');
      },
    }]);
    const codec = { fact: () => ({}), sealedParts: () => [] } as unknown as EventCodec;
    return new ViewFold(view, 'view_v1', codec, (event) => { stopped.push(nthOf(event)); });
  };

  it('goes through them once, however many fail, and keeps nothing of those', async () => {
    const fails = (event: { position: string }) => nthOf(event) % 10 === 0;
    await foldOf(fails).apply(client, events);
    expect(applied).toBe(BATCH);
    expect(stopped).toEqual(events.filter(fails).map(nthOf));
    expect(written.filter((row) => 'steps' in (row as object))).toHaveLength(BATCH * 0.9);
    expect(written.filter((row) => 'participant_id' in (row as object))).toHaveLength(BATCH * 0.1);
  });

  it.each([1, 200, BATCH])('writes hardly more often than there are events, where the database refuses %i', async (count) => {
    const refused = upTo(count).map((nth) => nth * (BATCH / count));
    let tries = 0;
    await foldOf(() => false).writing(events, async (some) => {
      tries += 1;
      // Those who are stopped write nothing any more.
      if (some.some((event) => refused.includes(nthOf(event)) && !stopped.includes(nthOf(event)))) {
        throw Object.assign(new Error('integer out of range'), { code: '22003' });
      }
    });
    expect(stopped).toEqual(refused);
    expect(tries).toBeLessThanOrEqual(BATCH + BATCH / 50 + count + 1);
  });

  it.each([
    ['no column holds', Object.assign(new Error(), { code: '22003' })],
    ['a constraint forbids', Object.assign(new Error(), { code: '23514' })],
    ['no index holds', Object.assign(new Error(), { code: '54000' })],
    ['no text holds', new RangeError('Invalid string length')],
  ])('stops the person of a value that %s', async (_, error) => {
    const fold = foldOf(() => false);
    let failing = true;
    await fold.writing(events.slice(0, 1), async () => {
      if (failing) {
        failing = false;
        throw error;
      }
    });
    expect(stopped).toEqual([0]);
  });

  it('stops nobody where the database cannot be reached', async () => {
    const outage = Object.assign(new Error('terminating connection'), { code: '57P01' });
    await expect(foldOf(() => false).writing(events, async () => { throw outage; })).rejects.toBe(outage);
    expect(stopped).toEqual([]);
  });
});
