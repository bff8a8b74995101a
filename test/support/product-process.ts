import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compiledDist } from './run-typescript.js';

const START_WITHIN_MS = 60_000;

export type App = 'api' | 'projector' | 'relay' | 'standalone';

/** One process of the compiled product. Whoever starts it ends it. */
export class ProductProcess {
  /** Standard output so far. */
  out = '';
  /** Standard error so far. */
  err = '';

  private readonly closed: Promise<unknown>;

  private constructor(readonly child: ChildProcess) {
    this.closed = once(child, 'close');
    child.stdout!.on('data', (chunk: Buffer) => { this.out += chunk.toString(); });
    child.stderr!.on('data', (chunk: Buffer) => { this.err += chunk.toString(); });
  }

  static async spawn(app: App, env: Record<string, string>): Promise<ProductProcess> {
    const main = path.join(await compiledDist(), 'apps', app, 'main.js');
    // Nothing of the machine's own settings decides what is tested.
    const { PATH, HOME, USER, TMPDIR, LANG } = process.env;
    return new ProductProcess(spawn(process.execPath, [main], {
      env: { PATH, HOME, USER, TMPDIR, LANG, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    }));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits until standard output says so. @throws Error where the process ends instead */
  async says(what: RegExp): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + START_WITHIN_MS; ; await delay(20)) {
      const said = what.exec(this.out);
      if (said) return said;
      if (this.hasEnded || Date.now() > deadline) {
        await this.end('SIGKILL');
        throw new Error(`Not a word of ${what} (exit code ${this.child.exitCode}):\n${this.out}\n${this.err}`);
      }
    }
  }

  /** Resolves when it is gone and all that it said is here. @returns its exit code; null where a signal ended it */
  async end(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    if (signal && !this.hasEnded) this.child.kill(signal);
    await this.closed;
    return this.child.exitCode;
  }
}
