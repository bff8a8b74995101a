import { Inject, Injectable } from '@nestjs/common';
import {
  PersonLocks, ReadBudget, SharedView, type PersonAccess, type TimelineLine, type ViewSession,
} from '@peerbridge/disclosure';
import { DomainError, id, type Caller } from '@peerbridge/kernel';
import { comparePositions, type Position } from '@peerbridge/event-store';
import { pause } from '@peerbridge/projection';

/** Entries read at once; more follow right after. */
const BATCH = 50;
/**
 * After this the lock is let go between two entries, and what is left is decided anew: a receiver that takes each entry
 * just in time keeps no withdrawal waiting.
 */
const HELD_MS = 1_000;

/** How often it is tried to decide while the view is being made, or late. */
const ASKED_AGAIN_MS = 250;

export interface Delivery {
  row: TimelineLine;
  access: PersonAccess;
  session: ViewSession;
}

/**
 * Entries of a person's story, from a position on or from now on, each decided at the moment it is handed over. The
 * person's lock is held, shared, from before the decision until the next entry is asked for, which is when this one is
 * with the receiver: a withdrawal that has been acknowledged has waited for it. Unknown, denied and revoked are open and
 * silent.
 */
@Injectable()
export class Deliveries {
  constructor(@Inject(SharedView) private readonly view: SharedView, @Inject(PersonLocks) private readonly locks: PersonLocks) {}

  /** @param from what lies after this position comes first: nothing between history and what is new, and nothing twice */
  entries(caller: Caller, participantId: string, signal: AbortSignal, from?: Position): AsyncIterableIterator<Delivery> {
    if (!id.safeParse(participantId).success) return silence(signal);
    const changes = new Changes(this.view, participantId, signal);
    let after = from ?? this.view.options.position.current;
    if (from !== undefined) changes.again();
    let waiting: Delivery[] = [];
    let release: (() => Promise<void>) | undefined;
    let letGoAt = Infinity;
    let decidedUpTo = after;
    const letGo = async () => {
      const held = release;
      release = undefined;
      await held?.();
    };

    const end = async (): Promise<IteratorResult<Delivery, undefined>> => {
      changes.close();
      await letGo();
      return { done: true, value: undefined };
    };
    const advance = async (): Promise<IteratorResult<Delivery, undefined>> => {
      while (!signal.aborted) {
        const delivery = performance.now() < letGoAt ? waiting.shift() : undefined;
        if (delivery) {
          letGoAt = Math.min(letGoAt, performance.now() + HELD_MS);
          after = delivery.row.position;
          delivery.session.budget?.renew();
          return { done: false, value: delivery };
        }
        await letGo();
        if (waiting.length > 0) changes.again();
        else after = later(after, decidedUpTo);
        if (!await changes.next()) break;
        release = await this.locks.share(participantId);
        letGoAt = Infinity;
        const read = await this.read(caller, participantId, after).catch(onlyUnavailable);
        ({ waiting, decidedUpTo } = read ?? { waiting: [], decidedUpTo: after });
        if (!read) {
          // Nothing can be decided now; what there is comes as soon as it can.
          await letGo();
          await pause(ASKED_AGAIN_MS, signal);
        }
        if (!read || waiting.length === BATCH) changes.again();
      }
      return end();
    };
    return {
      async next() {
        try {
          return await advance();
        } catch (error) {
          // Nobody may ask again, and a lock that is kept would hold up every withdrawal.
          await end();
          throw error;
        }
      },
      return: end,
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** A decision of its own, uncached, in a statement later than the one that took the lock. */
  private async read(
    caller: Caller, participantId: string, after: Position | undefined,
  ): Promise<{ waiting: Delivery[]; decidedUpTo: Position | undefined }> {
    const session = this.view.session(caller, new ReadBudget());
    // What is withheld now stays withheld: a later grant opens what is written later.
    const reached = await this.view.position();
    const access = await session.person(participantId);
    const rows = access ? await session.timelineSince(access, after ?? '', BATCH) : [];
    return {
      waiting: rows.map((row) => ({ row, access: access!, session })),
      decidedUpTo: rows.length === BATCH ? rows.at(-1)!.position : reached,
    };
  }
}

function onlyUnavailable(error: unknown): undefined {
  if (!(error instanceof DomainError && error.code === 'UNAVAILABLE')) throw error;
}

/** No person has such an id, and nobody is told so. */
async function* silence(signal: AbortSignal): AsyncGenerator<Delivery, undefined> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function later(one: Position | undefined, other: Position | undefined): Position | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return comparePositions(one, other) > 0 ? one : other;
}

/** Turns the view's notifications about one person into something to wait for. */
class Changes {
  private changed = false;
  private closed = false;
  private wake = (): void => undefined;
  private readonly stop: () => void;

  constructor(view: SharedView, participantId: string, signal: AbortSignal) {
    this.stop = view.options.position.onAdvanced((ids) => { if (!ids || ids.includes(participantId)) this.again(); });
    signal.addEventListener('abort', () => this.close(), { once: true });
  }

  again(): void {
    this.changed = true;
    this.wake();
  }

  close(): void {
    this.closed = true;
    this.stop();
    this.wake();
  }

  /** False when nobody listens any more. */
  async next(): Promise<boolean> {
    while (!this.changed && !this.closed) await new Promise<void>((resolve) => { this.wake = resolve; });
    this.changed = false;
    return !this.closed;
  }
}
