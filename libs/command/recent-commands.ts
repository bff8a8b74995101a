import type { AcceptedCommand } from '@peerbridge/disclosure';
import type { Position } from '@peerbridge/event-store';

interface Entry {
  running: boolean;
  ended: Promise<void>;
  accepted: AcceptedCommand | undefined;
}

/** Should the view stand still for long: what is forgotten then is caught by the stream alone. */
const MOST_REMEMBERED = 100_000;

/**
 * The commands of this process that the view need not show yet. Commands of one id run one after another, so that a twin
 * finds what became of the first, however close behind it comes.
 */
export class RecentCommands {
  /** Newest last. */
  private readonly entries = new Map<string, Entry>();

  /** @param isShown whether the view has the position, and so answers for what was accepted up to it */
  constructor(private readonly isShown: (position: Position) => boolean) {}

  /**
   * @param key the member and their commandId
   * @param work is told what was accepted under this key before, as far as this process knows. Its refusal changes nothing
   */
  async run<Result extends AcceptedCommand>(
    key: string, work: (earlier: AcceptedCommand | undefined) => Promise<Result>,
  ): Promise<Result> {
    const before = this.entries.get(key);
    let end!: () => void;
    const entry: Entry = { running: true, ended: new Promise((resolve) => { end = resolve; }), accepted: undefined };
    this.entries.delete(key);
    this.entries.set(key, entry);
    try {
      await before?.ended;
      entry.accepted = before?.accepted;
      const result = await work(entry.accepted);
      entry.accepted = result;
      return result;
    } finally {
      entry.running = false;
      end();
      this.forget();
    }
  }

  private forget(): void {
    for (const [key, { running, accepted }] of this.entries) {
      const needed = running || (accepted !== undefined && !this.isShown(accepted.position));
      if (needed && this.entries.size <= MOST_REMEMBERED) return;
      this.entries.delete(key);
    }
  }
}
