import { StoreUnavailable } from '../port.js';

/** One caller's append, ready for the wire. */
export interface PendingAppend {
  stream: string;
  /** -1: no stream. */
  expected: number;
  events: readonly { id: string; type: string; metadata: string; data: string }[];
  bytes: number;
}

/** The revision the stream was at (-1: none), and the position of the last event; undefined: refused. */
export interface AppendOutcome {
  actual: number;
  position: number | undefined;
}

interface Waiting {
  append: PendingAppend;
  resolve(outcome: AppendOutcome): void;
  reject(reason: unknown): void;
}

const MAX_BATCH_APPENDS = 512;
const MAX_BATCH_BYTES = 4 * 1_048_576;

/**
 * Lets appends that are asked for at the same time share one commit. What queues up while one batch is under way makes
 * the next, so that batches grow with the load and a lone append waits for nobody. (Two under way at once halved the batches
 * and were slower: the commits follow one another anyway.)
 */
export class GroupCommit {
  private queue: Waiting[] = [];
  private underWay = false;
  private scheduled = false;
  private idle: Array<() => void> = [];

  constructor(private readonly commit: (batch: readonly PendingAppend[]) => Promise<readonly AppendOutcome[]>) {}

  submit(append: PendingAppend): Promise<AppendOutcome> {
    return new Promise((resolve, reject) => {
      this.queue.push({ append, resolve, reject });
      this.schedule();
    });
  }

  /** When everything submitted has been answered. */
  async drained(): Promise<void> {
    if (this.underWay || this.queue.length > 0) await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  /** After the current turn of the event loop, so that all who were woken by one commit meet in the next. */
  private schedule(): void {
    if (this.scheduled || this.underWay || this.queue.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.run(this.takeBatch());
    });
  }

  /** At most one append to a stream: the second would rest on the first, which may yet be refused. */
  private takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    const streams = new Set<string>();
    let bytes = 0;
    for (const waiting of this.queue) {
      const { append } = waiting;
      const fits = batch.length < MAX_BATCH_APPENDS && (batch.length === 0 || bytes + append.bytes <= MAX_BATCH_BYTES);
      if (fits && !streams.has(append.stream)) {
        batch.push(waiting);
        bytes += append.bytes;
      } else {
        later.push(waiting);
      }
      streams.add(append.stream);
    }
    this.queue = later;
    return batch;
  }

  private async run(batch: readonly Waiting[]): Promise<void> {
    this.underWay = true;
    await this.answer(batch);
    this.underWay = false;
    this.schedule();
    if (this.queue.length === 0) this.idle.splice(0).forEach((resolve) => resolve());
  }

  private async answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.commit(batch.map((waiting) => waiting.append));
      batch.forEach((waiting, index) => waiting.resolve(outcomes[index]!));
    } catch (error) {
      if (batch.length === 1 || error instanceof StoreUnavailable) {
        for (const waiting of batch) waiting.reject(error);
      } else {
        // What the server chokes on must not fail those that happened to share its batch.
        for (const waiting of batch) await this.answer([waiting]);
      }
    }
  }
}
