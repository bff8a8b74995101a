import { EventEmitter } from 'node:events';
import { randomUUID } from 'node:crypto';

/** An event as the server keeps it. Data and metadata are the bytes that were sent. */
export interface LogRecord {
  id: string;
  type: string;
  contentType: string;
  data: Uint8Array;
  metadata: Uint8Array;
  stream: string;
  revision: bigint;
  /** Commit and prepare position alike, as for everything that is written over gRPC. */
  position: bigint;
  created: Date;
}

export type ProposedRecord = Pick<LogRecord, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>;
export type Expected = 'any' | 'noStream' | 'streamExists' | bigint;

export type Written =
  | { kind: 'written'; revision: bigint | undefined; position: bigint | undefined }
  | { kind: 'wrongExpectedVersion'; actual: bigint | undefined }
  | { kind: 'streamDeleted' }
  | { kind: 'tooLarge' };

export type StreamFound = { kind: 'found'; records: readonly LogRecord[] } | { kind: 'notFound' } | { kind: 'streamDeleted' };

export const MAX_APPEND_SIZE = 1_048_576;
/** `ANY` finds a repeat only among the latest events; the real server forgets after tens of thousands. */
const REMEMBERED_FOR_ANY = 1_000;
const DELETED_FOR_NOW = '9223372036854775807';
const LAST_REVISION = 9_223_372_036_854_775_807n;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sizeOf = (record: ProposedRecord): number => record.data.length + record.metadata.length + 2 * record.type.length;

interface StreamMetadata {
  maxCount?: number;
  maxAgeSeconds?: number;
  /** Everything below is gone. */
  truncateBefore: bigint;
}

/** The rules of EventStoreDB 23.10 that its clients can observe, in memory. Emits `appended`. */
export class EventStoreDbLog extends EventEmitter {
  readonly all: LogRecord[] = [];
  private readonly streams = new Map<string, LogRecord[]>();
  private readonly tombstoned = new Set<string>();
  private end = 0n;

  constructor() {
    super();
    this.setMaxListeners(0);
    // A fresh server has system events too.
    this.append('$users', 'noStream', [systemRecord('$UserCreated', '{"user":"admin"}')]);
  }

  append(stream: string, expected: Expected, proposed: readonly ProposedRecord[]): Written {
    if (this.tombstoned.has(stream)) return { kind: 'streamDeleted' };
    if (proposed.reduce((sum, record) => sum + sizeOf(record), 0) > MAX_APPEND_SIZE) return { kind: 'tooLarge' };

    const records = this.streams.get(stream) ?? [];
    const actual = records.at(-1)?.revision;
    const repeated = this.repeatOf(stream, expected, proposed);
    if (repeated) return { kind: 'written', revision: repeated.revision, position: repeated.position };
    if (!this.isAt(stream, expected)) return { kind: 'wrongExpectedVersion', actual };

    if (!this.exists(stream) && records.length > 0 && proposed.length > 0) this.truncate(stream, String(records.length));
    for (const record of proposed) this.write(stream, record, BigInt(this.streams.get(stream)?.length ?? 0));
    if (proposed.length > 0) this.emit('appended');
    const last = this.streams.get(stream)?.at(-1);
    return { kind: 'written', revision: last?.revision, position: proposed.length > 0 ? last?.position : undefined };
  }

  readStream(stream: string): StreamFound {
    if (this.tombstoned.has(stream)) return { kind: 'streamDeleted' };
    if (!this.exists(stream)) return { kind: 'notFound' };
    const records = this.streams.get(stream) ?? [];
    const { truncateBefore, maxCount, maxAgeSeconds } = this.metadataOf(stream);
    const oldest = maxAgeSeconds === undefined ? 0 : Date.now() - maxAgeSeconds * 1000;
    return {
      kind: 'found',
      records: records.filter((record, index) => record.revision >= truncateBefore
        && index >= records.length - (maxCount ?? Infinity) && record.created.getTime() >= oldest),
    };
  }

  /** Deleted for now: the next append goes on with the old revision numbers. */
  delete(stream: string, expected: Expected): Written {
    return this.remove(stream, expected, () => this.truncate(stream, DELETED_FOR_NOW));
  }

  /** Deleted for good. */
  tombstone(stream: string, expected: Expected): Written {
    return this.remove(stream, expected, () => {
      this.write(stream, systemRecord('$streamDeleted', ''), LAST_REVISION);
      this.tombstoned.add(stream);
    });
  }

  private remove(stream: string, expected: Expected, doIt: () => void): Written {
    if (this.tombstoned.has(stream)) return { kind: 'streamDeleted' };
    if (!this.isAt(stream, expected)) return { kind: 'wrongExpectedVersion', actual: this.streams.get(stream)?.at(-1)?.revision };
    doIt();
    this.emit('appended');
    return { kind: 'written', revision: undefined, position: this.all.at(-1)?.position };
  }

  private exists(stream: string): boolean {
    return this.streams.has(stream) && this.metadataOf(stream).truncateBefore !== LAST_REVISION;
  }

  private isAt(stream: string, expected: Expected): boolean {
    switch (expected) {
      case 'any': return true;
      case 'noStream': return !this.exists(stream);
      case 'streamExists': return this.exists(stream);
      default: return this.streams.get(stream)?.at(-1)?.revision === expected;
    }
  }

  /** Where all of this was written before, at that revision: the last of those records. */
  private repeatOf(stream: string, expected: Expected, proposed: readonly ProposedRecord[]): LogRecord | undefined {
    const [first] = proposed;
    if (!first) return undefined;
    let from: number;
    if (expected === 'any' || expected === 'streamExists') {
      const remembered = this.all.slice(-REMEMBERED_FOR_ANY);
      const known = remembered.find((record) => record.stream === stream && record.id === first.id);
      if (!known) return undefined;
      from = Number(known.revision);
    } else {
      from = expected === 'noStream' ? 0 : Number(expected) + 1;
    }
    const records = this.streams.get(stream) ?? [];
    const isRepeated = proposed.every((record, index) => records[from + index]?.id === record.id);
    return isRepeated ? records[from + proposed.length - 1] : undefined;
  }

  private metadataOf(stream: string): StreamMetadata {
    const text = new TextDecoder().decode(this.streams.get(`$$${stream}`)?.at(-1)?.data ?? bytes('{}'));
    // Read as text first: $tb does not fit a JavaScript number.
    const truncateBefore = BigInt(/"\$tb":(\d+)/.exec(text)?.[1] ?? 0);
    const metadata = JSON.parse(text) as { $maxCount?: number; $maxAge?: number };
    return { truncateBefore, maxCount: metadata.$maxCount, maxAgeSeconds: metadata.$maxAge };
  }

  private truncate(stream: string, before: string): void {
    const metastream = `$$${stream}`;
    this.write(metastream, systemRecord('$metadata', `{"$tb":${before}}`), BigInt(this.streams.get(metastream)?.length ?? 0));
  }

  private write(stream: string, proposed: ProposedRecord, revision: bigint): void {
    const record: LogRecord = { ...proposed, stream, revision, position: this.end, created: new Date() };
    this.end += BigInt(96 + 2 * stream.length + sizeOf(proposed));
    this.all.push(record);
    const records = this.streams.get(stream);
    if (records) records.push(record);
    else this.streams.set(stream, [record]);
  }
}

const systemRecord = (type: string, data: string): ProposedRecord =>
  ({ id: randomUUID(), type, contentType: 'application/json', data: bytes(data), metadata: new Uint8Array() });
