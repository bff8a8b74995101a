import { describe, it, expect } from '@jest/globals';
import type { Caller } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import { outcomeStream, recordEmploymentStatus, type OutcomeFacts } from './decider.js';
import { employmentStatuses, employmentStatusRecorded } from './events.js';

const orgR = derivedId('test', 'OrgR', 0);
const participantId = derivedId('test', 'P1', 0);
const person: Caller = { memberId: derivedId('test', 'P1', 1), role: 'person', orgId: orgR, participantId };
const peer: Caller = { memberId: derivedId('test', 'PE1', 0), role: 'peer', orgId: orgR };

const onTeam: OutcomeFacts = { membership: 'current', reads: true };
const recording = (input: object, as = person, facts: OutcomeFacts = { membership: 'none', reads: true }) =>
  given(outcomeStream).when(recordEmploymentStatus, input, { as, facts });

describe('Recording an employment status', () => {
  it('keeps what the person said', () => {
    const input = { participantId, status: 'partTime' as const, startDate: '2026-01-05', accommodation: 'A quiet desk.' };
    recording(input).then({
      type: 'EmploymentStatusRecorded', data: { recordId: derivedId(person.memberId, 'command', 0), ...input },
    });
  });

  it.each(employmentStatuses)('knows %s', (status) => {
    recording({ participantId, status }).events();
  });

  it('is for the person and for a peer on the team', () => {
    recording({ participantId, status: 'seasonal' }, peer, onTeam).events();
    for (const membership of ['none', 'former'] as const) {
      recording({ participantId, status: 'seasonal' }, peer, { ...onTeam, membership }).thenRefused('FORBIDDEN_ROLE');
    }
    for (const role of ['employer', 'supervisor', 'clinician'] as const) {
      recording({ participantId, status: 'seasonal' }, { ...peer, role }, onTeam).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('is not for a peer who may not read what stands, or of a time before they were on the team', () => {
    recording({ participantId, status: 'seasonal' }, peer, { ...onTeam, reads: false }).thenRefused('FORBIDDEN_ROLE');
    recording({ participantId, status: 'seasonal' }, peer, { ...onTeam, membership: 'notThen' })
      .thenRefused('VALIDATION', { fields: ['occurredAt'] });
  });

  it('says of the start date and the accommodation what they are, that there is none, or nothing', () => {
    const report = { participantId, status: 'partTime' as const, startDate: null, accommodation: null };
    recording(report).then({
      type: 'EmploymentStatusRecorded', data: { recordId: derivedId(person.memberId, 'command', 0), ...report },
    });
  });

  it.each([
    ['participantId', undefined], ['status', undefined], ['status', 'retired'], ['startDate', '2026-02-30'],
    ['accommodation', ' '],
  ])('refuses %s %j', (field, value) => {
    recording({ participantId, status: 'fullTime', [field]: value }).thenRefused('VALIDATION', { fields: [field] });
  });

  it('touches the person, and leaves nothing of the job in the clear', () => {
    const recorded = fact('EmploymentStatusRecorded', { recordId: derivedId('test', 'record', 0), participantId }, person);
    expect(outcomeStream.entityOf(recorded)).toBe(participantId);
    expect(employmentStatusRecorded.sealed({ recordId: participantId, participantId, status: 'fullTime' }))
      .toEqual({ status: 'employment', startDate: 'employment', accommodation: 'employment' });
  });
});
