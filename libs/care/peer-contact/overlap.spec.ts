import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { modalities, type Modality } from './events.js';
import { overlap, overlappingContacts } from './overlap.js';

const at = (minute: number) => new Date(Date.parse('2026-01-15T00:00:00.000Z') + minute * 60_000).toISOString();
const contact = (contactId: string, from: number, to: number, modality: Modality = 'inPerson') =>
  ({ contactId, modality, startedAt: at(from), endedAt: at(to) });

const anyContact = fc.record({
  from: fc.integer({ min: 0, max: 60 }), lasts: fc.integer({ min: 1, max: 30 }), modality: fc.constantFrom(...modalities),
});
const anyContacts = fc.array(anyContact, { maxLength: 12 }).map((all) =>
  all.map(({ from, lasts, modality }, index) => contact(`c${index}`, from, from + lasts, modality)));

describe('Contacts of one peer', () => {
  it('back to back do not overlap', () => {
    expect(overlappingContacts([contact('a', 0, 30), contact('b', 30, 60)])).toEqual(new Set());
  });

  it('that share a minute are both flagged, whichever was entered first', () => {
    expect(overlappingContacts([contact('b', 29, 60), contact('a', 0, 30)])).toEqual(new Set(['a', 'b']));
  });

  it('inside a long one are all flagged', () => {
    expect(overlappingContacts([contact('long', 0, 60), contact('a', 1, 2), contact('b', 3, 4), contact('later', 60, 70)]))
      .toEqual(new Set(['long', 'a', 'b']));
  });

  it('with a group are left out: it has several people at a time', () => {
    expect(overlappingContacts([contact('a', 0, 30), contact('group', 0, 30, 'group')])).toEqual(new Set());
  });

  it('overlap exactly where they share an instant, and both ways', () => {
    fc.assert(fc.property(anyContacts, (contacts) => {
      for (const one of contacts) {
        for (const other of contacts) {
          const latestStart = Math.max(Date.parse(one.startedAt), Date.parse(other.startedAt));
          const earliestEnd = Math.min(Date.parse(one.endedAt), Date.parse(other.endedAt));
          expect(overlap(one, other)).toBe(latestStart < earliestEnd);
          expect(overlap(other, one)).toBe(overlap(one, other));
        }
      }
    }));
  });

  it('are flagged exactly where comparing each with each finds an overlap', () => {
    fc.assert(fc.property(anyContacts, (contacts) => {
      const oneToOne = contacts.filter(({ modality }) => modality !== 'group');
      const expected = oneToOne.filter((one) => oneToOne.some((other) => other !== one && overlap(one, other)));
      expect(overlappingContacts(contacts)).toEqual(new Set(expected.map(({ contactId }) => contactId)));
    }));
  });
});
