/** Domain time. Injected everywhere: nothing below `apps` reads the machine's clock for a rule. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** Real time until it is frozen: development and tests set it to ask what holds at an instant. */
export class AdjustableClock implements Clock {
  private frozen: Date | undefined;

  now(): Date {
    return this.frozen ? new Date(this.frozen) : new Date();
  }

  /** `undefined` frees the clock. */
  freeze(at: Date | undefined): void {
    this.frozen = at;
  }
}
