import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventMetadata } from '@peerbridge/kernel';
import type { EventStore, Position, RecordedEvent, SubscriptionItem } from '@peerbridge/event-store';
import type { Checkpoint, CheckpointStore } from '@peerbridge/projection';
import type { OutgoingMessage, Publisher } from './publisher.js';
import { Relay } from './relay.js';

const positionOf = (order: number): Position => `test.${String(order).padStart(4, '0')}`;

function event(order: number, stream = `peerContact-${order}`): RecordedEvent {
  const metadata = { eventId: `event-${order}`, type: 'ContactAttempted', schemaVersion: 1, stream, participantId: 'ada' };
  const data = { open: {}, sealed: {} };
  return { stream, revision: 0, position: positionOf(order), metadata: metadata as EventMetadata, data };
}

const placeOf = ({ position, metadata: { eventId } }: RecordedEvent): Checkpoint => ({ position, eventId });

/** A log that is never longer than it is at first. */
const logOf = (...events: RecordedEvent[]) => logOfThese(events);

const logOfThese = (events: readonly RecordedEvent[]): Pick<EventStore, 'subscribeAll' | 'eventIdAt'> => ({
  eventIdAt: async (position) => events.find((one) => one.position === position)?.metadata.eventId,
  async *subscribeAll({ after = '', signal }): AsyncGenerator<SubscriptionItem> {
    yield* events.filter(({ position }) => position > after).map((one) => ({ kind: 'event' as const, event: one }));
    yield { kind: 'caughtUp' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  },
});

class Progress implements CheckpointStore {
  published = 0;

  constructor(public checkpoint?: Checkpoint) {}

  get position(): Position | undefined {
    return this.checkpoint?.position;
  }

  async load(): Promise<Checkpoint | undefined> {
    return this.checkpoint;
  }

  async advance(_consumer: string, from: Checkpoint | undefined, to: Checkpoint | undefined, published = 0): Promise<boolean> {
    if (this.position !== from?.position) return false;
    this.checkpoint = to;
    this.published += published;
    return true;
  }
}

class Broker implements Publisher {
  readonly received: string[] = [];
  /** Called with what was sent, before it is acknowledged. */
  onPublish: (messages: readonly OutgoingMessage[]) => void = () => undefined;

  async publish(messages: readonly OutgoingMessage[]): Promise<void> {
    this.received.push(...messages.map(({ headers }) => headers['ce_id']!));
    this.onPublish(messages);
  }

  health = () => ({ status: 'up' as const });
  close = async (): Promise<void> => undefined;
}

describe('The relay', () => {
  function relaying(options: Omit<ConstructorParameters<typeof Relay>[0], 'checkpoints'>, checkpoints = new Progress()) {
    const abort = new AbortController();
    const relay = new Relay({ ...options, checkpoints });
    const ended = relay.run(abort.signal);
    return {
      relay,
      checkpoints,
      /** Until its checkpoint is there; the test's time limit is the bound. */
      reaches: async (position: Position) => {
        while (checkpoints.position !== position) await delay(1);
        await delay(1);
        abort.abort();
        await ended;
      },
    };
  }

  it('publishes every event in order, and remembers how far it has come', async () => {
    const publisher = new Broker();
    const { relay, reaches } = relaying({ store: logOf(event(1), event(2), event(3)), publisher, batchSize: 2 });
    await reaches(positionOf(3));
    expect(publisher.received).toEqual(['event-1', 'event-2', 'event-3']);
    expect(relay.status()).toEqual({ status: 'up', enabled: true });
  });

  it('starts after its checkpoint', async () => {
    const publisher = new Broker();
    const progress = new Progress(placeOf(event(2)));
    const { reaches } = relaying({ store: logOf(event(1), event(2), event(3)), publisher }, progress);
    await reaches(positionOf(3));
    expect(publisher.received).toEqual(['event-3']);
  });

  it.each([
    ['another event stands', { position: positionOf(2), eventId: 'event-of-yesterday' }],
    ['the log ends before', { position: positionOf(9), eventId: 'event-9' }],
  ])('publishes all of the log again where %s at its checkpoint, and says so', async (_, checkpoint) => {
    const publisher = new Broker();
    const said: string[] = [];
    const log = { info: () => undefined, error: (_fields: object, text: string) => { said.push(text); } };
    const { reaches } = relaying({ store: logOf(event(1), event(2), event(3)), publisher, log }, new Progress(checkpoint));
    await reaches(positionOf(3));
    expect(publisher.received).toEqual(['event-1', 'event-2', 'event-3']);
    expect(said).toEqual([expect.stringMatching(/no longer has what was published last: the relay publishes all of it again$/)]);
  });

  it('does so, too, where the log is put back while it waits', async () => {
    const publisher = new Broker();
    const events = [event(1), event(2)];
    const { checkpoints, reaches } = relaying({ store: logOfThese(events), publisher });
    while (checkpoints.position !== positionOf(2)) await delay(1);
    events.splice(0, 2, { ...event(1), metadata: { ...event(1).metadata, eventId: 'another-1' } });
    await reaches(positionOf(1));
    expect(publisher.received).toEqual(['event-1', 'event-2', 'another-1']);
  });

  it('keeps the store\'s own streams to itself and goes past them', async () => {
    const publisher = new Broker();
    const { reaches } = relaying({ store: logOf(event(1, '$settings'), event(2)), publisher });
    await reaches(positionOf(2));
    expect(publisher.received).toEqual(['event-2']);
  });

  it('does not move its checkpoint before the broker has acknowledged, and sends the same again', async () => {
    const publisher = new Broker();
    const seen: unknown[] = [];
    let failures = 2;
    const logged: string[] = [];
    const log = { info: (text: string) => { logged.push(text); }, error: (_: object, text: string) => { logged.push(text); } };
    const { relay, checkpoints, reaches } = relaying({ store: logOf(event(1), event(2)), publisher, log });
    publisher.onPublish = (messages) => {
      if (messages.length === 0) return;
      seen.push([checkpoints.position, relay.status().status]);
      failures -= 1;
      if (failures >= 0) throw new Error('no broker');
    };
    await reaches(positionOf(2));
    expect(seen.slice(0, 3)).toEqual([[undefined, 'up'], [undefined, 'down'], [undefined, 'down']]);
    expect(publisher.received.filter((id) => id === 'event-1')).toHaveLength(3);
    expect([...new Set(publisher.received)]).toEqual(['event-1', 'event-2']);
    expect(relay.status()).toMatchObject({ status: 'up' });
    expect(logged).toEqual(['The relay cannot publish and keeps trying', 'The relay publishes again']);
  });

  it('finds itself fenced when another has moved the checkpoint, and goes on from there', async () => {
    const publisher = new Broker();
    const { checkpoints, reaches } = relaying({ store: logOf(event(1), event(2), event(3)), publisher, batchSize: 1 });
    publisher.onPublish = ([message]) => {
      if (message?.headers['ce_id'] === 'event-1') checkpoints.checkpoint = placeOf(event(2));
    };
    await reaches(positionOf(3));
    expect(publisher.received).toEqual(['event-1', 'event-3']);
  });

  it('counts what the broker has acknowledged with its checkpoint, each event once', async () => {
    const publisher = new Broker();
    let failures = 2;
    publisher.onPublish = (messages) => {
      if (messages.length > 0 && (failures -= 1) >= 0) throw new Error('no broker');
    };
    const { checkpoints, reaches } = relaying({ store: logOf(event(1), event(2, '$settings'), event(3)), publisher });
    await reaches(positionOf(3));
    expect(checkpoints.published).toBe(2);
  });

  it('says once what is wrong, and again when something else is', async () => {
    const publisher = new Broker();
    const logged: unknown[] = [];
    const log = { info: () => undefined, error: (fields: object) => { logged.push((fields as { err: Error }).err.message); } };
    const outages = [new TypeError('one'), new TypeError('one, again'), new RangeError('another')];
    publisher.onPublish = () => {
      const outage = outages.shift();
      if (outage) throw outage;
    };
    const { reaches } = relaying({ store: logOf(event(1)), publisher, log });
    await reaches(positionOf(1));
    expect(logged).toEqual(['one', 'another']);
  });

  it('is off without brokers, and says so', async () => {
    const said: string[] = [];
    const log = { info: (text: string) => { said.push(text); }, error: () => undefined };
    const relay = new Relay({ store: logOf(event(1)), checkpoints: new Progress(), log });
    await relay.run(new AbortController().signal);
    expect(relay.status()).toEqual({ status: 'off', enabled: false });
    expect(said).toEqual(['The relay is off: no brokers are configured']);
  });
});
