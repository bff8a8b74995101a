import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { workerRoles, type Caller, type CommandDefinition } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import {
  acceptReferral, closeUnconfirmedReferral, confirmReferral, declineReferral, deliverReferral, disputeReferral,
  draftReferral, failReferral, holdReferral,
  markReferralEnteredInError, referralCommands, referralStream, reopenReferral, sendReferral, startReferral, withdrawReferral,
  type ReferralsState, type SendReferralFacts,
} from './decider.js';
import type { ReferralEvent, ReferralFact } from './events.js';
import { openStates, referralStates, referralStatus, type ReferralState } from './life-cycle.js';

const idOf = (name: string) => derivedId('test', name, 0);
const participantId = idOf('P1');
const referralId = idOf('referral');
const consentId = idOf('C-H');
const orgR = idOf('OrgR');
const orgH = idOf('OrgH');
const peer: Caller = { memberId: idOf('PE1'), role: 'peer', orgId: orgR };
const colleague: Caller = { memberId: idOf('PE2'), role: 'peer', orgId: orgR };
const person: Caller = { memberId: idOf('person'), role: 'person', orgId: orgR, participantId };
const target: Caller = { memberId: idOf('HO1'), role: 'housing', orgId: orgH };

const about = { referralId, needCategory: 'housing' as const };
const draft = {
  participantId, targetOrganizationId: orgH, sharedFields: ['preferredName' as const, 'contact' as const], tellPeer: false,
};
const draftedBy = ({ memberId, role, orgId }: Caller, more: { referralId?: string; serviceId?: string } = {}) =>
  fact('ReferralDrafted', { ...about, ...draft, requestedBy: { memberId, role, orgId }, ...more }, peer);
const drafted = draftedBy(peer);
type Happening =
  'ReferralSent' | 'ReferralAccepted' | 'ReferralStarted' | 'ServiceDelivered' | 'LoopDisputed' | 'ReferralReopened';
const happened = (type: Happening, of = about): ReferralFact => (
  type === 'ReferralSent' ? fact(type, { ...of, consentRefs: [consentId] }, peer) : fact(type, of, target));
const sent = happened('ReferralSent');
const accepted = happened('ReferralAccepted');
const started = happened('ReferralStarted');
const delivered = happened('ServiceDelivered');
const disputed = happened('LoopDisputed');
const toDelivered = [drafted, sent, accepted, started, delivered];

const permitted: SendReferralFacts = { visible: true, consentIds: [consentId], sees: () => true };
const only = { referralId };

describe('Drafting a referral', () => {
  const input = { participantId, needCategory: 'housing', targetOrganizationId: orgH };
  const sound = { targetRegistered: true, visible: true };
  const drafting = (more: object = {}, as = peer, facts = sound) =>
    given(referralStream).when(draftReferral, { ...input, ...more }, { as, facts });

  it('shares nothing and tells no peer unless said so', () => {
    drafting({}, person).then({
      type: 'ReferralDrafted',
      data: {
        referralId: derivedId(person.memberId, 'command', 0), ...input, needCategory: 'housing', sharedFields: [],
        tellPeer: false, requestedBy: { memberId: person.memberId, role: 'person', orgId: orgR },
      },
    });
  });

  it('keeps what was chosen', () => {
    const more = { serviceId: idOf('beds'), sharedFields: ['livingSituation', 'reason'], reason: 'A place.', tellPeer: true };
    expect(drafting(more).events()[0]).toMatchObject({ data: more });
  });

  it('is for the person, peers, clinicians and physicians', () => {
    for (const role of ['person', 'peer', 'clinician', 'physician'] as const) drafting({}, { ...peer, role }).events();
    for (const role of ['supervisor', 'family', 'auditor'] as const) {
      drafting({}, { ...peer, role }).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('is not for those outside who received the person: they pass nobody on', () => {
    for (const role of ['housing', 'employer', 'educator', 'justice', 'other'] as const) {
      const as = { ...peer, role };
      drafting({}, as).thenRefused('NO_REDISCLOSURE');
      drafting({}, as, { targetRegistered: false, visible: true }).thenRefused('NO_REDISCLOSURE');
      drafting({}, as, { ...sound, visible: false }).thenRefused('FORBIDDEN_ROLE');
      drafting({ needCategory: 'money' }, as).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('is of a person whom the requester sees', () => {
    drafting({}, peer, { ...sound, visible: false }).thenRefused('NOT_FOUND');
  });

  it.each([
    ['participantId', undefined], ['needCategory', undefined], ['needCategory', 'money'], ['targetOrganizationId', undefined],
    ['serviceId', 'beds'], ['sharedFields', ['preferredName', 'diagnosis']], ['reason', ' '],
  ])('refuses %s %j', (field, value) => {
    drafting({ [field]: value }).thenRefused('VALIDATION', { fields: [field] });
  });

  it('needs a target in the directory', () => {
    drafting({}, peer, { ...sound, targetRegistered: false }).thenRefused('VALIDATION', { fields: ['targetOrganizationId'] });
  });

  it('may be done twice: a draft is not open', () => {
    given(referralStream, drafted).when(draftReferral, input, { as: peer, facts: sound }).events();
  });
});

describe('Sending a referral', () => {
  const sending = (facts: SendReferralFacts, as = peer, before: ReferralFact[] = [], mine = drafted) =>
    given(referralStream, ...before, mine).when(sendReferral, only, { as, facts });
  const earlier = idOf('earlier referral');
  const earlierIs = (...types: Happening[]) =>
    [draftedBy(peer, { referralId: earlier }), ...types.map((type) => happened(type, { ...about, referralId: earlier }))];

  it('names the consents it rests on', () => {
    sending(permitted).then({ type: 'ReferralSent', data: { ...about, consentRefs: [consentId] } });
  });

  it('is the requester\'s or the person\'s', () => {
    sending(permitted, person).events();
    sending(permitted, colleague).thenRefused('FORBIDDEN_ROLE');
    sending(permitted, target).thenRefused('FORBIDDEN_ROLE');
  });

  it('needs a consent in force that lets the target see it', () => {
    sending({ ...permitted, consentIds: [] }).thenRefused('CONSENT_REQUIRED');
  });

  it.each([
    [['ReferralSent']], [['ReferralSent', 'ReferralAccepted']], [['ReferralSent', 'ReferralAccepted', 'ReferralStarted']],
    [['ReferralSent', 'ReferralAccepted', 'ReferralStarted', 'ServiceDelivered']],
  ] as const)('is refused while another to the same service is open, after %j', (types) => {
    sending(permitted, peer, earlierIs(...types)).thenRefused('DUPLICATE_OPEN_REFERRAL', { referralId: earlier });
  });

  it('counts only those that the caller may see: to be refused for another would tell them', () => {
    const own = [draftedBy(person, { referralId: earlier }), happened('ReferralSent', { ...about, referralId: earlier })];
    const unseen = { ...permitted, sees: ({ untold }: { untold: boolean }) => !untold };
    sending(unseen, peer, own).then({ type: 'ReferralSent', data: { ...about, consentRefs: [consentId] } });
    // The person sees both, and sends no third.
    sending(permitted, person, own).thenRefused('DUPLICATE_OPEN_REFERRAL', { referralId: earlier });
  });

  it('says that it is a duplicate before it says that a consent is missing', () => {
    sending({ ...permitted, consentIds: [] }, peer, earlierIs('ReferralSent')).thenRefused('DUPLICATE_OPEN_REFERRAL');
  });

  it('is allowed beside a draft, beside one that has ended, and beside one to another service of the target', () => {
    sending(permitted, peer, earlierIs()).events();
    const ended = fact('ReferralWithdrawn', { ...about, referralId: earlier }, peer);
    sending(permitted, peer, [...earlierIs('ReferralSent'), ended]).events();
    sending(permitted, peer, earlierIs('ReferralSent'), draftedBy(peer, { serviceId: idOf('beds') })).events();
  });

  it('tells services apart by the service where one is named', () => {
    const beds = { serviceId: idOf('beds') };
    const open = [draftedBy(peer, { referralId: earlier, ...beds }), happened('ReferralSent', { ...about, referralId: earlier })];
    sending(permitted, peer, open, draftedBy(peer, beds)).thenRefused('DUPLICATE_OPEN_REFERRAL');
    sending(permitted, peer, open).events();
  });

  it('happens once', () => {
    given(referralStream, drafted, sent).when(sendReferral, only, { as: peer, facts: { ...permitted, consentIds: [] } })
      .thenRefused('INVALID_TRANSITION', { state: 'requested' });
  });
});

describe('What the target says', () => {
  const saying = (facts: ReferralFact[]) => given(referralStream, ...facts);

  it('may be said by any worker of the target, whatever their role', () => {
    for (const role of workerRoles) saying([drafted, sent]).when(acceptReferral, only, { as: { ...target, role } }).events();
  });

  it.each([acceptReferral, startReferral, deliverReferral, reopenReferral])('is not for others: $name', (command) => {
    saying(toDelivered).when(command, only, { as: peer }).thenRefused('FORBIDDEN_ROLE');
    for (const role of ['person', 'family', 'auditor', 'integrator', 'privacyOfficer'] as const) {
      saying(toDelivered).when(command, only, { as: { ...target, role } }).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('tells a stranger to the steps that they are the wrong party before it tells where the referral stands', () => {
    saying([drafted]).when(deliverReferral, only, { as: peer }).thenRefused('FORBIDDEN_ROLE');
  });

  it('may be that the referral is declined, and why', () => {
    const declining = (input: object) => saying([drafted, sent]).when(declineReferral, { ...only, ...input }, { as: target });
    for (const reason of ['capacity', 'ineligible', 'unableToContact', 'personDeclined', 'outOfArea', 'duplicate'] as const) {
      declining({ reason }).then({ type: 'ReferralDeclined', data: { ...about, reason } });
    }
    declining({ reason: 'other', text: 'Closed for repairs.' })
      .then({ type: 'ReferralDeclined', data: { ...about, reason: 'other', text: 'Closed for repairs.' } });
    declining({ reason: 'other' }).thenRefused('VALIDATION', { fields: ['text'] });
    declining({ reason: 'other', text: ' ' }).thenRefused('VALIDATION', { fields: ['text'] });
    declining({}).thenRefused('VALIDATION', { fields: ['reason'] });
    declining({ reason: 'waitlist' }).thenRefused('VALIDATION', { fields: ['reason'] });
  });

  it('may be that it is on hold, why, and until which day', () => {
    const holding = (input: object) =>
      saying([drafted, sent, accepted]).when(holdReferral, { ...only, reviewOn: '2026-02-01', ...input }, { as: target });
    for (const reason of ['waitlist', 'documents', 'personRequest'] as const) {
      holding({ reason }).then({ type: 'ReferralHeld', data: { ...about, reviewOn: '2026-02-01', reason } });
    }
    holding({ reason: 'other', text: 'Repairs.' }).events();
    holding({ reason: 'other' }).thenRefused('VALIDATION', { fields: ['text'] });
    holding({ reason: 'capacity' }).thenRefused('VALIDATION', { fields: ['reason'] });
    holding({ reason: 'waitlist', reviewOn: undefined }).thenRefused('VALIDATION', { fields: ['reviewOn'] });
    holding({ reason: 'waitlist', reviewOn: '2026-02-30' }).thenRefused('VALIDATION', { fields: ['reviewOn'] });
  });

  it('may be that it failed, in words', () => {
    const failing = (text?: string) => saying([drafted, sent, accepted]).when(failReferral, { ...only, text }, { as: target });
    failing('The lease fell through.').then({ type: 'ReferralFailed', data: { ...about, text: 'The lease fell through.' } });
    failing().thenRefused('VALIDATION', { fields: ['text'] });
  });

  it('can be that it is under way again only after the person disputed this delivery', () => {
    saying(toDelivered).when(reopenReferral, only, { as: target }).thenRefused('INVALID_TRANSITION', { state: 'delivered' });
    saying([...toDelivered, disputed]).when(reopenReferral, only, { as: target }).then({ type: 'ReferralReopened', data: about });
    saying([...toDelivered, disputed, happened('ReferralReopened'), delivered]).when(reopenReferral, only, { as: target })
      .thenRefused('INVALID_TRANSITION', { state: 'delivered' });
  });
});

describe('What the person says', () => {
  it.each(['yes', 'partly', 'no'] as const)('closes the loop: got help, %s', (gotHelp) => {
    given(referralStream, ...toDelivered).when(confirmReferral, { ...only, gotHelp }, { as: person })
      .then({ type: 'LoopConfirmed', data: { ...about, gotHelp } });
  });

  it('is one of three answers', () => {
    for (const gotHelp of [undefined, 'maybe']) {
      given(referralStream, ...toDelivered).when(confirmReferral, { ...only, gotHelp }, { as: person })
        .thenRefused('VALIDATION', { fields: ['gotHelp'] });
    }
  });

  it('may be that it was not delivered, with words or without', () => {
    const disputing = (input: object) =>
      given(referralStream, ...toDelivered).when(disputeReferral, { ...only, ...input }, { as: person });
    disputing({}).then({ type: 'LoopDisputed', data: about });
    disputing({ text: 'Nobody called.' }).then({ type: 'LoopDisputed', data: { ...about, text: 'Nobody called.' } });
  });

  it('may change from a dispute to a confirmation, and the dispute stays on record', () => {
    const confirmed = fact('LoopConfirmed', { ...about, gotHelp: 'yes' as const }, person);
    const { state } = given(referralStream, ...toDelivered, disputed, confirmed);
    expect(state.get(referralId)).toMatchObject({ state: 'closed', disputed: true });
  });

  it('is said by nobody else', () => {
    for (const as of [peer, target]) {
      const said = given(referralStream, ...toDelivered);
      said.when(confirmReferral, { ...only, gotHelp: 'yes' }, { as }).thenRefused('FORBIDDEN_ROLE');
      said.when(disputeReferral, only, { as }).thenRefused('FORBIDDEN_ROLE');
    }
  });
});

describe('What was delivered and never confirmed', () => {
  const inTime = '2026-01-31T08:59:59.999Z';
  const afterDays = '2026-01-31T09:00:00.000Z';
  const closing = (as: Caller, now = afterDays, facts: ReferralFact[] = toDelivered, visible = true) =>
    given(referralStream, ...facts).when(closeUnconfirmedReferral, only, { as, now, facts: { visible } });

  it('is closed as unconfirmed by the target or the requester, thirty days after it was delivered', () => {
    for (const as of [target, peer]) closing(as).then({ type: 'LoopClosedUnconfirmed', data: about });
    closing(person, afterDays, [draftedBy(person), ...toDelivered.slice(1)]).events();
    closing(peer, inTime).thenRefused('INVALID_TRANSITION', { state: 'delivered' });
  });

  it('is closed by nobody else, and by no requester who does not see the person any more', () => {
    for (const as of [person, colleague]) closing(as).thenRefused('FORBIDDEN_ROLE');
    closing(peer, afterDays, toDelivered, false).thenRefused('NOT_FOUND');
    closing(target, afterDays, toDelivered, false).events();
  });

  it('waits anew for what is delivered anew', () => {
    const again = fact('ServiceDelivered', about, target, '2026-01-20T09:00:00.000Z');
    const facts = [...toDelivered, disputed, happened('ReferralReopened'), again];
    closing(target, afterDays, facts).thenRefused('INVALID_TRANSITION', { state: 'delivered' });
    closing(target, '2026-02-19T09:00:00.000Z', facts).events();
  });

  it('stands in no one\'s way then', () => {
    const closed = fact('LoopClosedUnconfirmed', about, target);
    const next = { ...about, referralId: idOf('next') };
    given(referralStream, ...toDelivered, closed, draftedBy(peer, next))
      .when(sendReferral, { referralId: next.referralId }, { as: peer, facts: permitted }).events();
  });
});

describe('Taking a referral back', () => {
  const because = { ...only, reason: 'Found a place with family.' };

  it('is the requester\'s or the person\'s, with a reason', () => {
    const withdrawing = (as: Caller, input: object = because, visible = as !== person) =>
      given(referralStream, drafted, sent).when(withdrawReferral, input, { as, facts: { visible } });
    for (const as of [peer, person]) {
      withdrawing(as).then({ type: 'ReferralWithdrawn', data: { ...about, reason: because.reason } });
    }
    for (const as of [colleague, target]) withdrawing(as).thenRefused('FORBIDDEN_ROLE');
    withdrawing(peer, only).thenRefused('VALIDATION', { fields: ['reason'] });
    // Who no longer sees the person no longer acts for them.
    withdrawing(peer, because, false).thenRefused('NOT_FOUND');
  });

  it('as entered in error is the requester\'s alone, with a reason', () => {
    const marking = (as: Caller, input: object = because, requester = peer) =>
      given(referralStream, draftedBy(requester), sent).when(markReferralEnteredInError, input, { as, facts: permitted });
    marking(peer).then({ type: 'ReferralEnteredInError', data: { ...about, reason: because.reason } });
    marking(person).thenRefused('FORBIDDEN_ROLE');
    marking(person, because, person).events();
    marking(peer, only).thenRefused('VALIDATION', { fields: ['reason'] });
  });
});

/** The table of the closed loop, command by command: who takes the step, from where, and where it leads. */
interface Row {
  command: CommandDefinition<never, ReferralsState, ReferralEvent, never>;
  as: Caller;
  from: readonly ReferralState[];
  to: ReferralState;
  input: object;
}
const row = <Input, Facts>(
  command: CommandDefinition<Input, ReferralsState, ReferralEvent, Facts>, as: Caller,
  from: readonly ReferralState[], to: ReferralState, more: object = {},
): Row => ({ command: command as unknown as Row['command'], as, from, to, input: { ...only, ...more } });

const table: Row[] = [
  row(sendReferral, peer, ['draft'], 'requested'),
  row(acceptReferral, target, ['requested'], 'accepted'),
  row(declineReferral, target, ['requested'], 'declined', { reason: 'capacity' }),
  row(holdReferral, target, ['accepted', 'inProgress'], 'onHold', { reason: 'waitlist', reviewOn: '2026-02-01' }),
  row(startReferral, target, ['accepted', 'onHold'], 'inProgress'),
  row(deliverReferral, target, ['inProgress'], 'delivered'),
  row(disputeReferral, person, ['delivered'], 'delivered'),
  row(reopenReferral, target, ['delivered'], 'inProgress'),
  row(confirmReferral, person, ['delivered'], 'closed', { gotHelp: 'yes' }),
  row(closeUnconfirmedReferral, target, ['delivered'], 'unconfirmed'),
  row(failReferral, target, ['accepted', 'onHold', 'inProgress'], 'failed', { text: 'No lease.' }),
  row(withdrawReferral, person, ['draft', 'requested', 'accepted', 'onHold', 'inProgress'], 'withdrawn', { reason: 'Moved.' }),
  row(markReferralEnteredInError, peer, referralStates.filter((state) => state !== 'enteredInError'), 'enteredInError',
    { reason: 'Wrong form.' }),
];

/** The shortest way from a draft to each state, by the table. */
const wayTo = new Map<ReferralState, Row[]>([['draft', []]]);
for (const [state, way] of wayTo) {
  for (const next of table) if (next.from.includes(state) && !wayTo.has(next.to)) wayTo.set(next.to, [...way, next]);
}

/** A referral that is walked through its loop, beside what the table says of where it should stand. */
class Walk {
  readonly facts: ReferralFact[] = [drafted];
  state: ReferralState = 'draft';
  disputed = false;

  allows({ command, from }: Row): boolean {
    return from.includes(this.state) && (command.name !== 'reopenReferral' || this.disputed);
  }

  asking({ command, input, as }: Row) {
    // Long after everything.
    const now = '2026-06-01T12:00:00.000Z';
    return given(referralStream, ...this.facts).when(command, input, { as, now, facts: permitted as never });
  }

  take(chosen: Row): void {
    this.facts.push(...this.asking(chosen).events().map(({ type, data }) => fact(type, data, chosen.as) as ReferralFact));
    this.state = chosen.to;
    if (chosen.command.name === 'disputeReferral') this.disputed = true;
    if (chosen.command.name === 'deliverReferral') this.disputed = false;
  }

  /** Exactly the steps of the table can be taken from here. */
  check(): void {
    const { state, disputed: isDisputed } = this;
    expect(given(referralStream, ...this.facts).state.get(referralId)).toMatchObject({ state, disputed: isDisputed });
    for (const one of table) {
      if (this.allows(one)) expect(this.asking(one).events()).toHaveLength(1);
      else this.asking(one).thenRefused('INVALID_TRANSITION', { state: this.state });
    }
  }
}

describe('The closed loop', () => {
  it('has a row for every command on a referral that exists', () => {
    expect(['draftReferral', ...table.map(({ command }) => command.name)].sort())
      .toEqual(referralCommands.map(({ name }) => name).sort());
  });

  it.each(referralStates)('allows from %s exactly the steps of the table', (state) => {
    const walk = new Walk();
    for (const next of wayTo.get(state)!) walk.take(next);
    expect(walk.state).toBe(state);
    walk.check();
  });

  it('allows exactly the steps of the table, however long the way was', () => {
    fc.assert(fc.property(
      fc.constantFrom(...referralStates), fc.array(fc.constantFrom(...table), { maxLength: 20 }),
      (start, wished) => {
        const walk = new Walk();
        for (const next of wayTo.get(start)!) walk.take(next);
        for (const next of wished.filter(({ to }) => openStates.includes(to))) if (walk.allows(next)) walk.take(next);
        walk.check();
        for (const next of wished) if (walk.allows(next)) walk.take(next);
        walk.check();
      },
    ));
  });

  it('speaks FHIR', () => {
    const spoken = referralStates.map((state) => [state, ...Object.values(referralStatus[state])]);
    expect(spoken).toEqual([
      ['draft', 'draft', 'draft'], ['requested', 'requested', 'active'], ['accepted', 'accepted', 'active'],
      ['declined', 'rejected', 'revoked'], ['onHold', 'on-hold', 'active'], ['inProgress', 'in-progress', 'active'],
      ['delivered', 'completed', 'active'], ['closed', 'completed', 'completed'], ['unconfirmed', 'completed', 'completed'],
      ['failed', 'failed', 'revoked'],
      ['withdrawn', 'cancelled', 'revoked'], ['enteredInError', 'entered-in-error', 'entered-in-error'],
    ]);
  });

  it('knows no referral that was never drafted', () => {
    for (const { command, input, as } of table) {
      given(referralStream).when(command, input, { as, facts: permitted as never }).thenRefused('NOT_FOUND');
    }
  });

  it('folds whatever lies in the stream, drafted or not', () => {
    expect(given(referralStream, sent, delivered).state.size).toBe(0);
    expect([drafted, sent, disputed].map((one) => referralStream.entityOf(one))).toEqual([referralId, referralId, referralId]);
  });
});
