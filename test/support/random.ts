/** A source of numbers that the same seed makes the same: mulberry32. */
export class Random {
  constructor(private state: number) {}

  /** At least 0, below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, from inclusive, to exclusive. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length)]!;
  }

  /** One of its own for a part, so that no part's draws shift another's. */
  fork(): Random {
    return new Random(this.between(0, 2 ** 32));
  }
}
