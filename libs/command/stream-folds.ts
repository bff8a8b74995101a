import type { AppendResult, EventStore, ExpectedRevision, Position, RecordedEvent, StoredEvent } from '@peerbridge/event-store';
import type { FactOfAnyType, StreamDefinition } from '@peerbridge/kernel';
import type { EventCodec } from '@peerbridge/vault';

/** Events of the streams that are kept folded, all streams together. */
const MOST_EVENTS = 100_000;

/** What a command has written into a stream. */
export interface WrittenCommand {
  bodyHash: string;
  /** The node that its first event touched. */
  id: string;
  /** Which of the events that touched the node, from 0, its last one is. */
  counted: number;
  position: Position;
  /** Of its first event. */
  eventType: string;
}

/** A stream as it was at a revision. */
export interface FoldedStream {
  state: unknown;
  revision: ExpectedRevision;
  /** By node: how many events have touched it, less one. */
  versions: Map<string, number>;
  /** By `commandKey`. */
  commands: Map<string, WrittenCommand>;
}

type Stream = StreamDefinition<unknown, FactOfAnyType>;

export const commandKey = (memberId: string, commandId: string): string => `${memberId}/${commandId}`;

export const foldOfNothing = (stream: Stream): FoldedStream =>
  ({ state: stream.initialState(), revision: 'noStream', versions: new Map(), commands: new Map() });

/**
 * Streams, folded. Those that many commands share, a person's, are kept as this process last saw them: a command decides on that,
 * and its append says whether somebody else has written since. What is kept may be old, so it accepts and never refuses. Whoever
 * uses a stream here has its turn.
 */
export class StreamFolds {
  /** Last used last. */
  private readonly kept = new Map<string, FoldedStream>();
  private events = 0;

  constructor(private readonly store: Pick<EventStore, 'readStream'>, private readonly codec: Pick<EventCodec, 'fact'>) {}

  /** As this process last saw it; undefined where it has not. */
  known(name: string): FoldedStream | undefined {
    return this.kept.get(name);
  }

  /** As it is now: reads what came since it was last seen. @throws UnknownEvent, StoreUnavailable, StreamDeleted */
  async read(stream: Stream, name: string, participantId: string | undefined): Promise<FoldedStream> {
    const folded = this.kept.get(name) ?? await this.begin(stream, participantId);
    this.forget(name);
    try {
      const from = folded.revision === 'noStream' ? 0 : folded.revision + 1;
      for await (const event of this.store.readStream(name, { from })) this.fold(stream, folded, event);
    } finally {
      if (stream.keyedBy === 'participant') this.keep(name, folded);
    }
    return folded;
  }

  /** What this process has just written, where the stream is kept. */
  appended(stream: Stream, name: string, events: readonly StoredEvent[], { revision, position }: AppendResult): void {
    const folded = this.kept.get(name);
    if (!folded) return;
    this.forget(name);
    const first = revision - events.length + 1;
    events.forEach((event, index) => this.fold(stream, folded, { ...event, stream: name, revision: first + index, position }));
    this.keep(name, folded);
  }

  /** What was seen of it is not so any more: a store that was put back. */
  forget(name: string): void {
    const folded = this.kept.get(name);
    if (!folded) return;
    this.kept.delete(name);
    this.events -= weightOf(folded);
  }

  private keep(name: string, folded: FoldedStream): void {
    this.kept.set(name, folded);
    this.events += weightOf(folded);
    for (const oldest of this.kept.keys()) {
      if (this.events <= MOST_EVENTS) return;
      this.forget(oldest);
    }
  }

  private async begin(stream: Stream, participantId: string | undefined): Promise<FoldedStream> {
    const folded = foldOfNothing(stream);
    for (const category of stream.foldsFirst ?? []) {
      for await (const event of this.store.readStream(`${category}-${participantId}`, { limit: 1 })) {
        this.evolve(stream, folded, this.codec.fact(event));
      }
    }
    return folded;
  }

  private fold(stream: Stream, folded: FoldedStream, event: RecordedEvent): void {
    const fact = this.codec.fact(event);
    const id = this.evolve(stream, folded, fact);
    folded.revision = event.revision;
    const { metadata: { actor, commandId, bodyHash }, position } = event;
    const key = commandKey(actor.id, commandId);
    const before = folded.commands.get(key);
    const node = before?.id ?? id;
    folded.commands.set(key, {
      bodyHash, id: node, counted: folded.versions.get(node)!, position, eventType: before?.eventType ?? fact.type,
    });
  }

  private evolve(stream: Stream, folded: FoldedStream, fact: FactOfAnyType): string {
    const id = stream.entityOf(fact);
    folded.state = stream.evolve(folded.state, fact);
    folded.versions.set(id, (folded.versions.get(id) ?? -1) + 1);
    return id;
  }
}

/** A stream of no events takes room, too. */
const weightOf = ({ revision }: FoldedStream): number => (revision === 'noStream' ? 1 : revision + 2);
