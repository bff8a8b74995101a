import {
  changeFacts, needsItem, needsPerson, participantOf, personWorkerTable, putItem, putTimeline, sharedTables, touchItem,
  type ItemRef, type TeamFact,
} from '@peerbridge/disclosure';
import { defineTable, rowKey, type ProjectedEvent, type Projection, type Rows } from '@peerbridge/projection';
import type { FactOf, Role } from '@peerbridge/kernel';
import type { participantEnrolled } from '../participant/events.js';
import type { CareTeamFact } from './events.js';

export interface CareTeamMemberRow {
  id: string;
  participant_id: string;
  member_id: string;
  role: Role;
  org_id: string;
  state: TeamFact['state'];
  is_primary_peer: boolean;
}

export const careTeamMemberTable = defineTable<CareTeamMemberRow>({
  name: 'care_team_member',
  key: 'id',
  columns: {
    id: 'uuid', participant_id: 'uuid', member_id: 'uuid', role: 'text', org_id: 'uuid', state: 'text',
    is_primary_peer: 'boolean',
  },
});

type Fact = CareTeamFact | FactOf<typeof participantEnrolled>;

const circles = ['peers', 'treating', 'supervision', 'kin', 'outside'] as const;
const itemOf = (membershipId: string): ItemRef => ({ type: 'careTeamMember', id: membershipId });
const workerKey = (participantId: string, memberId: string): string => `${participantId}/${memberId}`;

/** Runs after the participant's own projection: it adds the enrolling peer to the person that one made. */
export const careTeamProjection: Projection<Fact> = {
  name: 'careTeam',
  version: 4,
  tables: [careTeamMemberTable, ...sharedTables],
  handles: [
    'ParticipantEnrolled', 'TeamMemberInvited', 'TeamMemberJoined', 'TeamMemberRemoved', 'WorkerRestricted', 'RestrictionLifted',
  ],
  needs(event) {
    const membershipId = membershipOf(event.fact);
    const ofMembership = membershipId ? [needsItem(itemOf(membershipId)), rowKey(careTeamMemberTable, membershipId)] : [];
    return [needsPerson(event), ...ofMembership];
  },
  apply(event, rows) {
    const { fact } = event;
    const participantId = participantOf(event);
    switch (fact.type) {
      case 'ParticipantEnrolled': {
        const peer = fact.data.primaryPeer;
        if (!peer) return;
        putMembership(rows, event, { ...peer, role: 'peer', state: 'joined', isPrimaryPeer: true, joinedAt: fact.occurredAt });
        putWorker(rows, event, { memberId: peer.memberId, role: 'peer', orgId: peer.orgId, nameField: 'primaryPeerName' });
        return;
      }
      case 'TeamMemberInvited': {
        const { membershipId, memberId, role, organizationId } = fact.data;
        putMembership(rows, event, {
          membershipId, memberId, role, orgId: organizationId, state: 'invited', isPrimaryPeer: false,
        });
        break;
      }
      case 'TeamMemberJoined': {
        const { membershipId, memberId, role, organizationId, isPrimaryPeer } = fact.data;
        putMembership(rows, event, {
          membershipId, memberId, role, orgId: organizationId, state: 'joined', isPrimaryPeer, joinedAt: fact.occurredAt,
        });
        putWorker(rows, event, { memberId, role, orgId: organizationId, nameField: 'name' });
        break;
      }
      case 'TeamMemberRemoved': {
        const row = rows.get(careTeamMemberTable, fact.data.membershipId)!;
        changeFacts(rows, event, (facts) => ({
          ...facts,
          team: facts.team.map((member) => (member.membershipId === row.id
            ? { ...member, state: 'removed', isPrimaryPeer: false, removedAt: fact.occurredAt } : member)),
        }));
        rows.put(careTeamMemberTable, { ...row, state: 'removed', is_primary_peer: false });
        touchItem(rows, event, itemOf(row.id));
        break;
      }
      case 'WorkerRestricted':
      case 'RestrictionLifted': {
        const { memberId } = fact.data;
        changeFacts(rows, event, (facts) => {
          const others = facts.restrictedMemberIds.filter((id) => id !== memberId);
          return { ...facts, restrictedMemberIds: fact.type === 'WorkerRestricted' ? [...others, memberId] : others };
        });
        // Nobody but the person learns of it: an item of its own, in no circle.
        const item = { type: 'restriction', id: fact.eventId };
        putItem(rows, event, { ...item, segments: ['team'], circles: [] });
        putTimeline(rows, event, { item, nodeType: 'Participant', nodeId: participantId });
        return;
      }
    }
    const { membershipId } = fact.data;
    putTimeline(rows, event, { item: itemOf(membershipId), nodeType: 'CareTeamMember', nodeId: membershipId });
  },
};

const membershipOf = (fact: Fact): string | undefined => {
  switch (fact.type) {
    case 'ParticipantEnrolled': return fact.data.primaryPeer?.membershipId;
    case 'WorkerRestricted': case 'RestrictionLifted': return undefined;
    default: return fact.data.membershipId;
  }
};

function putMembership(rows: Rows, event: ProjectedEvent, member: TeamFact): void {
  const { membershipId: id, memberId, role, orgId, state, isPrimaryPeer } = member;
  const known = rows.get(careTeamMemberTable, id) !== undefined;
  changeFacts(rows, event, (facts) => ({ ...facts, team: [...facts.team.filter((one) => one.membershipId !== id), member] }));
  rows.put(careTeamMemberTable, {
    id, participant_id: participantOf(event), member_id: memberId, role, org_id: orgId, state, is_primary_peer: isPrimaryPeer,
  });
  const item = itemOf(id);
  if (known) touchItem(rows, event, item);
  else putItem(rows, event, { ...item, segments: ['team'], circles });
}

function putWorker(
  rows: Rows, event: ProjectedEvent, worker: { memberId: string; role: Role; orgId: string; nameField: string },
): void {
  const participantId = participantOf(event);
  rows.put(personWorkerTable, {
    key: workerKey(participantId, worker.memberId), participant_id: participantId, member_id: worker.memberId, role: worker.role,
    org_id: worker.orgId, name_field: worker.nameField, sealed: event.sealed.filter(({ segment }) => segment === 'team'),
  });
}
