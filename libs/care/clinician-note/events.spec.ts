import { describe, it, expect } from '@jest/globals';
import { describeGoldenFiles } from '../../kernel/golden.js';
import { clinicianNoteEvents, clinicianNoteRecorded, sealingSegment } from './events.js';

describeGoldenFiles(import.meta.url, clinicianNoteEvents);

describe('A clinician note', () => {
  it.each([
    [['health', 'mh', 'sud', 'counseling'], 'counseling'],
    [['health', 'mh', 'sud'], 'sud'],
    [['health', 'mh'], 'mh'],
    [['housing', 'health'], 'health'],
    [['safety', 'goals', 'justice'], 'goals'],
  ] as const)('labelled %j is sealed under %s', (labels, key) => {
    expect(sealingSegment(labels)).toBe(key);
  });

  it('has all its free text sealed under that one key, and all its labels', () => {
    const note = {
      noteId: '00000000-0000-4000-8000-000000000001', participantId: '00000000-0000-4000-8000-000000000002', noteType: 'intake',
      body: 'A first conversation.', segments: ['health' as const, 'sud' as const], authorCredential: 'MD', sharedWithPeer: false,
    };
    expect(clinicianNoteRecorded.sealed(note)).toEqual({ noteType: 'sud', body: 'sud', authorCredential: 'sud' });
    expect(clinicianNoteRecorded.segments(note)).toEqual(['health', 'sud']);
  });
});
