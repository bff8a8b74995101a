import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { isDatabaseOutage, isPoolFull } from './outage.js';

const fromServer = (code: string): Error => Object.assign(new pg.DatabaseError('said so', 7, 'error'), { code });
const fromSystem = (code: string): Error => Object.assign(new Error('connect'), { code });

describe('An outage of PostgreSQL', () => {
  it.each([
    ['a connection that failed', fromServer('08006')], ['too many connections', fromServer('53300')],
    ['a shutdown', fromServer('57P01')], ['a start', fromServer('57P03')], ['a disk that fails', fromServer('58030')],
    ['nobody there', fromSystem('ECONNREFUSED')], ['a reset', fromSystem('ECONNRESET')],
    ['nobody at any of its addresses', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })],
    ['an end in the middle', new Error('Connection terminated unexpectedly')],
    ['no answer', new Error('Query read timeout')],
  ])('is %s', (_what, error) => expect(isDatabaseOutage(error)).toBe(true));

  it.each([
    ['a statement that is wrong', fromServer('42601')], ['a value that is there', fromServer('23505')],
    ['a statement that was cancelled', fromServer('57014')], ['a defect of ours', new TypeError('x is undefined')],
    ['no error at all', undefined],
  ])('is not %s', (_what, error) => expect(isDatabaseOutage(error)).toBe(false));

  it('is not a pool whose connections are all taken: that one is only full', async () => {
    class Connected extends EventEmitter {
      connect(done: () => void): void {
        done();
      }
    }
    const pool = new pg.Pool({ max: 1, connectionTimeoutMillis: 1, Client: Connected as unknown as typeof pg.Client });
    await pool.connect();
    const error = await pool.connect().catch((reason: unknown) => reason);
    expect([isPoolFull(error), isDatabaseOutage(error)]).toEqual([true, false]);
  });
});
