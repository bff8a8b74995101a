import { purposesOfUse, segments, workerRoles, type PurposeOfUse, type Role, type Segment } from '@peerbridge/kernel';
import type { Circle, ConsentKind } from './facts.js';

/** Names these tables in answers about the past. Change it with any change of what follows. */
export const policyVersion = '2026-11-30.1';

type Segments = ReadonlySet<Segment>;
const only = (...some: Segment[]): Segments => new Set(some);
const union = (a: Segments, b: Segments): Segments => new Set([...a, ...b]);

const nothing = only();
const everything = only(...segments);
/** Counseling notes need a consent of their own (42 CFR 2.31(b)). */
const allButCounseling = only(...segments.filter((segment) => segment !== 'counseling'));
const peerWork = only('identity', 'team', 'goals', 'peer', 'housing', 'employment', 'education', 'justice', 'social', 'safety');
const clinical = only('sud', 'mh', 'health');

/** The most that any consent can ever open to a role. The person needs none: what is theirs is open, another's never. */
export const ceilings: Readonly<Record<Role, Segments>> = {
  person: nothing,
  family: only('team', 'goals', 'social', 'sud', 'mh'),
  peer: union(peerWork, clinical),
  supervisor: peerWork,
  clinician: everything,
  physician: everything,
  housing: only('identity', 'housing'),
  employer: only('employment'),
  educator: only('education'),
  justice: only('justice'),
  other: allButCounseling,
  // Oversight and machines come with a mandate or a subscription, never with a role alone (42 CFR 2.53).
  auditor: nothing,
  privacyOfficer: nothing,
  integrator: nothing,
};

/**
 * Communication inside the program, for those who need to know: the assigned, and the program's supervisors
 * (42 CFR 2.12(c)(3)). It never leaves the organization that wrote the item.
 */
export const insideProgram: Readonly<Partial<Record<Role, Segments>>> = {
  peer: peerWork,
  supervisor: peerWork,
  clinician: allButCounseling,
  physician: allButCounseling,
};

export type ConsentBasis = 'tpo' | 'named' | 'family' | 'criminalJustice';

/** What a consent of each kind can open to whom, of the segments it lists. A role that is not there gets nothing. */
export const openings: Readonly<Record<ConsentKind, { basis: ConsentBasis; to: Readonly<Partial<Record<Role, Segments>>> }>> = {
  // One consent for treatment, payment and operations (42 CFR 2.31(a)(4)(i)): never for employers, educators, housing, family.
  tpo: { basis: 'tpo', to: { clinician: allButCounseling, physician: allButCounseling, peer: clinical } },
  // Recipients by name (42 CFR 2.31(a)(4)(ii)).
  named: {
    basis: 'named',
    to: {
      clinician: allButCounseling, physician: allButCounseling, peer: ceilings.peer, housing: ceilings.housing,
      employer: ceilings.employer, educator: ceilings.educator, other: ceilings.other,
    },
  },
  // 42 CFR 2.31(b): on its own, for nothing else.
  counselingNotes: { basis: 'named', to: { clinician: only('counseling'), physician: only('counseling') } },
  // 42 CFR 2.31(d): for a proceeding; it opens nothing in the shared view.
  legalProceeding: { basis: 'named', to: {} },
  // 42 CFR 2.35: the officials who monitor a mandated person.
  criminalJustice: { basis: 'criminalJustice', to: { justice: ceilings.justice } },
  family: { basis: 'family', to: { family: ceilings.family } },
};

/** A consent reaches a role only for a purpose that the role acts for (42 CFR 2.13(a), 2.31(a)(5)). */
export const purposesOf: Readonly<Record<Role, readonly PurposeOfUse[]>> = {
  person: [],
  family: ['FAMRQT'],
  peer: ['TREAT', 'COC'],
  supervisor: [],
  clinician: ['TREAT', 'COC'],
  physician: ['TREAT', 'COC'],
  housing: ['COC'],
  employer: ['COC'],
  educator: ['COC'],
  justice: purposesOfUse,
  other: ['COC', 'PATRQT'],
  auditor: [],
  privacyOfficer: [],
  integrator: [],
};

/** Those whom "my treating providers" means, once they have joined the team (42 CFR 2.11, treating provider relationship). */
export const treatingRoles: ReadonlySet<Role> = new Set(['clinician', 'physician']);

/** Those who write records of their own organization and always read back what they wrote. */
export const recordKeepers: ReadonlySet<Role> = new Set<Role>([...workerRoles, 'family']);

/** Those who work or oversee for an organization, among whom there are colleagues; kin and persons are nobody's. */
export const staffRoles: ReadonlySet<Role> = new Set<Role>([...workerRoles, 'auditor', 'privacyOfficer']);

/** The circle a role belongs to; `parties` goes by organization instead. */
export const circleOf: Readonly<Record<Role, Circle | null>> = {
  person: null,
  family: 'kin',
  peer: 'peers',
  supervisor: 'supervision',
  clinician: 'treating',
  physician: 'treating',
  housing: 'outside',
  employer: 'outside',
  educator: 'outside',
  justice: 'outside',
  other: 'outside',
  auditor: null,
  privacyOfficer: null,
  integrator: null,
};

/** The participant's own fields and the segment each belongs to; their source is the home organization. */
export const participantFields = {
  preferredName: 'identity',
  legalName: 'identity',
  birthDate: 'identity',
  contact: 'identity',
  language: 'identity',
  interpreterNeeded: 'identity',
  householdSize: 'identity',
  accessibility: 'identity',
  pathway: 'peer',
  track: 'peer',
  enrolledVia: 'peer',
  setting: 'peer',
  safeContact: 'safety',
  doNotAskTopics: 'safety',
  employment: 'employment',
} as const satisfies Record<string, Segment>;
export type ParticipantField = keyof typeof participantFields;

/** Ceilings inside a segment: the minimum that a role's work needs (42 CFR 2.13(a)). Other roles: the whole segment. */
export const fieldCeilings: Readonly<Partial<Record<Role, Readonly<Partial<Record<Segment, readonly ParticipantField[]>>>>>> = {
  housing: { identity: ['preferredName', 'contact', 'householdSize', 'accessibility'] },
};
