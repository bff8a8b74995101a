import { z } from 'zod';
import {
  day, DomainError, forbidden, id, invalid, invalidTransition, longText, notFound, workerRoles,
  type Caller, type Command, type CommandDefinition, type Role, type StreamDefinition,
} from '@peerbridge/kernel';
import {
  declineReasons, helpAnswers, holdReasons, isUntold, needCategories, referralEvents, sharedFields,
  type NeedCategory, type ReferralEvent, type ReferralFact,
} from './events.js';
import { confirmationDays, mayTake, openStates, standingAfter, type Standing } from './life-cycle.js';

/** What the rules need of one referral. */
export interface Referral extends Standing {
  referralId: string;
  needCategory: NeedCategory;
  targetOrganizationId: string;
  serviceId?: string;
  requester: { memberId: string; role: Role; orgId: string };
  /** The person referred themself and keeps it from their peer. */
  untold: boolean;
  /** When the last delivery was recorded, and the person could learn of it. */
  deliveredAt?: string;
}

/** All referrals of one person, by id: what may be open only once must be seen together. */
export type ReferralsState = Map<string, Referral>;

export const referralStream: StreamDefinition<ReferralsState, ReferralFact> = {
  category: 'referral',
  keyedBy: 'participant',
  events: referralEvents,
  initialState: () => new Map(),
  evolve(state, fact) {
    const { referralId } = fact.data;
    const standing = standingAfter(fact.type, state.get(referralId)?.disputed ?? false);
    if (fact.type === 'ReferralDrafted') {
      const { needCategory, targetOrganizationId, serviceId, requestedBy: requester } = fact.data;
      const untold = isUntold(fact.data);
      return state.set(referralId, {
        referralId, needCategory, targetOrganizationId, serviceId, requester, untold, ...standing,
      });
    }
    const referral = state.get(referralId);
    if (!referral) return state;
    const delivery = fact.type === 'ServiceDelivered' && { deliveredAt: fact.recordedAt };
    return state.set(referralId, { ...referral, ...standing, ...delivery });
  },
  entityOf: (fact) => fact.data.referralId,
};

const requesterRoles = ['person', 'peer', 'clinician', 'physician'] as const satisfies readonly Role[];

/** Who receives referrals, and forwards nothing of what they received (42 CFR 2.32, 2.33). */
const receiverRoles = ['housing', 'employer', 'educator', 'justice', 'other'] as const satisfies readonly Role[];

const requests = ({ role }: Caller): boolean => (requesterRoles as readonly Role[]).includes(role);

/** Who asks for something acts for a person whom they see. */
export interface RequesterFacts {
  visible: boolean;
}

export interface DraftReferralFacts extends RequesterFacts {
  /** The target is an organization of the directory. */
  targetRegistered: boolean;
}

const draftInput = z.object({
  participantId: id,
  needCategory: z.enum(needCategories),
  targetOrganizationId: id,
  serviceId: id.optional(),
  sharedFields: z.array(z.enum(sharedFields)).default([]),
  reason: longText.optional(),
  tellPeer: z.boolean().default(false),
});

/**
 * A person may refer themself; nothing leaves before it is sent.
 * @throws DomainError NO_REDISCLOSURE where somebody outside passes on a person whom they see by a consent
 */
export const draftReferral: CommandDefinition<z.infer<typeof draftInput>, ReferralsState, ReferralEvent, DraftReferralFacts> = {
  name: 'draftReferral',
  roles: requesterRoles,
  refusedLater: receiverRoles,
  input: draftInput,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId, unseen: true }),
  admit({ caller, facts }) {
    if (facts.visible) return;
    throw requests(caller) ? notFound('participant') : forbidden(`draftReferral is not for ${caller.role}.`);
  },
  decide({ input, caller, newId, facts }) {
    if (!requests(caller)) throw new DomainError('NO_REDISCLOSURE', 'What was received is not passed on.');
    if (!facts.targetRegistered) throw invalid('No such organization.', 'targetOrganizationId');
    const { memberId, role, orgId } = caller;
    return [{ type: 'ReferralDrafted', data: { referralId: newId(), ...input, requestedBy: { memberId, role, orgId } } }];
  },
};

/** Who may take a step, of those whose role allows it. The person's own referrals are all that a person can see. */
const parties = {
  target: (referral: Referral, caller: Caller) => caller.orgId === referral.targetOrganizationId,
  person: (_referral: Referral, caller: Caller) => caller.role === 'person',
  requester: (referral: Referral, caller: Caller) => caller.memberId === referral.requester.memberId,
  requesterOrPerson: (referral: Referral, caller: Caller) =>
    parties.requester(referral, caller) || parties.person(referral, caller),
  targetOrRequester: (referral: Referral, caller: Caller) =>
    parties.target(referral, caller) || parties.requester(referral, caller),
};

/** Whether they take a step as those who asked: a worker does that for a person whom they still see. */
const asks = (party: keyof typeof parties, referral: Referral, caller: Caller): boolean =>
  caller.role !== 'person' && party !== 'target' && !(party === 'targetOrRequester' && parties.target(referral, caller));

interface Step<Input extends { referralId: string }, Facts extends RequesterFacts | undefined> {
  name: string;
  roles: readonly Role[];
  party: keyof typeof parties;
  input: z.ZodType<Input>;
  event(about: Pick<Referral, 'referralId' | 'needCategory'>, input: Input, facts: Facts): ReferralEvent;
  /** What else must hold, once the life cycle allows the step. @throws DomainError */
  check?(command: Command<Input, Facts>, referral: Referral, state: ReferralsState): void;
}

/** A command on a referral that exists: a party to it takes one step of its life cycle. */
function step<Input extends { referralId: string }, Facts extends RequesterFacts | undefined = undefined>(
  { name, roles, party, input, event, check }: Step<Input, Facts>,
): CommandDefinition<Input, ReferralsState, ReferralEvent, Facts> {
  const find = (state: ReferralsState, referralId: string): Referral => {
    const referral = state.get(referralId);
    if (!referral) throw notFound('referral');
    return referral;
  };
  return {
    name,
    roles,
    input,
    subject: ({ referralId }) => ({ kind: 'item', type: 'referral', id: referralId }),
    entity: ({ referralId }) => referralId,
    authorize(command, state) {
      const { input: { referralId }, caller, facts } = command;
      const referral = find(state, referralId);
      if (!parties[party](referral, caller)) throw forbidden('Another party to this referral takes this step.');
      if (asks(party, referral, caller) && !facts?.visible) throw notFound('referral');
    },
    decide(command, state) {
      const referral = find(state, command.input.referralId);
      const { referralId, needCategory } = referral;
      const next = event({ referralId, needCategory }, command.input, command.facts);
      if (!mayTake(next.type, referral)) {
        throw invalidTransition('The referral does not stand where this step starts.', referral.state);
      }
      check?.(command, referral, state);
      return [next];
    },
  };
}

export interface SendReferralFacts extends RequesterFacts {
  /** The consents in force that let the target see the referral. */
  consentIds: readonly string[];
  /** Whether the caller may see another referral of this person, that was sent, and so be told of it. */
  sees(referral: Referral): boolean;
}

const onlyReferral = z.object({ referralId: id });

export const sendReferral = step<z.infer<typeof onlyReferral>, SendReferralFacts>({
  name: 'sendReferral',
  roles: requesterRoles,
  party: 'requesterOrPerson',
  input: onlyReferral,
  event: (about, _input, facts) => ({ type: 'ReferralSent', data: { ...about, consentRefs: [...facts.consentIds] } }),
  check({ facts }, referral, state) {
    // One that is kept from the caller does not count: to refuse theirs would tell them. The target sees both, and declines
    // one as a duplicate; the person, who sees all, is refused a further one until no other is open.
    const duplicate = [...state.values()].find((other) =>
      openStates.includes(other.state) && isForSameService(other, referral) && facts.sees(other));
    if (duplicate) {
      const { referralId } = duplicate;
      throw new DomainError('DUPLICATE_OPEN_REFERRAL', 'The person has an open referral to this service.', { referralId });
    }
    if (facts.consentIds.length === 0) {
      throw new DomainError('CONSENT_REQUIRED', 'No consent in force lets the target see this referral.');
    }
  },
});

/** Where no service of the target is named, its need stands for it. */
const isForSameService = (one: Referral, other: Referral): boolean =>
  one.targetOrganizationId === other.targetOrganizationId
  && (one.serviceId ?? one.needCategory) === (other.serviceId ?? other.needCategory);

export const acceptReferral = step({
  name: 'acceptReferral',
  roles: workerRoles,
  party: 'target',
  input: onlyReferral,
  event: (about) => ({ type: 'ReferralAccepted', data: about }),
});

/** `other` alone says nothing. */
const saysWhich = (input: { reason: string; text?: string }): boolean => input.reason !== 'other' || input.text !== undefined;
const withText = { path: ['text'], message: 'Say which other reason.' };

export const declineReferral = step({
  name: 'declineReferral',
  roles: workerRoles,
  party: 'target',
  input: z.object({ referralId: id, reason: z.enum(declineReasons), text: longText.optional() }).refine(saysWhich, withText),
  event: (about, input) => ({ type: 'ReferralDeclined', data: { ...about, ...input } }),
});

export const holdReferral = step({
  name: 'holdReferral',
  roles: workerRoles,
  party: 'target',
  input: z.object({ referralId: id, reason: z.enum(holdReasons), text: longText.optional(), reviewOn: day })
    .refine(saysWhich, withText),
  event: (about, input) => ({ type: 'ReferralHeld', data: { ...about, ...input } }),
});

export const startReferral = step({
  name: 'startReferral',
  roles: workerRoles,
  party: 'target',
  input: onlyReferral,
  event: (about) => ({ type: 'ReferralStarted', data: about }),
});

export const deliverReferral = step({
  name: 'deliverReferral',
  roles: workerRoles,
  party: 'target',
  input: onlyReferral,
  event: (about) => ({ type: 'ServiceDelivered', data: about }),
});

export const reopenReferral = step({
  name: 'reopenReferral',
  roles: workerRoles,
  party: 'target',
  input: onlyReferral,
  event: (about) => ({ type: 'ReferralReopened', data: about }),
});

export const failReferral = step({
  name: 'failReferral',
  roles: workerRoles,
  party: 'target',
  input: z.object({ referralId: id, text: longText }),
  event: (about, input) => ({ type: 'ReferralFailed', data: { ...about, ...input } }),
});

export const confirmReferral = step({
  name: 'confirmReferral',
  roles: ['person'],
  party: 'person',
  input: z.object({ referralId: id, gotHelp: z.enum(helpAnswers) }),
  event: (about, input) => ({ type: 'LoopConfirmed', data: { ...about, ...input } }),
});

const DAY_MS = 24 * 3_600_000;

/**
 * What was delivered and never confirmed comes to an end, or it would stand in the way of that service for good. It is not
 * counted successful.
 * @throws DomainError INVALID_TRANSITION `delivered` until the person has had `confirmationDays` to answer
 */
export const closeUnconfirmedReferral = step<z.infer<typeof onlyReferral>, RequesterFacts>({
  name: 'closeUnconfirmedReferral',
  roles: [...workerRoles, 'person'],
  party: 'targetOrRequester',
  input: onlyReferral,
  event: (about) => ({ type: 'LoopClosedUnconfirmed', data: about }),
  check({ now }, { state, deliveredAt }) {
    const waited = Date.parse(now) - Date.parse(deliveredAt ?? now);
    if (waited < confirmationDays * DAY_MS) {
      throw invalidTransition(`The person has ${confirmationDays} days to confirm what was delivered.`, state);
    }
  },
});

export const disputeReferral = step({
  name: 'disputeReferral',
  roles: ['person'],
  party: 'person',
  input: z.object({ referralId: id, text: longText.optional() }),
  event: (about, input) => ({ type: 'LoopDisputed', data: { ...about, ...input } }),
});

const withReason = z.object({ referralId: id, reason: longText });

export const withdrawReferral = step<z.infer<typeof withReason>, RequesterFacts>({
  name: 'withdrawReferral',
  roles: requesterRoles,
  party: 'requesterOrPerson',
  input: withReason,
  event: (about, input) => ({ type: 'ReferralWithdrawn', data: { ...about, ...input } }),
});

export const markReferralEnteredInError = step<z.infer<typeof withReason>, RequesterFacts>({
  name: 'markReferralEnteredInError',
  roles: requesterRoles,
  party: 'requester',
  input: withReason,
  event: (about, input) => ({ type: 'ReferralEnteredInError', data: { ...about, ...input } }),
});

export const referralCommands = [
  draftReferral, sendReferral, acceptReferral, declineReferral, holdReferral, startReferral, deliverReferral, reopenReferral,
  failReferral, confirmReferral, closeUnconfirmedReferral, disputeReferral, withdrawReferral, markReferralEnteredInError,
];
