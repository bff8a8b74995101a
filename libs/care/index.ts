import type { Capability } from './capability.js';
import { careTeam } from './care-team/index.js';
import { clinicianNote } from './clinician-note/index.js';
import { consent } from './consent/index.js';
import { organization } from './organization/index.js';
import { outcome } from './outcome/index.js';
import { participant } from './participant/index.js';
import { peerContact } from './peer-contact/index.js';
import { referral } from './referral/index.js';
import { timeline } from './timeline/index.js';

export type { Capability } from './capability.js';
export { registerOrganizationBinding } from './organization/index.js';

/** Everything the product can do. Projections run in this order: the participant's makes the person that others add to. */
export const capabilities: readonly Capability[] = [
  organization, participant, careTeam, consent, peerContact, clinicianNote, referral, outcome, timeline,
];
