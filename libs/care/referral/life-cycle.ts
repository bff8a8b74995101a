import type { ReferralEvent } from './events.js';

export const referralStates = [
  'draft', 'requested', 'accepted', 'declined', 'onHold', 'inProgress', 'delivered', 'closed', 'unconfirmed', 'failed',
  'withdrawn', 'enteredInError',
] as const;
export type ReferralState = (typeof referralStates)[number];

/** FHIR R4 status of the Task and of the ServiceRequest (the Gravity SDOH Clinical Care guide's set). */
export const referralStatus: Readonly<Record<ReferralState, { taskStatus: string; serviceRequestStatus: string }>> = {
  draft: { taskStatus: 'draft', serviceRequestStatus: 'draft' },
  requested: { taskStatus: 'requested', serviceRequestStatus: 'active' },
  accepted: { taskStatus: 'accepted', serviceRequestStatus: 'active' },
  declined: { taskStatus: 'rejected', serviceRequestStatus: 'revoked' },
  onHold: { taskStatus: 'on-hold', serviceRequestStatus: 'active' },
  inProgress: { taskStatus: 'in-progress', serviceRequestStatus: 'active' },
  delivered: { taskStatus: 'completed', serviceRequestStatus: 'active' },
  closed: { taskStatus: 'completed', serviceRequestStatus: 'completed' },
  /** Delivered, and the person never said whether it helped: at an end, and not counted successful. */
  unconfirmed: { taskStatus: 'completed', serviceRequestStatus: 'completed' },
  failed: { taskStatus: 'failed', serviceRequestStatus: 'revoked' },
  withdrawn: { taskStatus: 'cancelled', serviceRequestStatus: 'revoked' },
  enteredInError: { taskStatus: 'entered-in-error', serviceRequestStatus: 'entered-in-error' },
};

/** Sent and not yet at an end: of these a person has at most one per service. */
export const openStates: readonly ReferralState[] = ['requested', 'accepted', 'onHold', 'inProgress', 'delivered'];

/** The closed loop: from which states each step is allowed, and to which it leads. */
export const lifeCycle: Readonly<Record<ReferralEvent['type'], { from: readonly ReferralState[]; to: ReferralState }>> = {
  ReferralDrafted: { from: [], to: 'draft' },
  ReferralSent: { from: ['draft'], to: 'requested' },
  ReferralAccepted: { from: ['requested'], to: 'accepted' },
  ReferralDeclined: { from: ['requested'], to: 'declined' },
  ReferralHeld: { from: ['accepted', 'inProgress'], to: 'onHold' },
  ReferralStarted: { from: ['accepted', 'onHold'], to: 'inProgress' },
  ServiceDelivered: { from: ['inProgress'], to: 'delivered' },
  LoopConfirmed: { from: ['delivered'], to: 'closed' },
  LoopClosedUnconfirmed: { from: ['delivered'], to: 'unconfirmed' },
  LoopDisputed: { from: ['delivered'], to: 'delivered' },
  /** Only after the person disputed the delivery. */
  ReferralReopened: { from: ['delivered'], to: 'inProgress' },
  ReferralFailed: { from: ['accepted', 'onHold', 'inProgress'], to: 'failed' },
  ReferralWithdrawn: { from: ['draft', 'requested', 'accepted', 'onHold', 'inProgress'], to: 'withdrawn' },
  ReferralEnteredInError: { from: referralStates.filter((state) => state !== 'enteredInError'), to: 'enteredInError' },
};

/** How long a person has to say whether they got help, before what was delivered may be closed without it. A policy's. */
export const confirmationDays = 30;

/** Where a referral stands. */
export interface Standing {
  state: ReferralState;
  /** The person says that the last delivery was none: it is not counted successful, and can be reopened. */
  disputed: boolean;
}

export const mayTake = (step: ReferralEvent['type'], { state, disputed }: Standing): boolean =>
  lifeCycle[step].from.includes(state) && (step !== 'ReferralReopened' || disputed);

/** Where a step leads. A dispute is about one delivery: it lasts until the next. */
export function standingAfter(step: ReferralEvent['type'], disputedBefore: boolean): Standing {
  const disputed = step === 'LoopDisputed' || (disputedBefore && step !== 'ServiceDelivered');
  return { state: lifeCycle[step].to, disputed };
}
