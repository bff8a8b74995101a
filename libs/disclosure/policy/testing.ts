import { purposesOfUse, roles, segments, type Caller, type Role, type Segment } from '@peerbridge/kernel';
import fc from 'fast-check';
import type { Circle, ConsentFact, ConsentKind, ItemLabel, PersonFacts, TeamFact } from './facts.js';

/** The acceptance scenarios' cast and consents, and arbitraries around them, for tests of whatever asks the policy. */

const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export const organizations = { R: id(1), C: id(2), ED: id(3), H: id(4), E: id(5), S: id(6), J: id(7) };
export const P1 = id(100);
export const P2 = id(101);

const worker = (n: number, role: Role, orgId: string): Caller => ({ memberId: id(n), role, orgId });
export const cast = {
  person: { ...worker(200, 'person', organizations.R), participantId: P1 },
  otherPerson: { ...worker(201, 'person', organizations.R), participantId: P2 },
  PE1: worker(202, 'peer', organizations.R),
  /** A colleague of PE1 who is not assigned. */
  PE2: worker(203, 'peer', organizations.R),
  SU1: worker(204, 'supervisor', organizations.R),
  CL1: worker(205, 'clinician', organizations.C),
  PH1: worker(206, 'physician', organizations.ED),
  HO1: worker(207, 'housing', organizations.H),
  EM1: worker(208, 'employer', organizations.E),
  ED1: worker(209, 'educator', organizations.S),
  FA1: { ...worker(210, 'family', id(8)), participantId: P1 },
  JU1: worker(211, 'justice', organizations.J),
  OT1: worker(212, 'other', id(9)),
  AU1: worker(213, 'auditor', id(10)),
  PO1: worker(214, 'privacyOfficer', organizations.R),
  IN1: worker(215, 'integrator', id(11)),
  /** A clinician of the home organization. */
  CL2: worker(216, 'clinician', organizations.R),
} satisfies Record<string, Caller>;

export const joined = ({ memberId, role, orgId }: Caller, changes: Partial<TeamFact> = {}): TeamFact => ({
  membershipId: memberId.replace('-4000-', '-4001-'), memberId, role, orgId, state: 'joined', isPrimaryPeer: role === 'peer',
  ...changes,
});

const allButCounseling = segments.filter((segment) => segment !== 'counseling');
const granted = (consent: Pick<ConsentFact, 'id' | 'kind' | 'recipients' | 'segments' | 'purposes'>): ConsentFact => ({
  state: 'active', discloserOrgId: organizations.R, effectiveFrom: '2026-01-01T00:00:00.000Z',
  expiry: { at: '2026-12-01T00:00:00.000Z' }, ...consent,
});

export const consents = {
  tpo: {
    ...granted({
      id: id(300), kind: 'tpo', recipients: [{ class: 'treatingProviders' }], segments: allButCounseling,
      purposes: ['TREAT', 'HPAYMT', 'HOPERAT'],
    }),
    expiry: { none: true },
  },
  housing: {
    ...granted({
      id: id(301), kind: 'named', recipients: [{ orgId: organizations.H }], segments: ['identity', 'housing'], purposes: ['COC'],
    }),
    expiry: { at: '2026-03-01T00:00:00.000Z' },
  },
  employment: granted({
    id: id(302), kind: 'named', recipients: [{ orgId: organizations.E }], segments: ['employment'], purposes: ['COC'],
  }),
  family: granted({
    id: id(303), kind: 'family', recipients: [{ memberId: cast.FA1.memberId }], segments: ['team', 'goals'], purposes: ['FAMRQT'],
  }),
  counseling: granted({
    id: id(304), kind: 'counselingNotes', recipients: [{ memberId: cast.CL1.memberId }], segments: ['counseling'],
    purposes: ['TREAT'],
  }),
  justice: granted({
    id: id(305), kind: 'criminalJustice', recipients: [{ memberId: cast.JU1.memberId }], segments: ['justice', 'sud'],
    purposes: ['COC'],
  }),
  legal: granted({
    id: id(306), kind: 'legalProceeding', recipients: [{ orgId: organizations.J }], segments: allButCounseling,
    purposes: ['COC'],
  }),
} satisfies Record<string, ConsentFact>;

/** P1 as the scenarios have them: enrolled at OrgR, with PE1, CL1 and FA1 on the team, and the consents given. */
export const personWith = (...given: ConsentFact[]): PersonFacts => ({
  participantId: P1, homeOrgId: organizations.R, consents: given,
  team: [joined(cast.PE1), joined(cast.CL1), joined(cast.FA1)], restrictedMemberIds: [],
  partyOrgIds: [], ownMemberIds: [cast.person.memberId], worksAtOrgIds: [],
});

export const label = (changes: Partial<ItemLabel> = {}): ItemLabel => ({
  participantId: P1, segments: ['peer'], sourceOrgId: organizations.R, authorId: cast.PE1.memberId, requesterId: null,
  partyOrgId: null, circles: [],
  ...changes,
});

// Few values, so that what is drawn meets: consents reach viewers, labels fall within permissions.

const anyOrganization = fc.constantFrom(...Object.values(organizations));
const kinds: ConsentKind[] = ['tpo', 'named', 'counselingNotes', 'legalProceeding', 'criminalJustice', 'family'];
const circles: Circle[] = ['peers', 'treating', 'supervision', 'kin', 'outside', 'parties'];

export const anyInstant = fc.constantFrom(
  '2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00.000Z', '2026-02-01T00:00:00.001Z', '2026-06-01T12:00:00.000Z',
);

/** The cast, in their own role or, as other tokens of the same people, in another. */
export const anyViewer: fc.Arbitrary<Caller> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Caller>(...Object.values(cast)) },
  fc.record({ of: fc.constantFrom<Caller>(...Object.values(cast)), role: fc.constantFrom(...roles), orgId: anyOrganization })
    .map(({ of, role, orgId }) => ({ ...of, role, orgId })),
);

const anySegments = fc.oneof(
  { weight: 3, arbitrary: fc.subarray<Segment>([...segments], { minLength: 1 }) }, fc.constant<Segment[]>([...segments]),
);

export const anyConsent: fc.Arbitrary<ConsentFact> = fc.record({
  id: fc.uuid(),
  kind: fc.constantFrom(...kinds),
  state: fc.constantFrom('active', 'active', 'active', 'suspended', 'revoked'),
  discloserOrgId: fc.oneof(fc.constant(organizations.R), anyOrganization),
  recipients: fc.array(fc.oneof(
    anyOrganization.map((orgId) => ({ orgId })),
    fc.constantFrom(...Object.values(cast)).map(({ memberId }) => ({ memberId })),
    fc.constant({ class: 'treatingProviders' as const }),
  ), { minLength: 1, maxLength: 8 }),
  segments: anySegments,
  purposes: fc.subarray([...purposesOfUse], { minLength: 1 }),
  effectiveFrom: anyInstant,
  expiry: fc.oneof(anyInstant.map((at) => ({ at })), fc.constantFrom({ none: true }, { event: 'the end of the program' })),
  revocableFrom: fc.option(anyInstant, { nil: undefined }),
  revokedFrom: fc.option(anyInstant, { nil: undefined, freq: 2 }),
});

export const anyFacts: fc.Arbitrary<PersonFacts> = fc.record({
  participantId: fc.constant(P1),
  homeOrgId: fc.constant(organizations.R),
  consents: fc.array(anyConsent, { maxLength: 6 }),
  team: fc.subarray(Object.values(cast)).chain((members) => fc.tuple(...members.map((member) =>
    fc.constantFrom<TeamFact['state']>('joined', 'joined', 'invited', 'removed').map((state) => joined(member, { state })),
  ))),
  restrictedMemberIds: fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) }, fc.subarray(Object.values(cast).map(({ memberId }) => memberId)),
  ),
  partyOrgIds: fc.subarray(Object.values(organizations)),
  // Mostly nobody at work: else the wall would hide what the other rules say.
  ownMemberIds: fc.oneof(
    { weight: 3, arbitrary: fc.constant([cast.person.memberId]) },
    fc.subarray(Object.values(cast).map(({ memberId }) => memberId)),
  ),
  worksAtOrgIds: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, fc.subarray(Object.values(organizations))),
  unknowable: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
});

const anyMember = fc.constantFrom(...Object.values(cast)).map(({ memberId }) => memberId);

export const anyLabel: fc.Arbitrary<ItemLabel> = fc.record({
  participantId: fc.constantFrom(P1, P1, P1, P1, P2),
  segments: fc.oneof({ weight: 4, arbitrary: fc.subarray<Segment>([...segments], { maxLength: 2 }) }, anySegments),
  sourceOrgId: anyOrganization,
  authorId: fc.option(anyMember),
  requesterId: fc.option(anyMember),
  partyOrgId: fc.option(anyOrganization),
  circles: fc.subarray(circles),
});
