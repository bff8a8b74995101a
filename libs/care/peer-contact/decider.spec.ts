import { describe, it, expect } from '@jest/globals';
import type { Caller } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import {
  amendPeerContact, logPeerContact, markContactEnteredInError, mostAmendments, peerContactStream, setContactVisibility,
  type PeerContactFacts,
} from './decider.js';
import type { PeerContactEvent } from './events.js';

const orgR = derivedId('test', 'OrgR', 0);
const participantId = derivedId('test', 'P1', 0);
const contactId = derivedId('test', 'contact', 0);
const peer: Caller = { memberId: derivedId('test', 'PE1', 0), role: 'peer', orgId: orgR };
const person: Caller = { memberId: derivedId('test', 'P1', 1), role: 'person', orgId: orgR, participantId };

type PeerContactData = Extract<PeerContactEvent, { type: 'PeerContactLogged' }>['data'];

const onTeam: PeerContactFacts = { membership: 'current', visible: true, contactsOpenToTeam: false };
const least = {
  participantId, startedAt: '2026-01-15T10:00:00.000Z', endedAt: '2026-01-15T10:52:00.000Z', modality: 'inPerson',
  supportTypes: ['emotional'], summary: 'A walk by the river.',
};
const asKept: PeerContactData = {
  ...least, contactId, modality: 'inPerson', supportTypes: ['emotional'], activities: [], dimensions: [], goalIds: [],
  coAuthored: false, livedExperienceShared: false, visibility: 'personAndPeer',
};
const logged = fact('PeerContactLogged', asKept, peer);

const logging = (input: object, facts = onTeam, as = peer) => given(peerContactStream).when(logPeerContact, input, { as, facts });
const newContactId = derivedId(peer.memberId, 'command', 0);

describe('Logging a peer contact', () => {
  it('keeps it between the two of them unless something else is said', () => {
    logging(least).then({ type: 'PeerContactLogged', data: { ...asKept, contactId: newContactId } });
  });

  it('keeps everything that was recorded', () => {
    const full = {
      ...least, setting: 'jail', continuumStage: 'harmReduction', supportTypes: ['instrumental', 'affiliational'],
      activities: ['skill', 'problemSolving', 'decisionMaking', 'coping', 'dailyLiving', 'advocacy'],
      dimensions: ['home', 'community'],
      goalIds: [derivedId('test', 'goal', 0)], narrative: 'Long story.', coAuthored: true, livedExperienceShared: true,
      visibility: 'team',
    };
    expect(logging(full).events()).toEqual([{ type: 'PeerContactLogged', data: { contactId: newContactId, ...full } }]);
  });

  it.each(['person', 'supervisor', 'clinician', 'housing', 'family'] as const)('is not for %s', (role) => {
    logging(least, onTeam, { ...peer, role }).thenRefused('FORBIDDEN_ROLE');
  });

  it.each(['participantId', 'startedAt', 'endedAt', 'modality', 'supportTypes', 'summary'])('needs %s', (field) => {
    logging({ ...least, [field]: undefined }).thenRefused('VALIDATION', { fields: [field] });
  });

  it.each([
    ['modality', 'telepathy'], ['supportTypes', []], ['supportTypes', ['financial']], ['setting', 'bar'],
    ['continuumStage', 'relapse'], ['activities', ['diagnosis']], ['activities', ['skillCoping']],
    ['dimensions', ['money']], ['goalIds', ['a goal']],
    ['summary', '   '], ['visibility', 'public'], ['startedAt', 'yesterday'], ['endedAt', '2026-01-15'],
  ])('refuses %s %j', (field, value) => {
    logging({ ...least, [field]: value }).thenRefused('VALIDATION', { fields: [field] });
  });

  it.each(['2026-01-15T10:00:00.000Z', '2026-01-15T09:59:59.999Z'])('that started at 10:00 cannot end at %s', (endedAt) => {
    logging({ ...least, endedAt }).thenRefused('VALIDATION', { fields: ['endedAt'] });
  });

  it('by text may be over as it begins, and no sooner', () => {
    logging({ ...least, modality: 'text', endedAt: least.startedAt }).events();
    logging({ ...least, modality: 'text', endedAt: '2026-01-15T09:59:59.999Z' })
      .thenRefused('VALIDATION', { fields: ['endedAt'] });
  });

  it('of a time before its author was on the team, or before the enrollment, names the time that is at fault', () => {
    const facts = { ...onTeam, membership: 'notThen' } as const;
    logging(least, facts).thenRefused('VALIDATION', { fields: ['startedAt'] });
    given(peerContactStream).when(logPeerContact, least, { as: peer, facts, occurredAt: '2026-01-14T10:00:00.000Z' })
      .thenRefused('VALIDATION', { fields: ['occurredAt'] });
  });

  it('compares instants, not texts', () => {
    logging({ ...least, startedAt: '2026-01-15T12:00:00+02:00', endedAt: '2026-01-15T11:00:00Z' }).events();
    logging({ ...least, startedAt: '2026-01-15T10:00:00Z', endedAt: '2026-01-15T11:00:00+02:00' })
      .thenRefused('VALIDATION', { fields: ['endedAt'] });
  });

  it('cannot be done before it is over', () => {
    logging({ ...least, endedAt: '2026-01-15T12:00:00.000Z' }).events();
    logging({ ...least, endedAt: '2026-01-15T12:00:00.001Z' }).thenRefused('VALIDATION', { fields: ['endedAt'] });
    logging({ ...least, startedAt: '2026-01-15T12:00:00.001Z', endedAt: '2026-01-15T12:30:00.000Z' })
      .thenRefused('VALIDATION', { fields: ['startedAt', 'endedAt'] });
  });

  it('is open to a peer who has left the team, for the time when they were on it', () => {
    logging(least, { ...onTeam, membership: 'former' }).events();
  });

  it('tells a peer who is not of the team nothing, not even that the person exists', () => {
    const stranger = { ...onTeam, membership: 'none', visible: false } as const;
    logging(least, stranger).thenRefused('NOT_FOUND');
    logging({ ...least, visibility: 'team' }, stranger).thenRefused('NOT_FOUND');
    logging(least, { ...stranger, visible: true }).thenRefused('FORBIDDEN_ROLE');
  });

  it('does not open it to the team on the peer\'s word alone', () => {
    logging({ ...least, visibility: 'team' }).thenRefused('VALIDATION', { fields: ['visibility'] });
  });

  it('opens it to the team where the two wrote it together, or the person wants all contacts open', () => {
    logging({ ...least, visibility: 'team', coAuthored: true }).events();
    logging({ ...least, visibility: 'team' }, { ...onTeam, contactsOpenToTeam: true }).events();
  });

  it('never opens it where nobody asked', () => {
    const [event] = logging(least, { ...onTeam, contactsOpenToTeam: true }).events();
    expect(event?.data).toMatchObject({ visibility: 'personAndPeer' });
  });
});

describe('Setting who sees a contact', () => {
  it.each(['team', 'personAndPeer'] as const)('is the person\'s: to %s', (visibility) => {
    given(peerContactStream, logged).when(setContactVisibility, { contactId, visibility }, { as: person })
      .then({ type: 'ContactVisibilitySet', data: { contactId, visibility } });
  });

  it('can be taken back', () => {
    const opened = fact('ContactVisibilitySet', { contactId, visibility: 'team' as const }, person);
    given(peerContactStream, logged, opened)
      .when(setContactVisibility, { contactId, visibility: 'personAndPeer' }, { as: person })
      .then({ type: 'ContactVisibilitySet', data: { contactId, visibility: 'personAndPeer' } });
  });

  it('is not the peer\'s', () => {
    given(peerContactStream, logged).when(setContactVisibility, { contactId, visibility: 'team' }, { as: peer })
      .thenRefused('FORBIDDEN_ROLE');
  });

  it.each(['contactId', 'visibility'])('needs %s', (field) => {
    given(peerContactStream, logged)
      .when(setContactVisibility, { contactId, visibility: 'team', [field]: undefined }, { as: person })
      .thenRefused('VALIDATION', { fields: [field] });
  });

  it('needs a contact', () => {
    given(peerContactStream).when(setContactVisibility, { contactId, visibility: 'team' }, { as: person })
      .thenRefused('NOT_FOUND');
  });
});

describe('Amending a contact', () => {
  const amending = (input: object, as = peer) => given(peerContactStream, logged)
    .when(amendPeerContact, { contactId, ...input }, { as });

  it('says what is corrected, and leaves the rest as it was', () => {
    amending({ summary: 'A walk by the lake.' })
      .then({ type: 'PeerContactAmended', data: { contactId, summary: 'A walk by the lake.' } });
    const all = {
      startedAt: '2026-01-15T10:10:00.000Z', endedAt: '2026-01-15T10:20:00.000Z', modality: 'phone' as const, setting: null,
      continuumStage: null, supportTypes: ['instrumental' as const], activities: [], dimensions: ['home' as const], goalIds: [],
      narrative: null, coAuthored: true, livedExperienceShared: true,
    };
    amending(all).then({ type: 'PeerContactAmended', data: { contactId, ...all } });
  });

  it('is its author\'s alone, on the team or not any more', () => {
    amending({ summary: 'Other.' }, { ...peer, memberId: derivedId('test', 'PE2', 0) }).thenRefused('FORBIDDEN_ROLE');
    amending({ summary: 'Other.' }, { ...peer, orgId: derivedId('test', 'OrgX', 0) }).thenRefused('FORBIDDEN_ROLE');
    amending({ summary: 'Other.' }, person).thenRefused('FORBIDDEN_ROLE');
  });

  it('keeps it ending after it starts, by what was said before and what is said now', () => {
    amending({ startedAt: '2026-01-15T10:52:00.000Z' }).thenRefused('VALIDATION', { fields: ['startedAt'] });
    amending({ endedAt: '2026-01-15T10:00:00.000Z' }).thenRefused('VALIDATION', { fields: ['endedAt'] });
    amending({ endedAt: '2026-01-15T10:00:00.000Z', modality: 'text' }).events();
    const moved = fact('PeerContactAmended', { contactId, endedAt: '2026-01-15T11:30:00.000Z' }, peer);
    given(peerContactStream, logged, moved)
      .when(amendPeerContact, { contactId, startedAt: '2026-01-15T11:00:00.000Z' }, { as: peer }).events();
    const texted = fact('PeerContactAmended', { contactId, modality: 'text' as const, endedAt: least.startedAt }, peer);
    given(peerContactStream, logged, texted).when(amendPeerContact, { contactId, modality: 'phone' }, { as: peer })
      .thenRefused('VALIDATION', { fields: ['modality'] });
  });

  it('does not move it into the future, and does not say who sees it', () => {
    amending({ endedAt: '2026-01-15T12:00:00.001Z' }).thenRefused('VALIDATION', { fields: ['endedAt'] });
    amending({ visibility: 'team', summary: 'Other.' })
      .then({ type: 'PeerContactAmended', data: { contactId, summary: 'Other.' } });
  });

  it('has an end', () => {
    const amended = Array.from({ length: mostAmendments }, () => fact('PeerContactAmended', { contactId }, peer));
    const after = (...before: typeof amended) =>
      given(peerContactStream, logged, ...before).when(amendPeerContact, { contactId, summary: 'x' }, { as: peer });
    after(...amended.slice(1)).events();
    after(...amended).thenRefused('VALIDATION', { fields: ['contactId'] });
  });
});

describe('Striking out a contact', () => {
  const reason = 'It was somebody else.';
  const struckOut = fact('ContactEnteredInError', { contactId }, peer);

  it('is its author\'s, with a reason', () => {
    const striking = (input: object, as = peer) =>
      given(peerContactStream, logged).when(markContactEnteredInError, input, { as });
    striking({ contactId, reason }).then({ type: 'ContactEnteredInError', data: { contactId, reason } });
    striking({ contactId }).thenRefused('VALIDATION', { fields: ['reason'] });
    striking({ contactId, reason }, { ...peer, memberId: derivedId('test', 'PE2', 0) }).thenRefused('FORBIDDEN_ROLE');
    striking({ contactId, reason }, person).thenRefused('FORBIDDEN_ROLE');
  });

  it('is for good: it is not amended, not struck out again, and not opened to anybody', () => {
    const after = given(peerContactStream, logged, struckOut);
    const refused = ['INVALID_TRANSITION', { state: 'enteredInError' }] as const;
    after.when(amendPeerContact, { contactId, summary: 'x' }, { as: peer }).thenRefused(...refused);
    after.when(markContactEnteredInError, { contactId, reason }, { as: peer }).thenRefused(...refused);
    after.when(setContactVisibility, { contactId, visibility: 'team' }, { as: person }).thenRefused(...refused);
  });
});

describe('A contact', () => {
  it('is the node that each of its events touches', () => {
    const closed = fact('ContactVisibilitySet', { contactId, visibility: 'personAndPeer' as const }, person);
    expect([logged, closed].map((one) => peerContactStream.entityOf(one))).toEqual([contactId, contactId]);
  });
});
