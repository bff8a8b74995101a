import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { EventStore, RecordedEvent } from '@peerbridge/event-store';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { defineEvent, type EventMetadata, type FactOf } from '@peerbridge/kernel';
import { migrate } from '@peerbridge/platform';
import {
  defineTable, makeView, rebuildView, runtimeMigrations, View, ViewWriter, type AnyProjection, type Projection,
} from '@peerbridge/projection';
import { EventCodec, Vault } from '@peerbridge/vault';
import { createTestDatabase, type TestDatabase } from './support/postgres.js';

const counted = defineEvent({ type: 'StepsCounted', schema: z.object({ steps: z.number() }), segments: () => ['health'] });
const stepsTable = defineTable<{ id: string; participant_id: string; steps: number }>({
  name: 'steps', key: 'id', columns: { id: 'uuid', participant_id: 'uuid', steps: 'integer' },
});
const stepsProjection: Projection<FactOf<typeof counted>> = {
  name: 'steps', version: 1, tables: [stepsTable], handles: ['StepsCounted'], needs: () => [],
  apply({ fact, metadata }, rows) {
    rows.put(stepsTable, { id: fact.eventId, participant_id: metadata.participantId!, steps: fact.data.steps });
  },
};

/** As it was before the first event. */
const emptyLog = { head: async () => undefined } as EventStore;

describe('An event with a value that no column holds', () => {
  const [ada, ben, cleo] = [randomUUID(), randomUUID(), randomUUID()];
  /** Fits the event's schema, and no integer of the database. */
  const TOO_MANY = 3_000_000_000;
  let database: TestDatabase;
  let store: EventStore;
  let view: View;
  let codec: EventCodec;
  const alarms: string[] = [];
  const alarm = ({ metadata }: RecordedEvent) => { alarms.push(metadata.participantId!); };

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.pool, 'runtime', runtimeMigrations);
    store = await PostgresEventStore.open({ pool: database.pool });
    view = new View([stepsProjection as unknown as AnyProjection]);
    codec = new EventCodec([counted], new Vault(database.pool, { current: 1, key: () => Buffer.alloc(32) }));
    for (const [person, steps] of [[ada, 1], [ben, 2], [ben, TOO_MANY], [cleo, 3], [ben, 4], [ada, 5]] as const) {
      await store.append(`steps-${randomUUID()}`, [event(person, steps)], { expectedRevision: 'noStream' });
    }
  });
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });

  const event = (participantId: string, steps: number) => {
    const metadata = {
      eventId: randomUUID(), type: counted.type, schemaVersion: 1, participantId, occurredAt: '2026-01-15T12:00:00.000Z',
      actor: { id: randomUUID(), role: 'peer', orgId: randomUUID() },
    } as unknown as EventMetadata;
    return { metadata, data: { open: { steps }, sealed: {} } };
  };
  const rowsOf = async (version: number) => {
    const { rows } = await database.pool.query<{ participant_id: string; steps: number }>(
      `SELECT participant_id, steps FROM ${View.schema(version)}.steps ORDER BY steps`);
    return rows.map(({ participant_id, steps }) => [participant_id, steps]);
  };
  const shown = [[ada, 1], [ben, 2], [cleo, 3], [ada, 5]];

  it('stops its person there, and nobody else', async () => {
    const client = await database.pool.connect();
    try {
      await makeView({ store: emptyLog, pool: database.pool, view, codec, alarm });
      const { version } = (await View.live(client))!;
      const writer = new ViewWriter(view, version, codec, alarm);
      const events: RecordedEvent[] = [];
      for await (const one of store.readAll()) events.push(one);
      await writer.write(client, events, undefined);
      expect(await rowsOf(version)).toEqual(shown);
      expect({ alarms, stopped: writer.stoppedParticipants }).toEqual({ alarms: [ben], stopped: 1 });
    } finally {
      client.release();
    }
  });

  it('stops them at the same event when the view is rebuilt', async () => {
    const { equal } = await rebuildView({ store, pool: database.pool, view, codec, alarm });
    expect(equal).toBe(true);
    expect(await rowsOf((await View.live(database.pool))!.version)).toEqual(shown);
  });
});
