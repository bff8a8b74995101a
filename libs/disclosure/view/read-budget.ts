import { DomainError } from '@peerbridge/kernel';

/** What one request may cost, and all of a process at once. `bench/dearest` measures what is within them. */
export const readLimits = {
  /** Pages, counts and looks for candidates that a request sends. What is asked by key is asked for many at once. */
  statements: 1_500,
  /** Plain values in its answer, an object counted as eight; persons decided about; sealed parts opened. */
  values: 400_000,
  /** Of the clock on the wall, from its start on. */
  ms: 10_000,
  /** Values of all requests that are at work in a process. */
  valuesAtWork: 4_000_000,
} as const;

const RETRY_AFTER_MS = 1_000;

/** What the requests of a process cost together. */
export class ReadBudgets {
  private held = 0;

  constructor(private readonly limit: number = readLimits.valuesAtWork) {}

  /** Gives each request one of its own, and takes back what it held. */
  async hold<Result>(work: (budget: ReadBudget) => Promise<Result> | Result): Promise<Result> {
    let held = 0;
    const budget = new ReadBudget((values) => {
      held += values;
      this.held += values;
      if (this.held > this.limit) throw tooMuchAtWork();
    });
    try {
      return await work(budget);
    } finally {
      this.held -= held;
    }
  }
}

/** Keeps count of what a request reads. Once it is spent, every further read is refused, with one and the same error. */
export class ReadBudget {
  private statements = 0;
  private values = 0;
  private startedAt = performance.now();
  private refusal: DomainError | undefined;

  /** @param taken is told of all values, and throws where the process holds too many */
  constructor(private readonly taken: (values: number) => void = () => undefined) {}

  /** Before a statement is sent. @throws DomainError LIMIT_EXCEEDED, RATE_LIMITED */
  sends(): void {
    this.spend(1, 0);
  }

  /** Before so much is put into the answer. @throws DomainError LIMIT_EXCEEDED, RATE_LIMITED */
  holds(values: number): void {
    this.spend(0, values);
  }

  /** For the next delivery of a subscription, each of which is asked for as much as a request. */
  renew(): void {
    this.statements = 0;
    this.values = 0;
    this.startedAt = performance.now();
    this.refusal = undefined;
  }

  private spend(statements: number, values: number): void {
    if (this.refusal) throw this.refusal;
    this.statements += statements;
    this.values += values;
    try {
      if (this.statements > readLimits.statements) throw spent(`reads more than ${readLimits.statements} lists`);
      if (this.values > readLimits.values) throw spent(`has more than ${readLimits.values} values`);
      if (performance.now() - this.startedAt > readLimits.ms) throw spent(`takes longer than ${readLimits.ms} ms`);
      this.taken(values);
    } catch (error) {
      this.refusal = error as DomainError;
      throw error;
    }
  }
}

const spent = (what: string): DomainError =>
  new DomainError('LIMIT_EXCEEDED', `The answer ${what}: ask for less at once, or for shorter pages.`);

const tooMuchAtWork = (): DomainError =>
  new DomainError('RATE_LIMITED', 'Too much is read here at once; repeat the request later.', { retryAfterMs: RETRY_AFTER_MS });
