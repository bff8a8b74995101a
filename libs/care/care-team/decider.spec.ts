import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Caller, DomainError } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import {
  careTeamStream, inviteTeamMember, joinCareTeam, liftRestriction, removeTeamMember, restrictWorker, type CareTeamState,
  type JoiningFacts, type TeamFacts,
} from './decider.js';
import type { TeamRole } from './events.js';

const p1 = '00000001-0000-4000-8000-000000000000';
const orgR = '00000010-0000-4000-8000-000000000000';
const orgC = '00000011-0000-4000-8000-000000000000';
const member = (n: number): string => `0000002${n}-0000-4000-8000-000000000000`;
const membership = (n: number): string => `0000003${n}-0000-4000-8000-000000000000`;

const person: Caller = { memberId: member(0), role: 'person', orgId: orgR, participantId: p1 };
const peer: Caller = { memberId: member(1), role: 'peer', orgId: orgR, name: 'Pat' };
const clinician: Caller = { memberId: member(2), role: 'clinician', orgId: orgC, name: 'Chris' };
const secondPeer: Caller = { memberId: member(3), role: 'peer', orgId: orgR };
const supervisor: Caller = { memberId: member(4), role: 'supervisor', orgId: orgR };

const enrolledBy = ({ memberId, orgId }: Caller) => fact('ParticipantEnrolled', {
  participantId: p1, contactsOpenToTeam: false, primaryPeer: { membershipId: membership(1), memberId, orgId },
}, peer);
const enrolledByThemself = fact('ParticipantEnrolled', { participantId: p1, contactsOpenToTeam: false }, person);
const asMember = ({ memberId, orgId, role }: Caller) =>
  ({ membershipId: membership(2), memberId, organizationId: orgId, role: role as TeamRole });
const invited = (who: Caller) => fact('TeamMemberInvited', asMember(who), person);
const joined = (who: Caller) => fact('TeamMemberJoined', { ...asMember(who), isPrimaryPeer: false }, who);
const removed = (who: Caller) => fact('TeamMemberRemoved', { membershipId: membership(2), memberId: who.memberId }, person);
const restricted = (who: Caller) => fact('WorkerRestricted', { participantId: p1, memberId: who.memberId }, person);
const lifted = (who: Caller) => fact('RestrictionLifted', { participantId: p1, memberId: who.memberId }, person);

const invitation = { participantId: p1, memberId: clinician.memberId, role: 'clinician', organizationId: orgC };

/** What the view tells of one who asks. */
const onTeam: TeamFacts = { onTeam: true, readsTeam: true, ofHomeOrganization: true };
const offTeam: TeamFacts = { ...onTeam, onTeam: false };
const byPerson = { as: person, facts: offTeam };
const joining = (state: CareTeamState, { memberId }: Caller, visible = false): JoiningFacts =>
  ({ visible, invited: state.members[memberId], restricted: state.restricted.includes(memberId) });

describe('Whoever changes the team', () => {
  const change = (command: 'invite' | 'remove', memberId: string, as: Caller, facts: TeamFacts) => {
    const team = given(careTeamStream, enrolledBy(peer), invited(clinician));
    return command === 'invite' ? team.when(inviteTeamMember, { ...invitation, memberId }, { as, facts })
      : team.when(removeTeamMember, { participantId: p1, memberId }, { as, facts });
  };

  it.each([
    ['a peer of the program who is off the team', secondPeer, offTeam],
    ['a peer on the team from outside the program', secondPeer, { ...onTeam, ofHomeOrganization: false }],
    ['a peer on the team to whom it is closed', peer, { ...onTeam, readsTeam: false }],
    ['a supervisor from outside', supervisor, { ...offTeam, ofHomeOrganization: false }],
    ['a supervisor to whom it is closed', supervisor, { ...offTeam, readsTeam: false }],
  ])('is not %s: refused alike, whoever is named', (_who, as, facts) => {
    for (const memberId of [peer.memberId, clinician.memberId, member(9)]) {
      change('invite', memberId, as, facts).thenRefused('FORBIDDEN_ROLE');
      change('remove', memberId, as, facts).thenRefused('FORBIDDEN_ROLE');
    }
  });
});

describe('Inviting to the care team', () => {
  it.each([
    ['the person', person, offTeam], ['their peer', peer, onTeam], ['a supervisor', supervisor, offTeam],
  ])('is done by %s', (_who, as, facts) => {
    given(careTeamStream, enrolledBy(peer)).when(inviteTeamMember, invitation, { as, facts, commandId: 'c1' }).then({
      type: 'TeamMemberInvited',
      data: { ...asMember(clinician), membershipId: derivedId(as.memberId, 'c1', 0) },
    });
  });

  it('happens once', () => {
    given(careTeamStream, invited(clinician)).when(inviteTeamMember, invitation, byPerson)
      .thenRefused('INVALID_TRANSITION', { state: 'invited' });
    given(careTeamStream, invited(clinician), joined(clinician)).when(inviteTeamMember, invitation, byPerson)
      .thenRefused('INVALID_TRANSITION', { state: 'joined' });
    given(careTeamStream, enrolledBy(peer)).when(inviteTeamMember, { ...invitation, memberId: peer.memberId }, byPerson)
      .thenRefused('INVALID_TRANSITION', { state: 'joined' });
  });

  it('begins a new membership after a removal', () => {
    given(careTeamStream, invited(clinician), joined(clinician), removed(clinician))
      .when(inviteTeamMember, invitation, { ...byPerson, commandId: 'again' }).then({
        type: 'TeamMemberInvited',
        data: { ...asMember(clinician), membershipId: derivedId(person.memberId, 'again', 0) },
      });
  });

  it('is for workers and family', () => {
    expect(given(careTeamStream).when(inviteTeamMember, { ...invitation, role: 'family' }, byPerson).events())
      .toHaveLength(1);
    for (const role of ['person', 'auditor', 'privacyOfficer', 'integrator', 'friend']) {
      given(careTeamStream).when(inviteTeamMember, { ...invitation, role }, byPerson)
        .thenRefused('VALIDATION', { fields: ['role'] });
    }
  });

  it.each(['participantId', 'memberId', 'role', 'organizationId'])('needs %s', (field) => {
    given(careTeamStream).when(inviteTeamMember, { ...invitation, [field]: undefined }, byPerson)
      .thenRefused('VALIDATION', { fields: [field] });
  });

  it('is not for a clinician', () => {
    given(careTeamStream).when(inviteTeamMember, invitation, { as: clinician }).thenRefused('FORBIDDEN_ROLE');
  });
});

describe('Joining the care team', () => {
  const join = (as: Caller, visible: boolean, ...facts: Parameters<typeof careTeamStream.evolve>[1][]) => {
    const team = given(careTeamStream, ...facts);
    return team.when(joinCareTeam, { participantId: p1 }, { as, facts: joining(team.state, as, visible) });
  };

  it('takes the invited, in the role and for the organization they were invited for', () => {
    join(clinician, false, enrolledBy(peer), invited(clinician)).then({
      type: 'TeamMemberJoined', data: { ...asMember(clinician), isPrimaryPeer: false, name: 'Chris' },
    });
    for (const as of [{ ...clinician, role: 'physician' as const }, { ...clinician, orgId: orgR }]) {
      join(as, true, invited(clinician)).thenRefused('FORBIDDEN_ROLE');
      join(as, false, invited(clinician)).thenRefused('NOT_FOUND');
    }
  });

  it('is not for who was removed or shut out since they were seen invited', () => {
    const seen = joining(given(careTeamStream, invited(clinician)).state, clinician);
    for (const since of [removed(clinician), restricted(clinician)]) {
      given(careTeamStream, invited(clinician), since).when(joinCareTeam, { participantId: p1 }, { as: clinician, facts: seen })
        .thenRefused('NOT_FOUND');
    }
  });

  it('tells the uninvited nothing', () => {
    join(clinician, false, enrolledBy(peer)).thenRefused('NOT_FOUND');
    join(clinician, false, invited(clinician), removed(clinician)).thenRefused('NOT_FOUND');
  });

  it('tells them so before the stream is loaded', () => {
    const asked = (facts: JoiningFacts) => () => joinCareTeam.admit!({ caller: clinician, facts } as never);
    expect(asked({ visible: false, invited: undefined, restricted: false })).toThrow('No such participant.');
    expect(asked(joining(given(careTeamStream, invited(clinician)).state, clinician))).not.toThrow();
  });

  it('tells who was shut out nothing, not even that they are on the team', () => {
    for (const facts of [[invited(clinician)], [invited(clinician), joined(clinician)]]) {
      join(clinician, false, ...facts, restricted(clinician)).thenRefused('NOT_FOUND');
    }
  });

  it('happens once', () => {
    join(clinician, true, invited(clinician), joined(clinician)).thenRefused('INVALID_TRANSITION', { state: 'joined' });
  });

  it('makes the first peer the primary one, and only the first', () => {
    const dataOf = (...facts: Parameters<typeof careTeamStream.evolve>[1][]) =>
      join(secondPeer, false, ...facts, invited(secondPeer)).events()[0]!.data;
    expect(dataOf(enrolledByThemself)).toMatchObject({ isPrimaryPeer: true });
    expect(dataOf(enrolledBy(peer))).toMatchObject({ isPrimaryPeer: false });
    expect(dataOf(enrolledBy(peer), removed(peer))).toMatchObject({ isPrimaryPeer: true });
  });

  it('is asked by someone who cannot see the person yet', () => {
    expect(joinCareTeam.subject({ participantId: p1 }, clinician, () => ''))
      .toEqual({ kind: 'participant', id: p1, unseen: true });
  });

  it('is not for oversight', () => {
    given(careTeamStream).when(joinCareTeam, { participantId: p1 }, { as: { ...clinician, role: 'auditor' } })
      .thenRefused('FORBIDDEN_ROLE');
  });
});

describe('Removing from the care team', () => {
  const removal = { participantId: p1, memberId: clinician.memberId };

  it('ends a membership, or takes an invitation back', () => {
    const data = { membershipId: membership(2), memberId: clinician.memberId };
    given(careTeamStream, invited(clinician)).when(removeTeamMember, removal, byPerson)
      .then({ type: 'TeamMemberRemoved', data });
    given(careTeamStream, enrolledBy(peer), invited(clinician), joined(clinician))
      .when(removeTeamMember, removal, { as: peer, facts: onTeam })
      .then({ type: 'TeamMemberRemoved', data });
  });

  it('removes the enrolling peer too', () => {
    given(careTeamStream, enrolledBy(peer)).when(removeTeamMember, { ...removal, memberId: peer.memberId }, byPerson)
      .then({ type: 'TeamMemberRemoved', data: { membershipId: membership(1), memberId: peer.memberId } });
  });

  it('finds nobody who was never invited, before it looks at a version', () => {
    const { state } = given(careTeamStream, enrolledBy(peer));
    const command = { input: removal, caller: peer } as Parameters<NonNullable<typeof removeTeamMember.authorize>>[0];
    expect(() => removeTeamMember.authorize!(command, state)).toThrow('No such team member.');
  });

  it('finds nobody who was never invited, and nobody twice', () => {
    given(careTeamStream).when(removeTeamMember, removal, byPerson).thenRefused('NOT_FOUND');
    given(careTeamStream, invited(clinician), removed(clinician)).when(removeTeamMember, removal, byPerson)
      .thenRefused('INVALID_TRANSITION', { state: 'removed' });
  });
});

describe('Restricting a worker', () => {
  const named = { participantId: p1, memberId: peer.memberId };

  it('is the person’s, who also lifts it', () => {
    given(careTeamStream, enrolledBy(peer)).when(restrictWorker, named, { as: person })
      .then({ type: 'WorkerRestricted', data: named });
    given(careTeamStream, restricted(peer)).when(liftRestriction, named, { as: person })
      .then({ type: 'RestrictionLifted', data: named });
    for (const command of [restrictWorker, liftRestriction]) {
      given(careTeamStream, restricted(peer)).when(command, named, { as: supervisor }).thenRefused('FORBIDDEN_ROLE');
    }
  });

  it('happens once, and is lifted once', () => {
    given(careTeamStream, restricted(peer)).when(restrictWorker, named, { as: person })
      .thenRefused('INVALID_TRANSITION', { state: 'restricted' });
    given(careTeamStream, restricted(peer), lifted(peer)).when(liftRestriction, named, { as: person })
      .thenRefused('INVALID_TRANSITION', { state: 'unrestricted' });
  });

  it('leaves the others alone', () => {
    expect(given(careTeamStream, restricted(peer), restricted(clinician), lifted(peer)).state.restricted)
      .toEqual([clinician.memberId]);
  });
});

describe('The care team, whatever is asked in whatever order', () => {
  type Fact = Parameters<typeof careTeamStream.evolve>[1];
  const workers = [peer, clinician, secondPeer];
  const steps = fc.array(fc.record({
    command: fc.constantFrom('invite', 'join', 'remove'), who: fc.constantFrom(...workers), commandId: fc.uuid(),
  }), { maxLength: 30 });

  it('has at most one primary peer, and nobody on it who did not join', () => {
    fc.assert(fc.property(steps, fc.boolean(), (asked, byPeer) => {
      const facts: Fact[] = [byPeer ? enrolledBy(peer) : enrolledByThemself];
      const present = new Set(byPeer ? [peer.memberId] : []);
      for (const { command, who, commandId } of asked) {
        const { memberId, role, orgId } = who;
        const team = given(careTeamStream, ...facts);
        const request = {
          invite: () => team.when(
            inviteTeamMember, { participantId: p1, memberId, role, organizationId: orgId }, { ...byPerson, commandId }),
          join: () => team.when(
            joinCareTeam, { participantId: p1 }, { as: who, commandId, facts: joining(team.state, who) }),
          remove: () => team.when(removeTeamMember, { participantId: p1, memberId }, { ...byPerson, commandId }),
        }[command as 'invite' | 'join' | 'remove']();
        try {
          for (const event of request.events()) facts.push(fact(event.type, event.data, who) as Fact);
          if (command === 'join') present.add(memberId);
          if (command === 'remove') present.delete(memberId);
        } catch (error) {
          expect(['INVALID_TRANSITION', 'NOT_FOUND']).toContain((error as DomainError).code);
        }
      }
      const { state } = given(careTeamStream, ...facts);
      expect(Object.values(state.members).filter((one) => one.isPrimaryPeer).length).toBeLessThanOrEqual(1);
      const onIt = workers.map((one) => state.members[one.memberId]?.state === 'joined');
      expect(onIt).toEqual(workers.map((one) => present.has(one.memberId)));
    }), { numRuns: 200 });
  });
});

describe('The node that a team event touches', () => {
  it('is the membership; of a restriction, the participant', () => {
    const memberships = [enrolledBy(peer), invited(clinician), joined(clinician), removed(clinician)];
    expect(memberships.map((one) => careTeamStream.entityOf(one)))
      .toEqual([membership(1), membership(2), membership(2), membership(2)]);
    expect([enrolledByThemself, restricted(peer), lifted(peer)].map((one) => careTeamStream.entityOf(one))).toEqual([p1, p1, p1]);
  });

  it('is what a caller may expect a version of', () => {
    const { state } = given(careTeamStream, enrolledBy(peer), invited(clinician));
    expect(joinCareTeam.entity!({ participantId: p1 }, state, clinician)).toBe(membership(2));
    expect(removeTeamMember.entity!({ participantId: p1, memberId: peer.memberId }, state, person)).toBe(membership(1));
  });
});
