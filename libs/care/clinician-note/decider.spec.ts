import { describe, it, expect } from '@jest/globals';
import type { Caller } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import {
  amendClinicianNote, clinicianNoteStream, mostAmendments, recordClinicianNote, type ClinicianNoteFacts,
} from './decider.js';

const orgC = derivedId('test', 'OrgC', 0);
const participantId = derivedId('test', 'P1', 0);
const noteId = derivedId('test', 'note', 0);
const clinician: Caller = { memberId: derivedId('test', 'CL1', 0), role: 'clinician', orgId: orgC };
const physician: Caller = { memberId: derivedId('test', 'PH1', 0), role: 'physician', orgId: orgC };

const note = { participantId, noteType: 'intake', body: 'A first conversation.', segments: ['mh'], authorCredential: 'LCSW' };
const recorded = fact('ClinicianNoteRecorded', {
  noteId, participantId, segments: ['mh' as const, 'health' as const], sharedWithPeer: false,
}, clinician);
const amendment = { noteId, body: 'A second look.', reason: 'The day was wrong.' };

const treating: ClinicianNoteFacts = { visible: true, membership: 'current', beforeEnrollment: false };
const recording = (input: object, as = clinician, facts = treating) =>
  given(clinicianNoteStream).when(recordClinicianNote, input, { as, facts });
const amending = (input: object, as = clinician) => given(clinicianNoteStream, recorded).when(amendClinicianNote, input, { as });

describe('Recording a clinician note', () => {
  it('does not share it with the peer unless said so', () => {
    recording(note).then({
      type: 'ClinicianNoteRecorded',
      data: { noteId: derivedId(clinician.memberId, 'command', 0), ...note, segments: ['mh'], sharedWithPeer: false },
    });
    expect(recording({ ...note, sharedWithPeer: true }).events()[0]).toMatchObject({ data: { sharedWithPeer: true } });
  });

  it('is for clinicians and physicians', () => {
    recording(note, physician).events();
    for (const role of ['person', 'peer', 'supervisor', 'housing', 'auditor'] as const) {
      recording(note, { ...clinician, role }).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it.each(['participantId', 'noteType', 'body', 'segments', 'authorCredential'])('needs %s', (field) => {
    recording({ ...note, [field]: undefined }).thenRefused('VALIDATION', { fields: [field] });
  });

  it.each([
    ['segments', []], ['segments', ['gossip']], ['body', '  '], ['noteType', ''], ['authorCredential', ' '],
    ['participantId', 'P1'],
  ])('refuses %s %j', (field, value) => {
    recording({ ...note, [field]: value }).thenRefused('VALIDATION', { fields: [field] });
  });

  it('is for those who see the person, and late for those who were on the team when it happened', () => {
    recording(note, clinician, { visible: true, membership: 'none', beforeEnrollment: false }).events();
    recording(note, clinician, { visible: false, membership: 'former', beforeEnrollment: false }).events();
    for (const membership of ['none', 'current'] as const) {
      recording(note, clinician, { visible: false, membership, beforeEnrollment: false }).thenRefused('NOT_FOUND');
    }
  });

  it('is of no time before its author was on the team, or before the enrollment', () => {
    recording(note, clinician, { ...treating, membership: 'notThen' }).thenRefused('VALIDATION', { fields: ['occurredAt'] });
    recording(note, clinician, { visible: true, membership: 'none', beforeEnrollment: true })
      .thenRefused('VALIDATION', { fields: ['occurredAt'] });
  });

  it('names each segment once', () => {
    expect(recording({ ...note, segments: ['mh', 'sud', 'mh'] }).events()[0])
      .toMatchObject({ data: { segments: ['mh', 'sud'] } });
  });

  it.each([
    'times', 'modality', 'medication', 'diagnosis', 'plan', 'progress', 'vitals', 'attendance', 'Progress note', 'treatmentPlan',
    'MEDICATION',
  ])('of type %s cannot be labelled counseling, alone or with others', (noteType) => {
    recording({ ...note, noteType, segments: ['counseling'] }).thenRefused('VALIDATION', { fields: ['segments'] });
    recording({ ...note, noteType, segments: ['mh', 'counseling'] }).thenRefused('VALIDATION', { fields: ['segments'] });
    recording({ ...note, noteType, segments: ['mh'] }).events();
  });

  it.each(['counselingNote', 'session', 'planet of memories'])('of type %s can be labelled counseling', (noteType) => {
    recording({ ...note, noteType, segments: ['counseling'] }).events();
  });
});

describe('Amending a clinician note', () => {
  it('adds a correction that bears the labels of the note', () => {
    amending(amendment).then({
      type: 'ClinicianNoteAmended',
      data: { amendmentId: derivedId(clinician.memberId, 'command', 0), ...amendment, segments: ['mh', 'health'] },
    });
  });

  it('is its author\'s, in the organization where it was written', () => {
    amending(amendment, physician).thenRefused('FORBIDDEN_ROLE');
    amending(amendment, { ...clinician, orgId: derivedId('test', 'OrgED', 0) }).thenRefused('FORBIDDEN_ROLE');
    amending(amendment, { ...clinician, role: 'peer' }).thenRefused('FORBIDDEN_ROLE');
  });

  it('has an end: what is still to be said is a note of its own', () => {
    const amended = Array.from({ length: mostAmendments }, (_, nth) => fact('ClinicianNoteAmended', {
      noteId, amendmentId: derivedId('test', 'amendment', nth), segments: ['mh' as const],
    }, clinician));
    given(clinicianNoteStream, recorded, ...amended.slice(1)).when(amendClinicianNote, amendment, { as: clinician }).events();
    given(clinicianNoteStream, recorded, ...amended).when(amendClinicianNote, amendment, { as: clinician })
      .thenRefused('VALIDATION', { fields: ['noteId'] });
  });

  it('is still its author\'s after it was amended', () => {
    const amended = fact('ClinicianNoteAmended', {
      noteId, amendmentId: derivedId('test', 'amendment', 0), segments: ['mh' as const, 'health' as const],
    }, clinician);
    given(clinicianNoteStream, recorded, amended).when(amendClinicianNote, amendment, { as: clinician }).events();
    expect(clinicianNoteStream.entityOf(amended)).toBe(noteId);
  });

  it.each(['noteId', 'body', 'reason'])('needs %s', (field) => {
    amending({ ...amendment, [field]: undefined }).thenRefused('VALIDATION', { fields: [field] });
  });

  it('needs a note', () => {
    given(clinicianNoteStream).when(amendClinicianNote, amendment, { as: clinician }).thenRefused('NOT_FOUND');
  });
});
