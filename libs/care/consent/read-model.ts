import canonicalize from 'canonicalize';
import {
  changeFacts, itemRow, needsItem, needsPerson, participantOf, putItem, putTimeline, sharedTables, touchItem,
  type ConsentFact as PolicyConsent, type ItemRef,
} from '@peerbridge/disclosure';
import { defineTable, rowKey, type ProjectedEvent, type Projection, type Rows } from '@peerbridge/projection';
import { sha256, type Segment } from '@peerbridge/kernel';
import type { SealedPart } from '@peerbridge/vault';
import type { ConsentFact, ConsentKind, Recipient, Terms } from './events.js';

export interface ConsentRow {
  id: string;
  participant_id: string;
  kind: string | null;
  state: 'draft' | 'active' | 'suspended' | 'revoked';
  segments: readonly Segment[];
  purposes: readonly string[];
  recipients: readonly Recipient[];
  signed_at: string | null;
  effective_from: string | null;
  expiry: { at?: string; none?: boolean } | null;
  revoked_from: string | null;
  /** SHA-256 of the consent's terms as granted, hex: identifies the copy and opens nothing. */
  copy_hash: string | null;
  /** The words of the form: where it expires by an event, which one. */
  sealed: readonly SealedPart[];
}

export const consentTable = defineTable<ConsentRow>({
  name: 'consent',
  key: 'id',
  columns: {
    id: 'uuid', participant_id: 'uuid', kind: 'text', state: 'text', segments: 'text[]', purposes: 'text[]', recipients: 'jsonb',
    signed_at: 'instant', effective_from: 'instant', expiry: 'jsonb', revoked_from: 'instant', copy_hash: 'text',
    sealed: 'jsonb',
  },
});

const itemOf = (id: string): ItemRef => ({ type: 'consent', id });

/** What a consent gives away beside its segments: that there is a proceeding, counseling, kin. */
const kindTells: Readonly<Record<ConsentKind, readonly Segment[]>> = {
  tpo: [], named: [], counselingNotes: ['counseling'], legalProceeding: ['justice'], criminalJustice: ['justice'],
  family: ['social'],
};

/** What its label needs, never less than before: whom the person once let into what stays as telling once it is withdrawn. */
function segmentsTold({ kind, segments = [] }: Partial<Terms>, before: readonly Segment[] = []): Segment[] {
  return [...new Set<Segment>(['team', ...before, ...segments, ...kind ? kindTells[kind] : []])];
}

export const consentProjection: Projection<ConsentFact> = {
  name: 'consent',
  version: 5,
  tables: [consentTable, ...sharedTables],
  handles: [
    'ConsentDrafted', 'ConsentGranted', 'ConsentNarrowed', 'ConsentSuspended', 'SuspensionLifted', 'ConsentRevoked',
    'RevocationRequested',
  ],
  needs: (event) => [
    needsPerson(event), needsItem(itemOf(event.fact.data.consentId)), rowKey(consentTable, event.fact.data.consentId),
  ],
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.consentId;
    switch (fact.type) {
      case 'ConsentDrafted':
        putForm(rows, event, id, 'draft', fact.data);
        break;
      case 'ConsentGranted': {
        const { kind, discloserOrgId, recipients, segments, purposes, effectiveFrom, expiry, revocableFrom } = fact.data;
        putForm(rows, event, id, 'active', fact.data);
        const granted: PolicyConsent = {
          id, kind, state: 'active', discloserOrgId, recipients, segments, purposes, effectiveFrom,
          // Which event ends it stays sealed: people judge that, and withdraw.
          expiry: expiry.at || expiry.none ? expiry : { event: 'sealed' },
          ...(revocableFrom && { revocableFrom }),
        };
        changeFacts(rows, event, (facts) => ({ ...facts, consents: [...facts.consents, granted] }));
        break;
      }
      case 'ConsentNarrowed':
        change(rows, event, id, { segments: fact.data.segments });
        break;
      case 'ConsentSuspended':
        change(rows, event, id, { state: 'suspended' });
        break;
      case 'SuspensionLifted':
        change(rows, event, id, { state: 'active' });
        break;
      case 'ConsentRevoked':
        change(rows, event, id, { state: 'revoked' });
        break;
      case 'RevocationRequested':
        change(rows, event, id, { revokedFrom: fact.data.revokedFrom });
        break;
    }
    putTimeline(rows, event, { item: itemOf(id), nodeType: 'Consent', nodeId: id });
  },
};

/** A draft, or a grant: also the grant of what was a draft. */
function putForm(rows: Rows, event: ProjectedEvent, id: string, state: 'draft' | 'active', terms: Partial<Terms>): void {
  const drafted = rows.get(consentTable, id);
  rows.put(consentTable, {
    id, participant_id: participantOf(event), kind: terms.kind ?? null, state, segments: terms.segments ?? [],
    purposes: terms.purposes ?? [],
    recipients: terms.recipients ?? [], signed_at: terms.signedAt ?? null, effective_from: terms.effectiveFrom ?? null,
    expiry: terms.expiry ?? null, revoked_from: null,
    copy_hash: state === 'active' ? sha256(canonicalize(terms)!) : null,
    sealed: [...drafted?.sealed ?? [], ...event.sealed],
  });
  const item = itemOf(id);
  if (drafted) {
    // It is the person's from then on: whoever drafted it sees of it what others see.
    touchItem(rows, event, item, { segments: segmentsTold(terms, itemRow(rows, item).segments), requester_id: null });
    return;
  }
  putItem(rows, event, {
    ...item, segments: segmentsTold(terms), circles: ['peers', 'treating', 'supervision'],
    ...state === 'draft' && { by: 'requester' },
  });
}

function change(
  rows: Rows, event: ProjectedEvent, id: string, changed: Partial<Pick<PolicyConsent, 'state' | 'segments' | 'revokedFrom'>>,
): void {
  const { revokedFrom, ...alike } = changed;
  const row = rows.get(consentTable, id)!;
  rows.put(consentTable, {
    ...row, ...alike, revoked_from: revokedFrom ?? row.revoked_from,
  });
  changeFacts(rows, event, (facts) => (
    { ...facts, consents: facts.consents.map((consent) => (consent.id === id ? { ...consent, ...changed } : consent)) }));
  touchItem(rows, event, itemOf(id));
}
