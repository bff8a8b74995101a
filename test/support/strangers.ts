import { randomUUID } from 'node:crypto';
import { enrollP1, later, type Story } from './story.js';
import type { Client, TestSystem, Worker } from './system.js';

type System = Pick<TestSystem, 'dev' | 'as' | 'token'>;

/** Ids of one person's: of the person, of one node of each kind, and of a worker on the team. */
export type Ids = Record<(typeof kinds)[number], string>;
export const kinds = ['participant', 'careTeamMember', 'peerContact', 'clinicianNote', 'referral', 'consent', 'worker'] as const;

const HOUR_MS = 3_600_000;
const now = new Date().toISOString();
const inAYear = { at: later(now, 365 * 24 * HOUR_MS) };

/** What nobody knows. */
export const unknownIds = (): Ids => Object.fromEntries(kinds.map((kind) => [kind, randomUUID()])) as Ids;

/** A person of whom nothing is known but one node of each kind. */
export async function personWithLittle(system: System): Promise<Ids> {
  const story = await enrollP1(system);
  return idsOf(system, story);
}

/** And one whose record is long, of whom much was consented to and whom many work with. @param many of each kind */
export async function personWithMuch(system: System, many: number): Promise<Ids> {
  const story = await enrollP1(system);
  const ids = await idsOf(system, story);
  for (let nth = 0; nth < many; nth += 1) {
    await story.logContact({ summary: 'We talked about the week, at length. '.repeat(20) });
    await story.recordNote(system.as('physician'), { segments: ['health'], body: 'Seen today, for long. '.repeat(20) });
    await story.grant({
      kind: 'named', recipients: [{ orgId: randomUUID() }], segments: ['employment'], purposes: ['COC'], expiry: inAYear,
    });
    await story.person.mutate('inviteTeamMember', {
      participantId: story.id, memberId: randomUUID(), role: 'peer', organizationId: system.dev.organizations['OrgR'],
    });
  }
  return ids;
}

async function idsOf(system: System, story: Story): Promise<Ids> {
  await story.grantTpo();
  const { id: careTeamMember } = await story.join('physician');
  const { id: peerContact } = await story.logContact();
  const { id: clinicianNote } = await story.recordNote(system.as('physician'));
  const { id: consent } = await story.grantHousing();
  const { id: referral } = await story.refer('housing', 'OrgH');
  return {
    participant: story.id, careTeamMember, peerContact, clinicianNote, referral, consent,
    worker: system.dev.members['physician']!.memberId,
  };
}

/** Of an organization that nobody knows. */
export async function stranger(system: System, role: string): Promise<Worker> {
  const orgId = randomUUID();
  const isPerson = role === 'person' || role === 'family';
  const token = await system.token({
    sub: `${role}-${randomUUID()}`, role, org_id: orgId, name: 'A stranger', ...isPerson && { participant_id: randomUUID() },
  });
  const client = system.as(token);
  const { viewer } = await client.query<{ viewer: { id: string } }>('{ viewer { id } }');
  return { client, memberId: viewer.id, orgId, role };
}

/** A way to ask about somebody. */
export interface Way {
  name: string;
  role: string;
  ask(client: Client, ids: Ids): Promise<unknown>;
}

const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';
const queries: readonly Way[] = [
  ...['peer', 'clinician', 'supervisor', 'housing', 'employer', 'family', 'auditor', 'person'].map((role) => ({
    name: 'participant', role,
    ask: (client: Client, { participant: id }: Ids) => client.ask(`query ($id: ID!) { participant(id: $id) {
      id preferredName contacts { totalCount edges { node { id } } } timeline { totalCount } } }`, { id }),
  })),
  { name: 'access', role: 'peer', ask: (client, { participant: id }) => client.ask(
    'query ($id: ID!) { access(participantId: $id) { segments { permitted } } }', { id }) },
  ...kinds.map((kind): Way => ({
    name: `node of a ${kind}`, role: 'clinician', ask: (client, ids) => client.ask(node, { id: ids[kind] }),
  })),
];

const terms = (of: Ids) => ({
  participantId: of.participant, kind: 'named', discloser: randomUUID(),
  recipients: [{ orgId: randomUUID() }], segments: ['employment'],
  purposes: ['COC'], formHash: 'a'.repeat(64), formVersion: '1', signedAt: now, effectiveFrom: now, expiry: inAYear,
  statements: ['rightToRevoke', 'redisclosure', 'refusalConsequences'],
});
const signature = (of: Ids) => ({ method: 'electronic', signer: of.participant, capacity: 'self' });
const targetOrganizationId = randomUUID();

const commands: readonly (readonly [name: string, role: string, input: (of: Ids) => object])[] = [
  ['changePreferences', 'peer', ({ participant }) => ({ participantId: participant, safeContact: 'Mornings' })],
  ['correctParticipant', 'supervisor', ({ participant }) => ({ participantId: participant, preferredName: 'Jo' })],
  ['recordEmploymentStatus', 'peer', ({ participant }) => ({ participantId: participant, status: 'partTime' })],
  ['inviteTeamMember', 'peer', ({ participant }) => ({
    participantId: participant, memberId: randomUUID(), role: 'peer', organizationId: randomUUID(),
  })],
  ['inviteTeamMember', 'supervisor', ({ participant, worker }) => ({
    participantId: participant, memberId: worker, role: 'peer', organizationId: randomUUID(),
  })],
  ['removeTeamMember', 'peer', ({ participant, worker }) => ({ participantId: participant, memberId: worker })],
  ['joinCareTeam', 'clinician', ({ participant }) => ({ participantId: participant })],
  ['restrictWorker', 'person', ({ participant, worker }) => ({ participantId: participant, memberId: worker })],
  ['liftRestriction', 'person', ({ participant, worker }) => ({ participantId: participant, memberId: worker })],
  ['draftConsent', 'peer', (of) => terms(of)],
  ['grantConsent', 'person', (of) => ({ ...terms(of), signature: signature(of) })],
  ['narrowConsent', 'person', ({ consent }) => ({ consentId: consent, segments: ['identity'] })],
  ['suspendConsent', 'clinician', ({ consent }) => ({ consentId: consent })],
  ['liftSuspension', 'person', ({ consent }) => ({ consentId: consent })],
  ['revokeConsent', 'person', ({ consent }) => ({ consentId: consent })],
  ['revokeConsent', 'housing', ({ consent }) => ({ consentId: consent, artifactHash: 'a'.repeat(64) })],
  ['logPeerContact', 'peer', ({ participant }) => ({
    participantId: participant, startedAt: later(now, -2 * HOUR_MS), endedAt: later(now, -HOUR_MS), modality: 'phone',
    supportTypes: ['emotional'], summary: 'We talked.',
  })],
  ['setContactVisibility', 'person', ({ peerContact }) => ({ contactId: peerContact, visibility: 'personAndPeer' })],
  ['amendPeerContact', 'peer', ({ peerContact }) => ({ contactId: peerContact, summary: 'We talked.' })],
  ['markContactEnteredInError', 'peer', ({ peerContact }) => ({ contactId: peerContact, reason: 'A slip.' })],
  ['recordClinicianNote', 'physician', ({ participant }) => ({
    participantId: participant, noteType: 'consultation', body: 'Seen.', segments: ['health'], authorCredential: 'MD',
  })],
  ['amendClinicianNote', 'physician', ({ clinicianNote }) => ({ noteId: clinicianNote, body: 'Seen.', reason: 'A slip.' })],
  ['draftReferral', 'clinician', ({ participant }) => ({
    participantId: participant, needCategory: 'housing', targetOrganizationId, sharedFields: ['contact'],
  })],
  ['sendReferral', 'clinician', ({ referral }) => ({ referralId: referral })],
  ...['acceptReferral', 'startReferral', 'deliverReferral', 'reopenReferral'].map((name) =>
    [name, 'housing', ({ referral }: Ids) => ({ referralId: referral })] as const),
  ['declineReferral', 'housing', ({ referral }) => ({ referralId: referral, reason: 'capacity' })],
  ['holdReferral', 'housing', ({ referral }) => ({ referralId: referral, reason: 'waitlist', reviewOn: '2099-01-01' })],
  ['failReferral', 'housing', ({ referral }) => ({ referralId: referral, text: 'Full.' })],
  ['confirmReferral', 'person', ({ referral }) => ({ referralId: referral, gotHelp: 'yes' })],
  ['disputeReferral', 'person', ({ referral }) => ({ referralId: referral, text: 'Nobody called.' })],
  ['closeUnconfirmedReferral', 'housing', ({ referral }) => ({ referralId: referral })],
  ['withdrawReferral', 'clinician', ({ referral }) => ({ referralId: referral, reason: 'A slip.' })],
  ['markReferralEnteredInError', 'clinician', ({ referral }) => ({ referralId: referral, reason: 'A slip.' })],
];

/** Every way in which somebody can name a person or what is recorded of them, as one for whom they are a stranger. */
export const ways: readonly Way[] = [...queries, ...commands.map(([name, role, input]): Way => ({
  name, role, ask: (client, ids) => client.command(name, { ...input(ids) }),
}))];

