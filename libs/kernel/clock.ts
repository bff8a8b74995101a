/** Domain time. Injected everywhere: nothing below `apps` reads the machine's clock for a rule. */
export interface Clock {
  now(): Date;
}

/** A device's clock may be so far ahead of ours. */
const AHEAD_MS = 30_000;

/** What a device says happened in a moment happened now. Both RFC 3339 UTC with milliseconds. */
export const notAhead = (at: string, now: string): string =>
  (at > now && Date.parse(at) - Date.parse(now) <= AHEAD_MS ? now : at);

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
