import { describe, expect, it } from '@jest/globals';
import type { AcceptedCommand } from '@peerbridge/disclosure';
import { RecentCommands } from './recent-commands.js';

const accepted = (bodyHash: string, position: string): AcceptedCommand =>
  ({ bodyHash, id: 'contact', version: 0, position, eventType: 'PeerContactLogged' });

describe('Commands that the view need not show yet', () => {
  it('run one after another where they have one id: the second is told what became of the first', async () => {
    const recent = new RecentCommands(() => false);
    const order: string[] = [];
    const first = recent.run('peer/1', async (earlier) => {
      await new Promise((resolve) => { setImmediate(resolve); });
      order.push('first');
      expect(earlier).toBeUndefined();
      return accepted('a', 'p1');
    });
    const second = recent.run('peer/1', async (earlier) => {
      order.push('second');
      return earlier!;
    });
    expect(await Promise.all([first, second])).toEqual([accepted('a', 'p1'), accepted('a', 'p1')]);
    expect(order).toEqual(['first', 'second']);
  });

  it('do not wait for those of another id', async () => {
    const recent = new RecentCommands(() => false);
    const never = recent.run('peer/1', () => new Promise<AcceptedCommand>(() => undefined));
    await expect(recent.run('peer/2', async () => accepted('b', 'p2'))).resolves.toEqual(accepted('b', 'p2'));
    expect(never).toBeInstanceOf(Promise);
  });

  it('are not remembered when refused, and what was accepted before them still is', async () => {
    const recent = new RecentCommands(() => false);
    const refused = () => recent.run('peer/1', async () => { throw new Error('refused'); });
    await expect(refused()).rejects.toThrow('refused');
    await recent.run('peer/1', async (earlier) => {
      expect(earlier).toBeUndefined();
      return accepted('a', 'p1');
    });
    await expect(refused()).rejects.toThrow('refused');
    await recent.run('peer/1', async (earlier) => {
      expect(earlier).toEqual(accepted('a', 'p1'));
      return earlier!;
    });
  });

  it('are forgotten once the view shows them', async () => {
    let shown = '';
    const recent = new RecentCommands((position) => position <= shown);
    await recent.run('peer/1', async () => accepted('a', 'p1'));
    shown = 'p1';
    await recent.run('peer/2', async () => accepted('b', 'p2'));
    await recent.run('peer/1', async (earlier) => {
      expect(earlier).toBeUndefined();
      return accepted('c', 'p3');
    });
  });
});
