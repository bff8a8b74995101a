import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Int, Mutation, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import type { ItemRow, PersonAccess, ViewSession } from '@peerbridge/disclosure';
import {
  CommandInput, connectionType, Context, Forward, Mutations, Node, NodeTypes, pageOf, payloadType, presentWorker, RoleEnum,
  toConnection, Worker, type Connection, type NodeType, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import type { Role } from '@peerbridge/kernel';
import { Participant, participantLookUp, participantOf } from '../participant/index.js';
import {
  inviteTeamMemberBinding, joinCareTeamBinding, liftRestrictionBinding, removeTeamMemberBinding, restrictWorkerBinding,
} from './commands.js';
import { careTeamMemberTable, type CareTeamMemberRow } from './read-model.js';

@ObjectType({ implements: () => [Node] })
export class CareTeamMember extends Node implements Presented {
  readonly __typename = 'CareTeamMember';
  session!: ViewSession;
  access!: PersonAccess;

  @Field(() => Int)
  version!: number;

  @Field(() => Worker, { nullable: true })
  worker!: Worker | null;

  @Field(() => RoleEnum)
  role!: Role;

  @Field()
  state!: string;

  @Field()
  isPrimaryPeer!: boolean;
}

function presentMember(row: CareTeamMemberRow, { version }: ItemRow, access: PersonAccess, session: ViewSession): CareTeamMember {
  const worker = presentWorker(session, access, { memberId: row.member_id, role: row.role, orgId: row.org_id });
  return Object.assign(new CareTeamMember(), {
    id: row.id, version, role: row.role, state: row.state, isPrimaryPeer: row.is_primary_peer, worker, access,
    session,
  });
}

export const careTeamMemberNode: NodeType<CareTeamMemberRow, CareTeamMember> = {
  itemType: 'careTeamMember',
  table: careTeamMemberTable,
  present: async (row, item, access, session) => presentMember(row, item, access, session),
};

const CareTeamMemberConnection = connectionType('CareTeamMember', () => CareTeamMember);

@InputType({ isAbstract: true })
abstract class MemberInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => ID, { nullable: true })
  memberId?: string;
}

@InputType()
export class InviteTeamMemberInput extends MemberInput {
  @Field(() => RoleEnum, { nullable: true })
  role?: Role;

  @Field(() => ID, { nullable: true })
  organizationId?: string;
}

@InputType()
export class JoinCareTeamInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;
}

@InputType()
export class RemoveTeamMemberInput extends MemberInput {}

@InputType()
export class RestrictWorkerInput extends MemberInput {}

@InputType()
export class LiftRestrictionInput extends MemberInput {}

const InviteTeamMemberPayload = payloadType('inviteTeamMember', 'careTeamMember', () => CareTeamMember);
const JoinCareTeamPayload = payloadType('joinCareTeam', 'careTeamMember', () => CareTeamMember);
const RemoveTeamMemberPayload = payloadType('removeTeamMember', 'careTeamMember', () => CareTeamMember);
const RestrictWorkerPayload = payloadType('restrictWorker', 'participant', () => Participant);
const LiftRestrictionPayload = payloadType('liftRestriction', 'participant', () => Participant);

@Resolver(() => CareTeamMember)
export class CareTeamResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations, @Inject(NodeTypes) private readonly nodes: NodeTypes) {}

  @ResolveField(() => Participant, { nullable: true })
  participant(@Parent() member: CareTeamMember): Promise<Participant | null> {
    return participantOf(member);
  }

  @Mutation(() => InviteTeamMemberPayload, { nullable: true })
  inviteTeamMember(
    @Args('input') input: InviteTeamMemberInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(inviteTeamMemberBinding, input, context, info, 'careTeamMember', this.load);
  }

  @Mutation(() => JoinCareTeamPayload, { nullable: true })
  joinCareTeam(@Args('input') input: JoinCareTeamInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.mutations.run(joinCareTeamBinding, input, context, info, 'careTeamMember', this.load);
  }

  @Mutation(() => RemoveTeamMemberPayload, { nullable: true })
  removeTeamMember(
    @Args('input') input: RemoveTeamMemberInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(removeTeamMemberBinding, input, context, info, 'careTeamMember', this.load);
  }

  @Mutation(() => RestrictWorkerPayload, { nullable: true })
  restrictWorker(
    @Args('input') input: RestrictWorkerInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(restrictWorkerBinding, input, context, info, 'participant', participantLookUp);
  }

  @Mutation(() => LiftRestrictionPayload, { nullable: true })
  liftRestriction(
    @Args('input') input: LiftRestrictionInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(liftRestrictionBinding, input, context, info, 'participant', participantLookUp);
  }

  private readonly load = (session: ViewSession, id: string) => this.nodes.load(session, id, careTeamMemberNode.itemType);
}

@Resolver(() => Participant)
export class ParticipantTeamResolver {
  @ResolveField(() => CareTeamMemberConnection, { description: 'In the order in which they were invited, or enrolled.' })
  async team(
    @Parent() { access, session }: Participant, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
  ): Promise<Connection<CareTeamMember>> {
    const page = await session.items(access, careTeamMemberNode.itemType, careTeamMemberTable, pageOf(forward, info), 'oldest');
    return toConnection(page, forward, (row) => presentMember(row, row.label, access, session));
  }
}
