import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf, aHash, enrollP1, fieldsOf, nodeOf, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);

interface ReferralSeen {
  state: string;
  taskStatus: string;
  serviceRequestStatus: string;
  disputed: boolean;
  gotHelp: string | null;
}
const standing = (viewer: Client, id: string) =>
  fieldsOf<ReferralSeen>(viewer, id, 'Referral', 'state taskStatus serviceRequestStatus disputed gotHelp');
const inState = (state: string) => ({ code: 'INVALID_TRANSITION', state });

/** A housing referral, sent to OrgH with C-H given. */
async function sent(change: Record<string, unknown> = {}): Promise<{ story: Story; id: string }> {
  const story = await enrollP1(system);
  await story.grantHousing();
  return { story, id: (await story.refer('housing', 'OrgH', change)).id };
}

describe('A referral', () => {
  it('goes round the loop: sent, accepted, held, started, delivered, confirmed', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const draft = await as('peer').mutate<{ referral: object }>('draftReferral', {
      participantId: story.id, needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgH,
      reason: 'A room of her own',
    }, 'referral { state taskStatus serviceRequestStatus needCategory reason target { name } }');
    expect(draft.referral).toEqual({
      state: 'draft', taskStatus: 'draft', serviceRequestStatus: 'draft', needCategory: 'housing', reason: 'A room of her own',
      target: { name: 'Harbor Housing' },
    });
    expect(await nodeOf(as('housing'), draft.id)).toBeNull();
    const steps: [string, string, object, string, string, string][] = [
      ['peer', 'sendReferral', {}, 'requested', 'requested', 'active'],
      ['housing', 'acceptReferral', {}, 'accepted', 'accepted', 'active'],
      ['housing', 'holdReferral', { reason: 'waitlist', reviewOn: '2027-01-05' }, 'onHold', 'on-hold', 'active'],
      ['housing', 'startReferral', {}, 'inProgress', 'in-progress', 'active'],
      ['housing', 'holdReferral', { reason: 'other', text: 'No key', reviewOn: '2027-01-06' }, 'onHold', 'on-hold', 'active'],
      ['housing', 'startReferral', {}, 'inProgress', 'in-progress', 'active'],
      ['housing', 'deliverReferral', {}, 'delivered', 'completed', 'active'],
      ['person', 'confirmReferral', { gotHelp: 'partly' }, 'closed', 'completed', 'completed'],
    ];
    for (const [index, [role, name, input, state, taskStatus, serviceRequestStatus]] of steps.entries()) {
      const caller = role === 'person' ? story.person : as(role);
      const payload = await caller.mutate(name, { referralId: draft.id, ...input, expectedVersion: index },
        'referral { state taskStatus serviceRequestStatus version }');
      expect(payload).toMatchObject({
        id: draft.id, version: index + 1, referral: { state, taskStatus, serviceRequestStatus, version: index + 1 },
      });
    }
    expect(await standing(as('peer'), draft.id)).toMatchObject({ gotHelp: 'partly', disputed: false });
  });

  it('ends when it is declined, failed, withdrawn or found to be a mistake', async () => {
    const ends: [Client | 'person', string, object, string, string, string][] = [
      [as('housing'), 'declineReferral', { reason: 'capacity' }, 'declined', 'rejected', 'revoked'],
      [as('peer'), 'withdrawReferral', { reason: 'Found a place' }, 'withdrawn', 'cancelled', 'revoked'],
      ['person', 'withdrawReferral', { reason: 'Not now' }, 'withdrawn', 'cancelled', 'revoked'],
      [
        as('peer'), 'markReferralEnteredInError', { reason: 'The wrong form' }, 'enteredInError', 'entered-in-error',
        'entered-in-error',
      ],
    ];
    for (const [by, name, input, ...expected] of ends) {
      const { story, id } = await sent();
      await (by === 'person' ? story.person : by).mutate(name, { referralId: id, ...input });
      const { state, taskStatus, serviceRequestStatus } = (await standing(story.person, id))!;
      expect([state, taskStatus, serviceRequestStatus]).toEqual(expected);
    }
    const { story, id } = await sent();
    await as('housing').mutate('acceptReferral', { referralId: id });
    await as('housing').mutate('failReferral', { referralId: id, text: 'The house burnt down' });
    expect(await standing(story.person, id))
      .toMatchObject({ state: 'failed', taskStatus: 'failed', serviceRequestStatus: 'revoked' });
    await as('peer').mutate('markReferralEnteredInError', { referralId: id, reason: 'Never sent' });
    expect(await standing(story.person, id)).toMatchObject({ state: 'enteredInError' });
  });

  it('is not delivered before it is accepted: nothing is written (16)', async () => {
    const { story, id } = await sent();
    const before = (await see(story.person, story.id))!.timeline.length;
    expect(await as('housing').refused('deliverReferral', { referralId: id })).toEqual(inState('requested'));
    const early: [Client, string, object][] = [
      [as('housing'), 'startReferral', {}],
      [as('housing'), 'reopenReferral', {}],
      [as('housing'), 'failReferral', { text: 'x' }],
      [as('housing'), 'holdReferral', { reason: 'documents', reviewOn: '2027-01-05' }],
      [story.person, 'confirmReferral', { gotHelp: 'yes' }],
      [story.person, 'disputeReferral', {}],
    ];
    for (const [caller, name, input] of early) {
      expect({ name, ...await caller.refused(name, { referralId: id, ...input }) }).toEqual({ name, ...inState('requested') });
    }
    expect((await see(story.person, story.id))!.timeline).toHaveLength(before);
  });

  it('that the person disputes is not successful, and can be reopened (19)', async () => {
    const { story, id } = await sent();
    for (const step of ['accept', 'start', 'deliver']) await as('housing').mutate(`${step}Referral`, { referralId: id });
    expect(await as('housing').refused('reopenReferral', { referralId: id })).toEqual(inState('delivered'));
    await story.person.mutate('disputeReferral', { referralId: id, text: 'Nobody came' });
    expect(await standing(as('peer'), id)).toMatchObject({ state: 'delivered', disputed: true });
    await as('housing').mutate('reopenReferral', { referralId: id });
    expect(await standing(as('peer'), id))
      .toMatchObject({ state: 'inProgress', taskStatus: 'in-progress', serviceRequestStatus: 'active' });
    await as('housing').mutate('deliverReferral', { referralId: id });
    expect(await standing(as('peer'), id)).toMatchObject({ state: 'delivered', disputed: false });
    await story.person.mutate('confirmReferral', { referralId: id, gotHelp: 'yes' });
    expect(await standing(as('peer'), id)).toMatchObject({ state: 'closed', gotHelp: 'yes', disputed: false });
  });

  it('needs a reason that says something', async () => {
    const { id } = await sent();
    const wrong: [string, object, string[]][] = [
      ['declineReferral', { reason: 'noMoney' }, ['reason']],
      ['declineReferral', { reason: 'other' }, ['text']],
      ['holdReferral', { reason: 'waitlist', reviewOn: 'soon' }, ['reviewOn']],
      ['holdReferral', { reason: 'other', reviewOn: '2027-01-05' }, ['text']],
      ['failReferral', { text: ' ' }, ['text']],
    ];
    for (const [name, input, fields] of wrong) {
      expect({ name, input, refusal: await as('housing').refused(name, { referralId: id, ...input }) })
        .toEqual({ name, input, refusal: { code: 'VALIDATION', fields } });
    }
  });

  it('is each party\'s own step: who sees it and is not that party is refused', async () => {
    const { story, id } = await sent();
    expect(await as('peer').refused('acceptReferral', { referralId: id })).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await as('supervisor').refused('declineReferral', { referralId: id, reason: 'capacity' }))
      .toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await story.person.refused('markReferralEnteredInError', { referralId: id, reason: 'x' }))
      .toEqual({ code: 'FORBIDDEN_ROLE' });
    const colleague = await system.newWorker('peer', 'OrgR');
    await story.join(colleague);
    expect(await colleague.client.refused('withdrawReferral', { referralId: id, reason: 'x' }))
      .toEqual({ code: 'FORBIDDEN_ROLE' });
    // Anyone of the target, whoever else was there first.
    const successor = await system.newWorker('housing', 'OrgH');
    await as('housing').mutate('acceptReferral', { referralId: id });
    await successor.client.mutate('startReferral', { referralId: id });
  });
});

describe('What was received', () => {
  it('is not passed on by whom it was sent to (8)', async () => {
    const { story } = await sent();
    const forward = {
      participantId: story.id, needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgO,
    };
    expect(await as('housing').refused('draftReferral', forward)).toEqual({ code: 'NO_REDISCLOSURE' });
    for (const participantId of [randomUUID(), (await enrollP1(system)).id]) {
      expect(await as('housing').refused('draftReferral', { ...forward, participantId })).toEqual({ code: 'FORBIDDEN_ROLE' });
    }
    expect(await as('supervisor').refused('draftReferral', forward)).toEqual({ code: 'FORBIDDEN_ROLE' });
  });
});

describe('What leaves with a housing referral', () => {
  it('is the chosen fields within the minimum for housing, under the alias, and nothing that implies treatment (8)', async () => {
    const { story, id } = await sent({ sharedFields: ['preferredName', 'contact', 'reason'], reason: 'Needs a quiet room' });
    const seen = await fieldsOf(as('housing'), id, 'Referral', `sender { id name } target { name } reason shared { name value }
      participant { preferredName legalName birthDate householdSize track pathway enrolledVia setting safeContact
        employment { status } team { totalCount } consents { totalCount } contacts { totalCount } notes { totalCount } }`);
    expect(seen).toEqual({
      sender: { id: null, name: 'RC Services' }, target: { name: 'Harbor Housing' }, reason: 'Needs a quiet room',
      shared: [
        { name: 'preferredName', value: 'Jordan' }, { name: 'contact', value: '555-0100' },
        { name: 'reason', value: 'Needs a quiet room' },
      ],
      participant: {
        preferredName: 'Jordan', legalName: null, birthDate: null, householdSize: 2, track: null, pathway: null,
        enrolledVia: null, setting: null, safeContact: null, employment: null, team: { totalCount: 0 },
        consents: { totalCount: 0 }, contacts: { totalCount: 0 }, notes: { totalCount: 0 },
      },
    });
    expect(JSON.stringify(seen)).not.toMatch(/recovery|riverside/i);
    expect(await accessOf(as('housing'), story.id)).toMatchObject({ identity: 'named', housing: 'named', sud: 'roleCeiling' });
  });

  it('is no reason that was not chosen, and no value that no consent opens', async () => {
    const story = await enrollP1(system);
    await story.grant({
      kind: 'named', recipients: [{ orgId: system.dev.organizations.OrgH }], segments: ['housing'], purposes: ['COC'],
      expiry: { event: 'A home' },
    });
    const { id } = await story.refer('housing', 'OrgH', { sharedFields: ['preferredName'], reason: 'For us only' });
    expect(await fieldsOf(as('housing'), id, 'Referral', 'reason shared { name value } participant { preferredName }'))
      .toEqual({ reason: null, shared: [{ name: 'preferredName', value: null }], participant: { preferredName: null } });
  });

  it('is for an employer the reason alone', async () => {
    const story = await enrollP1(system);
    await story.grantEmployment();
    const chosen = { sharedFields: ['preferredName', 'contact', 'reason'], reason: 'Mornings' };
    const { id } = await story.refer('employment', 'OrgE', chosen);
    expect(await fieldsOf(as('employer'), id, 'Referral', 'shared { name value } sender { name }'))
      .toEqual({ shared: [{ name: 'reason', value: 'Mornings' }], sender: { name: 'RC Services' } });
  });
});

describe('Sending', () => {
  const draft = async (story: Story, change: object = {}, by = as('peer')) => (await by.mutate('draftReferral', {
    participantId: story.id, needCategory: 'housing', targetOrganizationId: system.dev.organizations.OrgH, ...change })).id;

  it('needs a consent in force that lets the target see it', async () => {
    const story = await enrollP1(system);
    const referralId = await draft(story);
    expect(await as('peer').refused('sendReferral', { referralId })).toEqual({ code: 'CONSENT_REQUIRED' });
    await story.grantEmployment();
    expect(await as('peer').refused('sendReferral', { referralId })).toEqual({ code: 'CONSENT_REQUIRED' });
    const consent = await story.grantHousing();
    await as('peer').mutate('suspendConsent', { consentId: consent.id });
    expect(await as('peer').refused('sendReferral', { referralId })).toEqual({ code: 'CONSENT_REQUIRED' });
    await story.person.mutate('liftSuspension', { consentId: consent.id });
    await as('peer').mutate('sendReferral', { referralId });
    expect(await as('peer').refused('sendReferral', { referralId })).toEqual(inState('requested'));
  });

  it('asks for no consent beyond one that lets anybody of the target see it, in whatever role they act', async () => {
    const to = (segment: string, orgId: string, purpose = 'COC') => ({
      kind: 'named', recipients: [{ orgId }], segments: [segment], purposes: [purpose], expiry: { event: 'It is done' },
    });
    const { OrgED, OrgO, OrgR } = system.dev.organizations;
    const peers = await system.newWorker('peer', OrgO!);
    const story = await enrollP1(system);
    await story.grant(to('health', OrgED!, 'TREAT'));
    await story.grant(to('peer', OrgO!));
    const [health, peerGroup] = [await story.refer('health', OrgED!), await story.refer('peerGroup', OrgO!)];
    expect(await nodeOf(as('physician'), health.id)).toMatchObject({ id: health.id });
    await peers.client.mutate('acceptReferral', { referralId: peerGroup.id });
    expect(await see(peers.client, story.id)).toMatchObject({ referrals: [{ id: peerGroup.id, state: 'accepted' }] });

    const mandated = await enrollP1(system);
    await mandated.grant({
      ...to('justice', system.dev.organizations.OrgJ!), kind: 'criminalJustice', revocableFrom: '2027-01-01T00:00:00.000Z',
    });
    const legal = await mandated.refer('legal', 'OrgJ');
    expect(await nodeOf(as('justice'), legal.id)).toMatchObject({ id: legal.id });
    // A peer who is nobody's on the team, at an organization that receives nothing.
    const stranger = await system.newWorker('peer', OrgR!);
    expect(await see(stranger.client, story.id)).toBeNull();
  });

  it('is refused while another to the same service is open, and names it where it may be seen', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const [first, second] = [await draft(story), await draft(story)];
    await as('peer').mutate('sendReferral', { referralId: first });
    expect(await as('peer').refused('sendReferral', { referralId: second }))
      .toEqual({ code: 'DUPLICATE_OPEN_REFERRAL', referralId: first });
    // Another service of the same organization is another matter.
    const service = await draft(story, { serviceId: randomUUID() });
    await as('peer').mutate('sendReferral', { referralId: service });
    await as('housing').mutate('declineReferral', { referralId: first, reason: 'capacity' });
    await as('peer').mutate('sendReferral', { referralId: second });
  });

  it('is not refused for one that the sender was not told of: the target sees both, and declines one', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const own = await story.refer('housing', 'OrgH', {}, story.person);
    const referralId = await draft(story);
    await as('peer').mutate('sendReferral', { referralId });
    expect((await see(as('peer'), story.id))?.referrals).toEqual([{ id: referralId, state: 'requested' }]);
    await as('housing').mutate('declineReferral', { referralId, reason: 'duplicate' });
    expect(await story.person.refused('sendReferral', { referralId: await draft(story, {}, story.person) }))
      .toEqual({ code: 'DUPLICATE_OPEN_REFERRAL', referralId: own.id });
  });

  it('of two at once, one is open', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const drafts = [await draft(story), await draft(story), await draft(story)];
    const answers = await Promise.all(drafts.map((referralId) => as('peer').command('sendReferral', { referralId })));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(answers.flatMap(({ errors }) => errors ?? []).map(({ extensions }) => extensions.code))
      .toEqual(['DUPLICATE_OPEN_REFERRAL', 'DUPLICATE_OPEN_REFERRAL']);
  });
});

describe('A person who refers themself', () => {
  it('needs no team, and nobody tells a peer (20)', async () => {
    const id = randomUUID();
    const { OrgR, OrgH } = system.dev.organizations;
    const person = system.as(await system.token({ sub: `person-${id}`, role: 'person', participant_id: id, org_id: OrgR }));
    const enrolled = await person.mutate('enrollParticipant', { preferredName: 'Ray', language: 'es' });
    expect(enrolled.id).toBe(id);
    const signedAt = '2026-01-05T10:00:00.000Z';
    await person.mutate('grantConsent', {
      participantId: id, kind: 'named', discloser: OrgR, recipients: [{ orgId: OrgH }], segments: ['identity', 'housing'],
      purposes: ['COC'], formHash: aHash, formVersion: '1', signedAt, effectiveFrom: signedAt, expiry: { event: 'A home' },
      statements: ['rightToRevoke'],
      signature: { method: 'electronic', signer: id, capacity: 'self' },
    });
    const draft = await person.mutate('draftReferral', {
      participantId: id, needCategory: 'housing', targetOrganizationId: OrgH,
    });
    await person.mutate('sendReferral', { referralId: draft.id });
    expect(await see(as('housing'), id))
      .toMatchObject({ preferredName: 'Ray', referrals: [{ id: draft.id, state: 'requested' }] });

    const peer = await system.newWorker('peer', 'OrgR');
    await person.mutate('inviteTeamMember', {
      participantId: id, memberId: peer.memberId, role: 'peer', organizationId: OrgR,
    });
    await peer.client.mutate('joinCareTeam', { participantId: id });
    for (const viewer of [peer.client, as('supervisor')]) {
      const seen = (await see(viewer, id))!;
      expect(seen.referrals).toEqual([]);
      expect(seen.timeline.map(({ type }) => type).filter((type) => type.startsWith('Referral'))).toEqual([]);
      expect(await nodeOf(viewer, draft.id)).toBeNull();
    }
  });

  it('to the program itself, tells its supervision and none of its peers', async () => {
    const story = await enrollP1(system);
    const { OrgR } = system.dev.organizations;
    await story.grant({
      kind: 'named', recipients: [{ orgId: OrgR }], segments: ['identity', 'housing'], purposes: ['COC'],
      expiry: { event: 'A home' },
    });
    const { id } = await story.refer('housing', 'OrgR', {}, story.person);
    expect((await see(as('supervisor'), story.id))?.referrals).toEqual([{ id, state: 'requested' }]);
    const colleague = await system.newWorker('peer', 'OrgR');
    await story.join(colleague);
    for (const peer of [as('peer'), colleague.client]) {
      expect((await see(peer, story.id))!.referrals).toEqual([]);
      expect(await nodeOf(peer, id)).toBeNull();
      expect(await peer.refused('acceptReferral', { referralId: id })).toEqual({ code: 'NOT_FOUND' });
    }
    await as('supervisor').mutate('acceptReferral', { referralId: id });
  });

  it('may tell their peer', async () => {
    const story = await enrollP1(system);
    await story.grantHousing();
    const { id } = await story.refer('housing', 'OrgH', { tellPeer: true }, story.person);
    expect((await see(as('peer'), story.id))?.referrals).toEqual([{ id, state: 'requested' }]);
  });
});
