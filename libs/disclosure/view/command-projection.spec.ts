import { describe, expect, it } from '@jest/globals';
import type { EventMetadata, StreamDefinition } from '@peerbridge/kernel';
import type { ProjectedEvent, Rows } from '@peerbridge/projection';
import { commandProjection } from './command-projection.js';
import type { CommandRow } from './tables.js';

const stream = {
  category: 'walk', keyedBy: 'entity', events: [{ type: 'WalkTaken' }, { type: 'WalkPraised' }],
  entityOf: ({ data }: { data: { walkId: string } }) => data.walkId,
} as unknown as StreamDefinition<unknown>;
const projection = commandProjection([stream]);

/** What becomes of the one command that all these events say they are of. Rows are had only where they were asked for. */
function rowAfter(...events: [type: string, walkId: string, bodyHash: string, commandIndex?: number][]): CommandRow {
  let row: CommandRow | undefined;
  events.forEach(([type, walkId, bodyHash, commandIndex], revision) => {
    const event = {
      fact: { type, data: { walkId }, revision }, position: String(revision),
      metadata: { actor: { id: 'member' }, commandId: 'command', bodyHash, ...(commandIndex !== undefined && { commandIndex }) },
    } as unknown as ProjectedEvent & { metadata: EventMetadata };
    const asked = projection.needs(event).length > 0;
    const get = () => {
      if (!asked) throw new Error('Nobody asked for it');
      return row;
    };
    projection.apply(event, { get, put: (_table: unknown, put: CommandRow) => { row = put; } } as unknown as Rows);
  });
  return row!;
}

describe('The index of commands', () => {
  const answer = { entity_id: 'w1', event_type: 'WalkTaken', position: '1', version: 1, body_hash: 'hash' };

  it('has the node of the first event and the place of the last, by the index that each has', () => {
    expect(rowAfter(['WalkTaken', 'w1', 'hash', 0], ['WalkPraised', 'w2', 'hash', 1])).toMatchObject(answer);
  });

  it('finds the same where earlier releases did not say which was first', () => {
    expect(rowAfter(['WalkTaken', 'w1', 'hash'], ['WalkPraised', 'w2', 'hash'])).toMatchObject(answer);
  });

  it('takes what was recorded with another body for another command, which came in at the same moment', () => {
    const later = { entity_id: 'w2', event_type: 'WalkPraised', body_hash: 'other' };
    expect(rowAfter(['WalkTaken', 'w1', 'hash'], ['WalkPraised', 'w2', 'other'])).toMatchObject(later);
    expect(rowAfter(['WalkTaken', 'w1', 'hash', 0], ['WalkPraised', 'w2', 'other', 0])).toMatchObject(later);
  });
});
