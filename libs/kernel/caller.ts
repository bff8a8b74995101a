import type { PurposeOfUse, Role } from './vocabulary.js';

/** Who asks, as the verified token says. One token, one role. */
export interface Caller {
  memberId: string;
  role: Role;
  orgId: string;
  /** The person's own participant id, or for family that of their kin. */
  participantId?: string;
  /** Display name from the token; never stored in the clear. */
  name?: string;
}

/** The purpose of use that a role acts for by default (v3-PurposeOfUse). */
export function purposeOf(role: Role): PurposeOfUse {
  switch (role) {
    case 'person': return 'PATRQT';
    case 'family': return 'FAMRQT';
    case 'clinician': case 'physician': return 'TREAT';
    case 'auditor': case 'privacyOfficer': case 'supervisor': return 'HOPERAT';
    case 'peer': case 'housing': case 'employer': case 'educator': case 'justice': case 'other': case 'integrator': return 'COC';
  }
}
