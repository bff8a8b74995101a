import { DomainError } from '@peerbridge/kernel';

/** Commands that may wait for one stream in this process; withdrawals are not counted. */
const MOST_WAITING = 1_000;
/** What who is told to come again is told to wait. Milliseconds. */
const RETRY_AFTER_MS = 1_000;

export const tooMany = (): DomainError =>
  new DomainError('RATE_LIMITED', 'Too many others write to the same record; repeat with the same commandId.', {
    retryAfterMs: RETRY_AFTER_MS,
  });

interface Queue {
  withdrawals: (() => void)[];
  others: (() => void)[];
}

/**
 * Commands to one stream take turns within the process, withdrawals before all others: so they do not race one another for the
 * stream's revision, and a withdrawal waits for one command at most.
 */
export class StreamTurns {
  /** Of the streams at which somebody is. */
  private readonly queues = new Map<string, Queue>();

  /**
   * @param work is told whether it had to wait: what was looked up before may then have changed
   * @throws DomainError RATE_LIMITED where too many wait already
   */
  async take<Result>(
    stream: string, { withdraws }: { withdraws: boolean }, work: (waited: boolean) => Promise<Result>,
  ): Promise<Result> {
    const queue = this.queues.get(stream);
    if (queue) {
      if (!withdraws && queue.others.length >= MOST_WAITING) throw tooMany();
      await new Promise<void>((resolve) => (withdraws ? queue.withdrawals : queue.others).push(resolve));
    } else {
      this.queues.set(stream, { withdrawals: [], others: [] });
    }
    try {
      return await work(queue !== undefined);
    } finally {
      this.passOn(stream);
    }
  }

  private passOn(stream: string): void {
    const { withdrawals, others } = this.queues.get(stream)!;
    const next = withdrawals.shift() ?? others.shift();
    if (next) next();
    else this.queues.delete(stream);
  }
}
