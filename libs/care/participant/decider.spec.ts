import { describe, it, expect } from '@jest/globals';
import type { Caller } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import { changePreferences, correctParticipant, enrollParticipant, participantStream, type RecordFacts } from './decider.js';

const p1 = '00000001-0000-4000-8000-000000000000';
const p2 = '00000002-0000-4000-8000-000000000000';
const orgR = '00000010-0000-4000-8000-000000000000';
const person: Caller = { memberId: '00000020-0000-4000-8000-000000000000', role: 'person', orgId: orgR, participantId: p1 };
const peer: Caller = { memberId: '00000021-0000-4000-8000-000000000000', role: 'peer', orgId: orgR, name: 'Pat' };
const supervisor: Caller = { memberId: '00000022-0000-4000-8000-000000000000', role: 'supervisor', orgId: orgR };

const mari = { preferredName: 'Mari', language: 'es' };
const unknown = { knowsVersion: false };
const enrolled = fact('ParticipantEnrolled', { participantId: p1, contactsOpenToTeam: false }, person);

describe('Enrolling', () => {
  it('keeps what is known of the person, and no more', () => {
    const known = {
      ...mari, legalName: 'Maria Gomez', birthDate: '1990-04-12', contact: { phone: '555-0100', okToText: false },
      interpreterNeeded: true, householdSize: 3, accessibility: 'Ground floor', emergencyContact: 'Sister',
      pathway: ['mutualAid'], track: 'housing', enrolledVia: 'court', setting: 'jail', regularSourceOfCare: 'Dr. Ito',
      safeContact: 'Before noon', doNotAskTopics: ['family'],
    };
    given(participantStream).when(enrollParticipant, { ...known, participantId: p1 }, { as: supervisor })
      .then({ type: 'ParticipantEnrolled', data: { ...known, setting: 'jail', participantId: p1, contactsOpenToTeam: false } });
  });

  it('makes an enrolling peer the primary peer at once', () => {
    given(participantStream).when(enrollParticipant, { ...mari, participantId: p1 }, { as: peer, commandId: 'c1' }).then({
      type: 'ParticipantEnrolled',
      data: {
        ...mari, participantId: p1, contactsOpenToTeam: false, primaryPeerName: 'Pat',
        primaryPeer: { membershipId: derivedId(peer.memberId, 'c1', 'membership'), memberId: peer.memberId, orgId: orgR },
      },
    });
  });

  it('is done by a person for themself, under the id of their token', () => {
    given(participantStream).when(enrollParticipant, mari, { as: person })
      .then({ type: 'ParticipantEnrolled', data: { ...mari, participantId: p1, contactsOpenToTeam: false } });
  });

  it('is not done by a person for another, or without a participant id of their own', () => {
    given(participantStream).when(enrollParticipant, { ...mari, participantId: p2 }, { as: person })
      .thenRefused('FORBIDDEN_ROLE');
    given(participantStream).when(enrollParticipant, mari, { as: { ...person, participantId: undefined } })
      .thenRefused('FORBIDDEN_ROLE');
  });

  it('makes an id where a worker gives none', () => {
    const [event] = given(participantStream).when(enrollParticipant, mari, { as: supervisor, commandId: 'c1' }).events();
    expect(event!.data.participantId).toBe(derivedId(supervisor.memberId, 'c1', 0));
  });

  it('is refused for an id that is taken, with the version that stands for who sees the person, and for nobody else', () => {
    const changed = fact('PreferencesChanged', { participantId: p1 }, person);
    const taken = given(participantStream, enrolled, changed);
    const input = { ...mari, participantId: p1 };
    taken.when(enrollParticipant, input, { as: peer, facts: { knowsVersion: true } })
      .thenRefused('VERSION_CONFLICT', { actualVersion: 1 });
    taken.when(enrollParticipant, input, { as: peer, facts: { knowsVersion: false } }).thenRefused('VERSION_CONFLICT', {});
  });

  it.each([
    ['VALIDATION', { birthDate: '2026-01-16' }, peer], ['FORBIDDEN_ROLE', { contactsOpenToTeam: true }, peer],
    ['FORBIDDEN_ROLE', {}, { ...person, participantId: p2 }],
  ] as const)('is refused with %s alike, whether the id is taken or not', (code, wrong, as) => {
    for (const facts of [[], [enrolled]]) {
      given(participantStream, ...facts).when(enrollParticipant, { ...mari, participantId: p1, ...wrong }, { as, facts: unknown })
        .thenRefused(code);
    }
  });

  it('takes of a birth date what is known', () => {
    for (const birthDate of ['1980', '1980-05', '2026', '2026-01', '2026-01-15']) {
      const [event] = given(participantStream).when(enrollParticipant, { ...mari, birthDate }, { as: supervisor }).events();
      expect(event!.data).toMatchObject({ birthDate });
    }
  });

  it('opens contacts to the team only by the person’s own word', () => {
    const open = { ...mari, contactsOpenToTeam: true };
    given(participantStream).when(enrollParticipant, open, { as: person })
      .then({ type: 'ParticipantEnrolled', data: { ...open, participantId: p1 } });
    given(participantStream).when(enrollParticipant, open, { as: peer }).thenRefused('FORBIDDEN_ROLE');
  });

  it.each([
    ['birthDate', { birthDate: '2026-02' }], ['birthDate', { birthDate: '2027' }], ['birthDate', { birthDate: '1990-13' }],
    ['preferredName', { preferredName: undefined }], ['language', { language: ' ' }], ['birthDate', { birthDate: '1990-02-30' }],
    ['birthDate', { birthDate: '2026-01-16' }], ['setting', { setting: 'spaceship' }], ['householdSize', { householdSize: 0 }],
    ['contact.phone', { contact: { phone: '' } }], ['participantId', { participantId: 'mari' }],
  ])('names %s when it is missing or malformed', (field, given_) => {
    given(participantStream).when(enrollParticipant, { ...mari, ...given_ }, { as: peer, now: '2026-01-15T12:00:00.000Z' })
      .thenRefused('VALIDATION', { fields: [field] });
  });

  it.each(['clinician', 'family', 'privacyOfficer'] as const)('is not for a %s', (role) => {
    given(participantStream).when(enrollParticipant, mari, { as: { ...peer, role } }).thenRefused('FORBIDDEN_ROLE');
  });
});

const preferences = ['safeContact', 'doNotAskTopics', 'contact', 'householdSize', 'accessibility'];
const onTeam: RecordFacts = { onTeam: true, ofHomeOrganization: true, reads: preferences };
const offTeam: RecordFacts = { ...onTeam, onTeam: false };

describe('Changing preferences', () => {
  it('is for who may read what they change', () => {
    const change = (input: object, reads: string[]) => given(participantStream, enrolled)
      .when(changePreferences, { participantId: p1, ...input }, { as: peer, facts: { ...onTeam, reads } });
    for (const field of ['contact', 'householdSize']) {
      const input = { safeContact: 'Evenings', [field]: field === 'contact' ? { phone: '555-0100' } : 2 };
      change(input, preferences.filter((one) => one !== field)).thenRefused('FORBIDDEN_ROLE');
      expect(change(input, ['safeContact', field]).events()).toHaveLength(1);
    }
  });

  it('holds the given fields and no others', () => {
    const changes = { participantId: p1, safeContact: 'Evenings', doNotAskTopics: [] };
    given(participantStream, enrolled).when(changePreferences, changes, { as: peer, facts: onTeam })
      .then({ type: 'PreferencesChanged', data: { ...changes, holds: ['safeContact', 'doNotAskTopics'] } });
  });

  it('takes out what is null, where there may be none', () => {
    const cleared = { participantId: p1, safeContact: null, accessibility: null, householdSize: null };
    given(participantStream, enrolled).when(changePreferences, cleared, { as: peer, facts: onTeam })
      .then({ type: 'PreferencesChanged', data: { ...cleared, holds: ['safeContact', 'householdSize', 'accessibility'] } });
    expect(changePreferences.clearable).toEqual(['householdSize', 'accessibility', 'safeContact']);
  });

  it('lets the person, and nobody else, open contacts to the team', () => {
    const open = { participantId: p1, contactsOpenToTeam: true };
    given(participantStream, enrolled).when(changePreferences, open, { as: person, facts: offTeam })
      .then({ type: 'PreferencesChanged', data: { ...open, holds: [] } });
    given(participantStream, enrolled).when(changePreferences, open, { as: peer, facts: onTeam })
      .thenRefused('FORBIDDEN_ROLE');
    const [opened, other] = [fact('PreferencesChanged', open, person), fact('PreferencesChanged', { participantId: p1 }, peer)];
    expect(given(participantStream, enrolled, opened, other).state.contactsOpenToTeam).toBe(true);
  });

  it('is not for a peer who is off the team', () => {
    const input = { participantId: p1, safeContact: 'Evenings' };
    given(participantStream, enrolled).when(changePreferences, input, { as: peer, facts: offTeam })
      .thenRefused('FORBIDDEN_ROLE');
  });

  it('wants at least one change', () => {
    given(participantStream, enrolled).when(changePreferences, { participantId: p1 }, { as: person, facts: offTeam })
      .thenRefused('VALIDATION', {
        fields: ['safeContact', 'doNotAskTopics', 'contact', 'householdSize', 'accessibility', 'contactsOpenToTeam'],
      });
  });

  it('finds nobody who never enrolled', () => {
    const input = { participantId: p1, safeContact: 'Evenings' };
    given(participantStream).when(changePreferences, input, { as: person, facts: offTeam })
      .thenRefused('NOT_FOUND');
  });

  it('touches the participant', () => {
    expect(participantStream.entityOf(enrolled)).toBe(p1);
    const input = { participantId: p1, safeContact: 'Evenings' };
    expect(changePreferences.entity!(input, given(participantStream, enrolled).state, person)).toBe(p1);
    expect(changePreferences.subject(input, person, () => '')).toEqual({ kind: 'participant', id: p1 });
  });
});

describe('Correcting', () => {
  const fields = ['preferredName', 'legalName', 'birthDate', 'language'] as const;
  const correct = (input: object, as: Caller, facts: Partial<RecordFacts> = {}, stood = [enrolled]) =>
    given(participantStream, ...stood)
      .when(correctParticipant, { participantId: p1, ...input }, { as, facts: { ...onTeam, reads: fields, ...facts } });
  const wrong = { preferredName: 'Marie', legalName: null, birthDate: '1990-04', language: 'en' };

  it('puts right a name, a birth date, a language, and leaves the rest; null takes out what there need not be', () => {
    correct(wrong, peer).then({ type: 'ParticipantCorrected', data: { participantId: p1, ...wrong, holds: [...fields] } });
    correct({ language: 'fr' }, person)
      .then({ type: 'ParticipantCorrected', data: { participantId: p1, language: 'fr', holds: ['language'] } });
    expect(correctParticipant.clearable).toEqual(['legalName', 'birthDate']);
    correct({ preferredName: null }, peer).thenRefused('VALIDATION', { fields: ['preferredName'] });
    correct({ language: null }, peer).thenRefused('VALIDATION', { fields: ['language'] });
    correct({ birthDate: '2027' }, peer).thenRefused('VALIDATION', { fields: ['birthDate'] });
    correct({}, peer).thenRefused('VALIDATION', { fields: [...fields] });
  });

  it('is for the person, a peer on the team and a supervisor of the program, who read what they correct', () => {
    expect(correct(wrong, person, { onTeam: false, reads: [] }).events()).toHaveLength(1);
    expect(correct(wrong, supervisor, { onTeam: false }).events()).toHaveLength(1);
    correct(wrong, peer, { onTeam: false }).thenRefused('FORBIDDEN_ROLE');
    for (const as of [peer, supervisor]) {
      correct(wrong, as, { ofHomeOrganization: false }).thenRefused('FORBIDDEN_ROLE');
      correct(wrong, as, { reads: ['preferredName', 'language'] }).thenRefused('FORBIDDEN_ROLE');
    }
    correct(wrong, { ...peer, role: 'clinician' }).thenRefused('FORBIDDEN_ROLE');
  });

  it('finds nobody who never enrolled', () => correct(wrong, person, {}, []).thenRefused('NOT_FOUND'));
});
