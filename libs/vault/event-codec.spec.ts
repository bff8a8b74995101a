import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { RecordedEvent } from '@peerbridge/event-store';
import { defineEvent, SHREDDED, type AnyEventDefinition, type EventMetadata, type SealedFields } from '@peerbridge/kernel';
import { EventCodec, UnknownEvent } from './event-codec.js';
import { seal, unseal, type Ciphertext, type SealContext } from './sealing.js';

const participantId = '00000000-0000-4000-8000-000000000001';

/** One key for all, which can be lost. */
class OneKeyVault {
  lost = false;
  private readonly key = randomBytes(32);

  async seal(_participantId: string, context: SealContext, fields: object): Promise<SealedFields> {
    return seal('key', this.key, context, fields);
  }

  async open(parts: readonly Ciphertext[]) {
    return parts.map((part) => (this.lost ? SHREDDED : unseal(this.key, part)));
  }
}

const walkSchema = z.object({ walkId: z.string(), where: z.string(), mood: z.string().optional(), words: z.string() });
/** As it was first released: the place in the open. */
const walkTaken1 = defineEvent({ type: 'WalkTaken', schema: walkSchema, sealed: { words: 'peer' }, segments: () => ['peer'] });
/** As it is now: the place is sealed, and the mood under a key of its own. */
const walkTaken2 = defineEvent({
  type: 'WalkTaken', version: 2, schema: walkSchema, sealed: { where: 'peer', mood: 'mh', words: 'peer' },
  segments: () => ['peer'], upcasters: { 1: (data) => data },
});
/** Released later still: the place has another name. */
const walkTaken3 = defineEvent({
  type: 'WalkTaken', version: 3,
  schema: z.object({ walkId: z.string(), place: z.string(), mood: z.string().optional(), words: z.string() }),
  sealed: { place: 'peer', mood: 'mh', words: 'peer' }, segments: () => ['peer'],
  upcasters: { 1: (data) => data, 2: ({ where, ...rest }) => ({ ...rest, ...(where !== undefined && { place: where }) }) },
});
const walk = { walkId: 'w1', where: 'By the jail', mood: 'low', words: 'A walk.' };

function released(definition: AnyEventDefinition, vault = new OneKeyVault()) {
  const codec = new EventCodec([definition], vault);
  const write = async (data: object): Promise<RecordedEvent> => {
    const { type, version: schemaVersion } = definition;
    const metadata = { eventId: participantId, participantId, type, schemaVersion } as EventMetadata;
    const stored = await codec.encode({ type, data }, metadata);
    return { ...stored, stream: 'walk-w1', revision: 0, position: '1' } as unknown as RecordedEvent;
  };
  const openAll = async (event: RecordedEvent) => {
    const opened = await codec.open(codec.sealedParts(event));
    return Object.assign({}, ...opened.filter((fields) => fields !== SHREDDED)) as object;
  };
  return { codec, vault, write, openAll };
}

describe('What a later version of an event seals', () => {
  it('is no open fact any more, and opens with what was sealed from the beginning', async () => {
    const first = released(walkTaken1);
    const now = released(walkTaken2, first.vault);
    const event = await first.write(walk);
    expect(event.data.open).toMatchObject({ where: 'By the jail' });
    expect(now.codec.fact(event).data).toEqual({ walkId: 'w1' });
    expect(await now.openAll(event)).toEqual({ where: 'By the jail', mood: 'low', words: 'A walk.' });
  });

  it('lies in a part of its segment, like what is written today', async () => {
    const first = released(walkTaken1);
    const now = released(walkTaken2, first.vault);
    const segmentsOf = (event: RecordedEvent) => [...new Set(now.codec.sealedParts(event).map(({ segment }) => segment))].sort();
    expect(segmentsOf(await first.write(walk))).toEqual(segmentsOf(await now.write(walk)));
  });

  it('stays where the key of the rest was destroyed: it never was under one', async () => {
    const first = released(walkTaken1);
    const now = released(walkTaken2, first.vault);
    const event = await first.write(walk);
    first.vault.lost = true;
    expect(await now.openAll(event)).toEqual({ where: 'By the jail', mood: 'low' });
  });

  it('follows later changes of shape, also from a part that was kept', async () => {
    const first = released(walkTaken1);
    const kept = released(walkTaken2, first.vault).codec.sealedParts(await first.write(walk));
    const [sealed, ...clear] = await released(walkTaken3, first.vault).codec.open(kept);
    expect([sealed, ...clear]).toEqual([{ words: 'A walk.' }, { place: 'By the jail' }, { mood: 'low' }]);
  });

  it('is in the open nowhere once it is written by that version', async () => {
    const event = await released(walkTaken2).write(walk);
    expect(JSON.stringify(event.data)).not.toContain('jail');
    expect(event.data.open).toEqual({ walkId: 'w1' });
  });
});

describe('An event of a later version than this build knows', () => {
  it('is no fact, and hands on what is sealed as it is', async () => {
    const event = await released(walkTaken2).write(walk);
    const { codec } = released(walkTaken1);
    expect(codec.isKnown(event)).toBe(false);
    expect(() => codec.fact(event)).toThrow(UnknownEvent);
    expect(codec.sealedParts(event).map(({ segment }) => segment).sort()).toEqual(['mh', 'peer']);
  });
});
