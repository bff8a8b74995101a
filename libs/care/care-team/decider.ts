import { z } from 'zod';
import {
  forbidden, id, invalidTransition, notFound, type Caller, type CommandDefinition, type FactOf, type Role, type StreamDefinition,
} from '@peerbridge/kernel';
import type { participantEnrolled } from '../participant/events.js';
import { careTeamEvents, teamRoles, type CareTeamEvent, type CareTeamFact, type TeamRole } from './events.js';

/** The latest membership of one member: an invitation after a removal begins another. */
export interface Membership {
  membershipId: string;
  role: TeamRole;
  orgId: string;
  state: 'invited' | 'joined' | 'removed';
  isPrimaryPeer: boolean;
}

export interface CareTeamState {
  /** By member id. */
  members: Record<string, Membership>;
  /** Member ids of the workers whom the person shut out. */
  restricted: readonly string[];
}

/** The enrolling peer is on the team by the enrollment itself. */
type TeamFact = CareTeamFact | FactOf<typeof participantEnrolled>;

export const careTeamStream: StreamDefinition<CareTeamState, TeamFact> = {
  category: 'careTeam',
  keyedBy: 'participant',
  events: careTeamEvents,
  foldsFirst: ['participant'],
  initialState: () => ({ members: {}, restricted: [] }),
  evolve(state, fact) {
    switch (fact.type) {
      case 'ParticipantEnrolled': {
        const peer = fact.data.primaryPeer;
        return peer ? withMember(state, peer.memberId, {
          membershipId: peer.membershipId, role: 'peer', orgId: peer.orgId, state: 'joined', isPrimaryPeer: true,
        }) : state;
      }
      case 'TeamMemberInvited': {
        const { memberId, membershipId, role, organizationId } = fact.data;
        return withMember(state, memberId, { membershipId, role, orgId: organizationId, state: 'invited', isPrimaryPeer: false });
      }
      case 'TeamMemberJoined': {
        const { memberId, membershipId, role, organizationId, isPrimaryPeer } = fact.data;
        return withMember(state, memberId, { membershipId, role, orgId: organizationId, state: 'joined', isPrimaryPeer });
      }
      case 'TeamMemberRemoved': {
        const removed = state.members[fact.data.memberId];
        return removed ? withMember(state, fact.data.memberId, { ...removed, state: 'removed', isPrimaryPeer: false }) : state;
      }
      case 'WorkerRestricted':
        return { ...state, restricted: [...state.restricted, fact.data.memberId] };
      case 'RestrictionLifted':
        return { ...state, restricted: state.restricted.filter((memberId) => memberId !== fact.data.memberId) };
      default:
        return state;
    }
  },
  entityType: 'careTeamMember',
  entityOf({ type, data }) {
    switch (type) {
      case 'ParticipantEnrolled': return data.primaryPeer?.membershipId ?? data.participantId;
      case 'WorkerRestricted': case 'RestrictionLifted': return data.participantId;
      default: return data.membershipId;
    }
  },
};

function withMember(state: CareTeamState, memberId: string, membership: Membership): CareTeamState {
  state.members[memberId] = membership;
  return state;
}

/** Of one who asks for a change of the team. */
export interface TeamFacts {
  /** They are a current member of it. */
  onTeam: boolean;
  /** They see who is on it. */
  readsTeam: boolean;
  /** They act for the organization that enrolled the person. */
  ofHomeOrganization: boolean;
}

/** The person, and of their program its supervisors and who is on the team; alike whoever is named. */
function personOrTheirProgram({ caller, facts: { onTeam, readsTeam, ofHomeOrganization } }: {
  caller: Caller; facts: TeamFacts;
}): void {
  if (caller.role === 'person') return;
  if (readsTeam && ofHomeOrganization && (onTeam || caller.role === 'supervisor')) return;
  throw forbidden('Not of those who change this care team.');
}

const invitation = z.object({ participantId: id, memberId: id, role: z.enum(teamRoles), organizationId: id });

/** @throws DomainError INVALID_TRANSITION `invited` or `joined`: once is enough */
export const inviteTeamMember: CommandDefinition<z.infer<typeof invitation>, CareTeamState, CareTeamEvent, TeamFacts> = {
  name: 'inviteTeamMember',
  roles: ['person', 'peer', 'supervisor'],
  input: invitation,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  admit: personOrTheirProgram,
  decide({ input, newId }, { members }) {
    const known = members[input.memberId];
    if (known && known.state !== 'removed') throw invalidTransition(`Already ${known.state}.`, known.state);
    const { memberId, role, organizationId } = input;
    return [{ type: 'TeamMemberInvited', data: { membershipId: newId(), memberId, role, organizationId } }];
  },
};

const joining = z.object({ participantId: id });

export interface JoiningFacts {
  /** They see the person already. */
  visible: boolean;
  /** The latest membership of theirs. */
  invited: Invited | undefined;
  /** The person shut them out. */
  restricted: boolean;
}

type Invited = Pick<Membership, 'orgId' | 'state'> & { role: Role };

/** @throws DomainError NOT_FOUND, or FORBIDDEN_ROLE where they see the person and were invited as somebody else */
function onlyTheInvited(caller: Caller, { visible, invited, restricted }: JoiningFacts): void {
  if (!invited || invited.state === 'removed' || restricted) throw notFound('participant');
  if (invited.role !== caller.role || invited.orgId !== caller.orgId) {
    throw visible ? forbidden('Invited in another role.') : notFound('participant');
  }
}

/**
 * The invited accept, in the role and for the organization they were invited for. The first peer becomes the primary one.
 * @throws DomainError NOT_FOUND to anyone uninvited, shut out or in another role, who cannot tell the person exists
 */
export const joinCareTeam: CommandDefinition<z.infer<typeof joining>, CareTeamState, CareTeamEvent, JoiningFacts> = {
  name: 'joinCareTeam',
  roles: teamRoles,
  input: joining,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId, unseen: true }),
  entity: (_input, { members }, { memberId }) => members[memberId]?.membershipId,
  admit: ({ caller, facts }) => onlyTheInvited(caller, facts),
  // What the view showed may be over by now.
  authorize({ caller, facts: { visible } }, { members, restricted }) {
    const { memberId } = caller;
    onlyTheInvited(caller, { visible, invited: members[memberId], restricted: restricted.includes(memberId) });
  },
  decide({ caller }, { members }) {
    const invited = members[caller.memberId];
    if (!invited) throw notFound('participant');
    if (invited.state !== 'invited') throw invalidTransition(`Already ${invited.state}.`, invited.state);
    const { membershipId, role, orgId } = invited;
    return [{
      type: 'TeamMemberJoined',
      data: {
        membershipId, memberId: caller.memberId, role, organizationId: orgId,
        isPrimaryPeer: role === 'peer' && !Object.values(members).some((member) => member.isPrimaryPeer),
        ...(caller.name && { name: caller.name }),
      },
    }];
  },
};

const namedMember = z.object({ participantId: id, memberId: id });
type NamedMember = z.infer<typeof namedMember>;

/** Ends a membership or takes an invitation back. */
export const removeTeamMember: CommandDefinition<NamedMember, CareTeamState, CareTeamEvent, TeamFacts> = {
  name: 'removeTeamMember',
  roles: ['person', 'peer', 'supervisor'],
  input: namedMember,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ memberId }, { members }) => members[memberId]?.membershipId,
  admit: personOrTheirProgram,
  authorize({ input: { memberId } }, { members }) {
    if (!members[memberId]) throw notFound('team member');
  },
  decide({ input: { memberId } }, { members }) {
    const member = members[memberId];
    if (!member) throw notFound('team member');
    if (member.state === 'removed') throw invalidTransition('Already removed.', 'removed');
    return [{ type: 'TeamMemberRemoved', data: { membershipId: member.membershipId, memberId } }];
  },
};

/** A product rule, not a legal restriction under 2.26: yields to emergency and law. */
export const restrictWorker: CommandDefinition<NamedMember, CareTeamState, CareTeamEvent> = {
  name: 'restrictWorker',
  roles: ['person'],
  input: namedMember,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  decide({ input }, { restricted }) {
    if (restricted.includes(input.memberId)) throw invalidTransition('Already restricted.', 'restricted');
    return [{ type: 'WorkerRestricted', data: input }];
  },
};

export const liftRestriction: CommandDefinition<NamedMember, CareTeamState, CareTeamEvent> = {
  name: 'liftRestriction',
  roles: ['person'],
  input: namedMember,
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId }),
  entity: ({ participantId }) => participantId,
  decide({ input }, { restricted }) {
    if (!restricted.includes(input.memberId)) throw invalidTransition('Not restricted.', 'unrestricted');
    return [{ type: 'RestrictionLifted', data: input }];
  },
};

export const careTeamCommands = [inviteTeamMember, joinCareTeam, removeTeamMember, restrictWorker, liftRestriction];
