import { randomUUID } from 'node:crypto';
import type { Client, Payload, TestSystem, Worker } from './system.js';

export const everySegmentButCounseling = [
  'identity', 'team', 'goals', 'peer', 'sud', 'mh', 'health', 'housing', 'employment', 'education', 'justice', 'social', 'safety',
];
/** SHA-256, of whatever it is. */
export const aHash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
export const allStatements = ['rightToRevoke', 'redisclosure', 'refusalConsequences'];

/** The scenarios' P1, anew: enrolled at OrgR by the fixture's peer, whose commands are `peer`'s. */
export interface Story {
  id: string;
  person: Client;
  /** Domain time, just after the enrollment. */
  enrolledAt: string;
  /** A relative of this person, not on the team yet. */
  family: Worker;
  /** The elements of a valid consent by this person to OrgR, but kind, recipients, segments, purposes and expiry. */
  form: Record<string, unknown>;
  grant(terms: Record<string, unknown>): Promise<Payload>;
  /** C-TPO: to the treating providers on the team, every segment but counseling, without an end. */
  grantTpo(): Promise<Payload>;
  /** C-H: to OrgH, identity and housing. @param until default: in a year */
  grantHousing(until?: string): Promise<Payload>;
  /** C-E: to OrgE, or the organization by that id, employment. */
  grantEmployment(orgId?: string): Promise<Payload>;
  /** Invited by the person and joined. @param who a role of the fixture, or a worker */
  join(who: string | Worker): Promise<Payload>;
  logContact(change?: Record<string, unknown>): Promise<Payload>;
  recordNote(by: Client, change?: Record<string, unknown>): Promise<Payload>;
  /** Drafted and sent. @param organization the fixture's name of it, or an id @param by default: the peer */
  refer(need: string, organization: string, change?: Record<string, unknown>, by?: Client): Promise<Payload>;
}

/** @param fields of the enrollment */
export async function enrollP1(
  system: Pick<TestSystem, 'dev' | 'as' | 'token'>, fields: Record<string, unknown> = {}, peer: Client = system.as('peer'),
): Promise<Story> {
  const { members, organizations } = system.dev;
  const id = randomUUID();
  const person = system.as(await system.token({
    sub: `person-${id}`, role: 'person', participant_id: id, org_id: organizations.OrgR, name: 'Jordan',
  }));
  const kin = await system.token({ sub: `family-${id}`, role: 'family', participant_id: id, name: 'Alex' });
  const { position } = await peer.mutate('enrollParticipant', {
    participantId: id, preferredName: 'Jordan', legalName: 'Jordan Rivera', birthDate: '1990-04-01', language: 'en',
    contact: { phone: '555-0100', okToText: true }, householdSize: 2, accessibility: 'Ground floor',
    pathway: ['recoveryCoaching'],
    safeContact: 'Mornings only', ...fields,
  });
  const { viewer } = await system.as(kin).query<{ viewer: { id: string } }>('{ viewer { id } }');
  const { access: { at: signedAt } } = await person.query<{ access: { at: string } }>(
    'query($id: ID!, $position: String) { access(participantId: $id, atLeast: $position) { at } }', { id, position });
  const form = {
    participantId: id, discloser: organizations.OrgR, formHash: aHash, formVersion: '2026-01', signedAt,
    effectiveFrom: signedAt, signature: { method: 'electronic', signer: id, capacity: 'self' }, statements: allStatements,
  };
  const grant = (terms: Record<string, unknown>) => person.mutate('grantConsent', { ...form, ...terms });

  return {
    id, person, form, grant, enrolledAt: signedAt,
    family: { client: system.as(kin), memberId: viewer.id, orgId: id, role: 'family' },
    grantTpo: () => grant({
      kind: 'tpo', recipients: [{ class: 'treatingProviders' }], segments: everySegmentButCounseling,
      purposes: ['TREAT', 'HPAYMT', 'HOPERAT'], expiry: { none: true },
    }),
    grantHousing: (until = inAYear(signedAt)) => grant({
      kind: 'named', recipients: [{ orgId: organizations.OrgH }], segments: ['identity', 'housing'], purposes: ['COC'],
      expiry: { at: until },
    }),
    grantEmployment: (orgId = organizations.OrgE!) => grant({
      kind: 'named', recipients: [{ orgId }], segments: ['employment'], purposes: ['COC'],
      expiry: { at: inAYear(signedAt) },
    }),
    async join(who) {
      const fixture = typeof who === 'string' ? members[who] : undefined;
      const worker = typeof who === 'string' ? { client: system.as(who), role: who, ...fixture! } : who;
      await person.mutate('inviteTeamMember', {
        participantId: id, memberId: worker.memberId, role: worker.role, organizationId: worker.orgId,
      });
      return worker.client.mutate('joinCareTeam', { participantId: id });
    },
    logContact: (change = {}) => peer.mutate('logPeerContact', {
      participantId: id, startedAt: later(signedAt, -2 * HOUR_MS), endedAt: later(signedAt, -HOUR_MS), modality: 'phone',
      supportTypes: ['emotional'], summary: 'We talked about the week.', narrative: 'In more words, between the two of us.',
      ...change,
    }),
    recordNote: (by, change = {}) => by.mutate('recordClinicianNote', {
      participantId: id, noteType: 'consultation', body: 'Seen today.', segments: ['health'], authorCredential: 'MD', ...change,
    }),
    async refer(need, organization, change = {}, by = peer) {
      const { id: referralId } = await by.mutate('draftReferral', {
        participantId: id, needCategory: need, targetOrganizationId: organizations[organization] ?? organization, ...change,
      });
      return by.mutate('sendReferral', { referralId });
    },
  };
}

const HOUR_MS = 3_600_000;
const inAYear = (time: string): string => later(time, 365 * 24 * HOUR_MS);

/** An instant so many milliseconds after another. */
export const later = (time: string, ms: number): string => new Date(Date.parse(time) + ms).toISOString();

interface List<Node> {
  totalCount: number;
  edges: { node: Node }[];
}

/** A participant as somebody sees them, lists as arrays. Null: as if there were no such person. */
export type Seen = Record<
  'version' | 'preferredName' | 'legalName' | 'birthDate' | 'contact' | 'language' | 'interpreterNeeded' | 'householdSize'
  | 'accessibility' | 'pathway' | 'track' | 'enrolledVia' | 'setting' | 'safeContact' | 'doNotAskTopics' | 'employment', unknown
> & {
  id: string;
  team: { id: string; role: string; state: string; isPrimaryPeer: boolean; worker: { id: string; name: string | null } | null }[];
  consents: { id: string; kind: string; state: string }[];
  contacts: { id: string; summary: string | null; narrative: string | null; author: { id: string } | null }[];
  notes: { id: string; body: string | null; author: { id: string } | null }[];
  referrals: { id: string; state: string }[];
  timeline: { type: string; occurredAt: string; recordedAt: string; actor: { id: string } | null; node: { id: string } | null }[];
};

const lists = {
  team: 'id role state isPrimaryPeer worker { id name }',
  consents: 'id kind state',
  contacts: 'id summary narrative author { id }',
  notes: 'id body author { id }',
  referrals: 'id state',
  timeline: 'type occurredAt recordedAt actor { id } node { id }',
};

/** Everything that the viewer can learn about a participant now. What a list counts is what it holds. */
export async function see(viewer: Client, participantId: string): Promise<Seen | null> {
  const all = Object.entries(lists)
    .map(([list, fields]) => `${list}(first: 100) { totalCount edges { node { ${fields} } } }`).join(' ');
  const { participant } = await viewer.query<{ participant: Record<string, unknown> | null }>(`
    query($id: ID!, $atLeast: String) { participant(id: $id, atLeast: $atLeast) {
      id version preferredName legalName birthDate contact { phone email address okToText } language interpreterNeeded
      householdSize accessibility pathway track enrolledVia setting safeContact doNotAskTopics
      employment { status startDate accommodation }
      ${all}
    } }`, { id: participantId });
  if (!participant) return null;
  const arrays = Object.keys(lists).map((list) => {
    const { totalCount, edges } = participant[list] as List<unknown>;
    if (totalCount !== edges.length) throw new Error(`${list} holds ${edges.length} and counts ${totalCount}`);
    return [list, edges.map(({ node }) => node)];
  });
  return { ...participant, ...Object.fromEntries(arrays) } as Seen;
}

/** Per permitted segment its basis, per other segment why not; null where nothing may be seen. */
export async function accessOf(viewer: Client, participantId: string): Promise<Record<string, string> | null> {
  const { access } = await viewer.query<{
    access: { segments: { segment: string; permitted: boolean; basis: string | null; refusal: string | null }[] } | null;
  }>(`query($id: ID!, $atLeast: String) { access(participantId: $id, atLeast: $atLeast) {
    segments { segment permitted basis refusal } } }`, { id: participantId });
  return access && Object.fromEntries(access.segments.map(({ segment, permitted, basis, refusal }) => {
    if (permitted === (basis === null) || permitted === (refusal !== null)) {
      throw new Error(`${segment} is neither open nor refused`);
    }
    return [segment, (basis ?? refusal)!];
  }));
}

/** What a node id leads this viewer to. */
export async function nodeOf(viewer: Client, id: string): Promise<{ __typename: string; id: string } | null> {
  return (await viewer.query<{ node: { __typename: string; id: string } | null }>(
    'query($id: ID!, $atLeast: String) { node(id: $id, atLeast: $atLeast) { __typename id } }', { id })).node;
}

/** Fields of a node of this type, as the viewer may see them. */
export async function fieldsOf<Fields = Record<string, unknown>>(
  viewer: Client, id: string, type: string, fields: string,
): Promise<Fields | null> {
  return (await viewer.query<{ node: Fields | null }>(
    `query($id: ID!, $atLeast: String) { node(id: $id, atLeast: $atLeast) { ... on ${type} { ${fields} } } }`, { id })).node;
}
