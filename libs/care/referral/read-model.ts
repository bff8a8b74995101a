import {
  changeFacts, needsItem, needsPerson, participantOf, putItem, putTimeline, sharedTables, touchItem,
  type ItemRef,
} from '@peerbridge/disclosure';
import { defineTable, rowKey, type Projection } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import { isUntold, segmentOfNeed, type NeedCategory, type ReferralFact, type SharedField } from './events.js';
import { circlesOnceSent } from './label.js';
import { standingAfter, type ReferralState } from './life-cycle.js';

export interface ReferralRow {
  id: string;
  participant_id: string;
  state: ReferralState;
  disputed: boolean;
  need_category: NeedCategory;
  target_org_id: string;
  service_id: string | null;
  shared_fields: readonly SharedField[];
  /** Not to be shown to the person's peer: they referred themself and did not opt in. */
  untold: boolean;
  /** The requester's reason, and whether the person got help. */
  sealed: readonly SealedPart[];
}

export const referralTable = defineTable<ReferralRow>({
  name: 'referral',
  key: 'id',
  columns: {
    id: 'uuid', participant_id: 'uuid', state: 'text', disputed: 'boolean', need_category: 'text', target_org_id: 'uuid',
    service_id: 'uuid',
    shared_fields: 'text[]', untold: 'boolean', sealed: 'jsonb',
  },
});

const itemOf = (id: string): ItemRef => ({ type: 'referral', id });

export const referralProjection: Projection<ReferralFact> = {
  name: 'referral',
  version: 5,
  tables: [referralTable, ...sharedTables],
  handles: [
    'ReferralDrafted', 'ReferralSent', 'ReferralAccepted', 'ReferralDeclined', 'ReferralHeld', 'ReferralStarted',
    'ReferralReopened',
    'ServiceDelivered', 'LoopConfirmed', 'LoopClosedUnconfirmed', 'LoopDisputed', 'ReferralFailed', 'ReferralWithdrawn',
    'ReferralEnteredInError',
  ],
  needs: (event) => [
    needsPerson(event), needsItem(itemOf(event.fact.data.referralId)), rowKey(referralTable, event.fact.data.referralId),
  ],
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.referralId;
    const item = itemOf(id);
    if (fact.type === 'ReferralDrafted') {
      const { needCategory, targetOrganizationId, serviceId, sharedFields } = fact.data;
      rows.put(referralTable, {
        id, participant_id: participantOf(event), ...standingAfter(fact.type, false), need_category: needCategory,
        target_org_id: targetOrganizationId, service_id: serviceId ?? null, shared_fields: sharedFields,
        untold: isUntold(fact.data), sealed: event.sealed,
      });
      putItem(rows, event, {
        ...item, segments: [segmentOfNeed[needCategory]], circles: [], partyOrgId: targetOrganizationId,
        by: 'requester',
      });
    } else {
      const row = rows.get(referralTable, id)!;
      // Confirmed once: the row stays short.
      const sealed = fact.type === 'LoopConfirmed' ? [...row.sealed, ...event.sealed] : row.sealed;
      rows.put(referralTable, { ...row, ...standingAfter(fact.type, row.disputed), sealed });
      const sent = fact.type === 'ReferralSent';
      touchItem(rows, event, item, sent ? { circles: circlesOnceSent(row.untold) } : {});
      if (sent) {
        changeFacts(rows, event, (facts) => (
          { ...facts, partyOrgIds: [...new Set([...facts.partyOrgIds, row.target_org_id])] }));
      }
    }
    putTimeline(rows, event, { item, nodeType: 'Referral', nodeId: id });
  },
};
