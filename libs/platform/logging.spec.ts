import { describe, expect, it } from '@jest/globals';
import { createLog, nestLogger } from './logging.js';

const CANARY = 'took sertraline with her coffee';

function logging() {
  const lines: string[] = [];
  return { lines, log: createLog('trace', { write: (line: string) => void lines.push(line) }) };
}

describe('The log', () => {
  it('is one JSON object per line', () => {
    const { lines, log } = logging();
    log.info({ requestId: 'r1', status: 200 }, 'answered');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', requestId: 'r1', status: 200, msg: 'answered' });
  });

  it('tells an error by kind, code and place, never by what it quotes', () => {
    const { lines, log } = logging();
    const error = Object.assign(new TypeError(CANARY, { cause: new Error(CANARY) }), { code: '22P02', detail: CANARY });
    log.error(error);
    log.error({ err: error });
    log.error({ err: error }, error.message);
    log.error({ err: error }, 'The projection stopped');
    nestLogger(log).error(error);
    nestLogger(log).error(error, error.stack, 'Somewhere');
    nestLogger(log).error(error.message, error.stack, 'Somewhere');
    expect(lines).toHaveLength(7);
    expect(lines.filter((line) => line.includes(CANARY))).toEqual([]);
    expect(JSON.parse(lines[3] ?? '')).toMatchObject({
      err: { kind: 'TypeError', code: '22P02' }, msg: 'The projection stopped',
    });
  });
});
