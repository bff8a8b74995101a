import { describe, it, expect } from '@jest/globals';
import { testEvents } from '../../kernel/golden.js';
import { clinicianNoteAmended, clinicianNoteEvents, sealingSegment } from './events.js';

describe('The events of a clinician note', () => {
  testEvents(clinicianNoteEvents, import.meta.url, {
    ClinicianNoteRecorded: { mh: ['authorCredential', 'body', 'noteType'] },
    ClinicianNoteAmended: { mh: ['body', 'reason'] },
  });

  it.each([
    [['health', 'mh', 'sud', 'counseling'], 'counseling'],
    [['health', 'mh', 'sud'], 'sud'],
    [['health', 'mh'], 'mh'],
    [['housing', 'health'], 'health'],
    [['safety', 'goals', 'justice'], 'goals'],
  ] as const)('with the segments %j bear them all and are sealed under %s', (segments, key) => {
    expect(sealingSegment(segments)).toBe(key);
    const id = '00000000-0000-4000-8000-000000000001';
    const amended = { noteId: id, amendmentId: id, body: 'Since Tuesday.', reason: 'No day.', segments: [...segments] };
    expect(clinicianNoteAmended.segments(amended)).toEqual(segments);
    expect(clinicianNoteAmended.sealed(amended)).toEqual({ body: key, reason: key });
  });
});
