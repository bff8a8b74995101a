/** Words of the domain that every layer shares. FHIR v3 PurposeOfUse codes; roles and segments of the consent policy. */

export const segments = [
  'identity', 'team', 'goals', 'peer', 'sud', 'mh', 'health', 'housing', 'employment', 'education', 'justice', 'social',
  'safety', 'counseling',
] as const;
export type Segment = (typeof segments)[number];

export const roles = [
  'person', 'family', 'peer', 'supervisor', 'clinician', 'physician', 'housing', 'employer', 'educator', 'justice',
  'other', 'auditor', 'privacyOfficer', 'integrator',
] as const;
export type Role = (typeof roles)[number];

/** Roles that walk with the person as part of a care team's work, as opposed to kin, oversight and machines. */
export const workerRoles = [
  'peer', 'supervisor', 'clinician', 'physician', 'housing', 'employer', 'educator', 'justice', 'other',
] as const satisfies readonly Role[];

/** v3-PurposeOfUse. */
export const purposesOfUse = ['TREAT', 'HPAYMT', 'HOPERAT', 'COC', 'ETREAT', 'PATRQT', 'FAMRQT'] as const;
export type PurposeOfUse = (typeof purposesOfUse)[number];

/** Where peers meet people. */
export const settings = [
  'behavioralHealth', 'socialService', 'peerRecoveryCenter', 'communityHealthCenter', 'housingProgram', 'recoveryResidence',
  'hospital', 'emergencyDepartment', 'prison', 'jail', 'court', 'school', 'faithBased', 'communityOrganization',
  'peerRunOrganization', 'primaryCare', 'childWelfare', 'homelessShelter', 'veteranServices', 'home', 'virtual', 'other',
] as const;

export type Confidentiality = 'N' | 'R' | 'V';
