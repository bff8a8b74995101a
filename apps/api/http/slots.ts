import { DomainError } from '@peerbridge/kernel';

const RETRY_AFTER_MS = 1_000;

export const tooMuchAtWork = (): DomainError =>
  new DomainError('RATE_LIMITED', 'Too much is at work here; repeat the request later.', { retryAfterMs: RETRY_AFTER_MS });

/** How many of a kind a process has at work at once. Whoever comes while all are taken is told to come again. */
export class Slots {
  private taken = 0;

  constructor(private readonly limit: number) {}

  /** @returns the way to give it back. @throws DomainError RATE_LIMITED */
  take(): () => void {
    if (this.taken >= this.limit) {
      throw tooMuchAtWork();
    }
    this.taken += 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.taken -= 1;
      isTaken = false;
    };
  }

  /** @throws DomainError RATE_LIMITED */
  async hold<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    const giveBack = this.take();
    try {
      return await work();
    } finally {
      giveBack();
    }
  }
}

/** What a process takes on at once, over HTTP and WebSocket together. Reads and commands do not take each other's place. */
export interface Capacity {
  query: Slots;
  mutation: Slots;
  subscription: Slots;
}

export const ordinaryCapacity = (): Capacity =>
  ({ query: new Slots(1_000), mutation: new Slots(1_000), subscription: new Slots(10_000) });
