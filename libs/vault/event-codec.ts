import type { RecordedEvent, StoredEvent } from '@peerbridge/event-store';
import type { AnyEventDefinition, EventDefinition, EventMetadata, FactOfAnyType, Segment, Shredded } from '@peerbridge/kernel';
import { SHREDDED } from '@peerbridge/kernel';
import type { Ciphertext, ClearPart, SealedPart } from './sealing.js';
import type { Vault } from './vault.js';

/** An event of a type or version that this build does not know. What rests on it must fail closed. */
export class UnknownEvent extends Error {
  constructor(readonly type: string, readonly schemaVersion: number) {
    super(`Event ${type} of schema version ${schemaVersion} is not known to this build`);
    this.name = 'UnknownEvent';
  }
}

/** Between what deciders say and what the log holds: labels, seals, upcasts. */
export class EventCodec {
  private readonly definitions: ReadonlyMap<string, EventDefinition<string, Record<string, unknown>, string>>;

  constructor(definitions: readonly AnyEventDefinition[], private readonly vault: Pick<Vault, 'seal' | 'open'>) {
    this.definitions = new Map(definitions.map((one) =>
      [one.type, one as unknown as EventDefinition<string, Record<string, unknown>, string>]));
  }

  /** The current version of a type and the segments this event belongs to. @throws UnknownEvent */
  describe(event: { type: string; data: object }): { schemaVersion: number; segments: readonly Segment[] } {
    const definition = this.definition(event.type);
    return { schemaVersion: definition.version, segments: definition.segments(event.data as Record<string, unknown>) };
  }

  /**
   * Checks the event against its schema and seals its protected fields, segment by segment.
   * @throws ZodError where a decider made an event that its own schema refuses: a defect, never bad input
   */
  async encode(event: { type: string; data: object }, metadata: EventMetadata): Promise<StoredEvent> {
    const definition = this.definition(event.type);
    const data = definition.schema.parse(event.data);
    const segmentOf = definition.sealed(data);
    const open: Record<string, unknown> = {};
    const bySegment = new Map<Segment, Record<string, unknown>>();
    for (const [field, value] of Object.entries(data)) {
      const segment = segmentOf[field];
      if (value === undefined) continue;
      if (!segment) open[field] = value;
      else bySegment.set(segment, { ...bySegment.get(segment), [field]: value });
    }
    if (bySegment.size > 0 && !metadata.participantId) throw new Error(`${event.type} seals fields but speaks of no person`);
    const { eventId, type, schemaVersion } = metadata;
    const sealed: StoredEvent['data']['sealed'] = {};
    for (const [segment, fields] of bySegment) {
      sealed[segment] = await this.vault.seal(metadata.participantId!, { eventId, type, schemaVersion, segment }, fields);
    }
    return { metadata, data: { open, sealed } };
  }

  /** The open part, in its current version: what deciders and projections fold. @throws UnknownEvent */
  fact(event: RecordedEvent): FactOfAnyType {
    const { type, eventId, actor, occurredAt, recordedAt } = event.metadata;
    return { type, data: this.divided(event).open, eventId, actor, occurredAt, recordedAt, revision: event.revision };
  }

  /**
   * The protected parts, each with what it takes to open it later: the sealed ones, and what an earlier version of the event
   * has in the open and the current one seals.
   */
  sealedParts(event: RecordedEvent): SealedPart[] {
    const { eventId, type, schemaVersion } = event.metadata;
    const sealed = Object.entries(event.data.sealed).map(([segment, fields]) => (
      { ...fields, eventId, type, schemaVersion, segment: segment as Segment }));
    return this.isKnown(event) ? [...sealed, ...this.divided(event).clear] : sealed;
  }

  /** Whether this build can read the event. */
  isKnown({ metadata: { type, schemaVersion } }: RecordedEvent): boolean {
    const definition = this.definitions.get(type);
    return definition !== undefined && schemaVersion >= 1 && schemaVersion <= definition.version;
  }

  /** Opens parts, each in its current version. Where one of several keys is gone, its fields are missing. */
  async open(parts: readonly SealedPart[]): Promise<(Record<string, unknown> | Shredded)[]> {
    const opened = (await this.vault.open(parts.filter((part): part is Ciphertext => !('clear' in part)))).values();
    return parts.map((part) => {
      const fields = 'clear' in part ? part.clear : opened.next().value!;
      return fields === SHREDDED ? SHREDDED : this.upcast(part.type, part.schemaVersion, fields);
    });
  }

  /** What an event has in the open, in its current version: what still is, and what is sealed since, segment by segment. */
  private divided({ metadata: { eventId, type, schemaVersion }, data }: RecordedEvent) {
    const { version, sealed } = this.definition(type, schemaVersion);
    if (schemaVersion === version) return { open: data.open, clear: [] };
    const current = this.upcast(type, schemaVersion, data.open);
    const segmentOf = sealed(current);
    const open: Record<string, unknown> = {};
    const bySegment = new Map<Segment, ClearPart>();
    for (const [field, value] of Object.entries(current)) {
      const segment = segmentOf[field];
      if (!segment) open[field] = value;
      else {
        const { clear } = bySegment.get(segment) ?? {};
        bySegment.set(segment, { eventId, type, schemaVersion: version, segment, clear: { ...clear, [field]: value } });
      }
    }
    return { open, clear: [...bySegment.values()] };
  }

  private upcast(type: string, version: number, data: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const definition = this.definition(type, version);
    let current = data;
    for (let from = version; from < definition.version; from += 1) {
      const upcaster = definition.upcasters[from];
      if (!upcaster) throw new UnknownEvent(type, version);
      current = upcaster(current);
    }
    return current;
  }

  private definition(type: string, version = 1) {
    const definition = this.definitions.get(type);
    if (!definition || version > definition.version || version < 1) throw new UnknownEvent(type, version);
    return definition;
  }
}
