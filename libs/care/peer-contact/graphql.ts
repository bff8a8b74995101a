import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Int, Mutation, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import {
  keepsAsWritten, labelOf, permitsContactNarrative, type ItemRow, type PersonAccess, type ViewSession,
} from '@peerbridge/disclosure';
import {
  CommandInput, connectionType, Context, DateTimeScalar, Forward, Mutations, Node, NodeTypes, pageOf, payloadType, presentWorker,
  toConnection, Worker, type Connection, type NodeType, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import type { Role } from '@peerbridge/kernel';
import { Participant, participantOf } from '../participant/index.js';
import {
  amendPeerContactBinding, logPeerContactBinding, markContactEnteredInErrorBinding, setContactVisibilityBinding,
} from './commands.js';
import { peerContactTable, type PeerContactRow } from './read-model.js';

@ObjectType({ implements: () => [Node] })
export class PeerContact extends Node implements Presented {
  readonly __typename = 'PeerContact';
  session!: ViewSession;
  access!: PersonAccess;

  @Field(() => Int)
  version!: number;

  @Field(() => Worker, { nullable: true })
  author!: Worker | null;

  @Field(() => DateTimeScalar, { nullable: true })
  startedAt!: string;

  @Field(() => DateTimeScalar, { nullable: true })
  endedAt!: string;

  @Field(() => String, { nullable: true })
  modality!: string;

  @Field(() => String, { nullable: true })
  setting!: string | null;

  @Field(() => String, { nullable: true })
  continuumStage!: string | null;

  @Field(() => [String], { nullable: true })
  supportTypes!: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  activities!: readonly string[] | null;

  @Field(() => [String], { nullable: true })
  dimensions!: readonly string[] | null;

  @Field(() => [ID], { nullable: true })
  goalIds!: readonly string[];

  @Field(() => String, { nullable: true })
  summary!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'For the two of them and the team\'s peers; never for clinicians or outside.',
  })
  narrative!: string | null;

  @Field(() => Boolean, { nullable: true })
  coAuthored!: boolean;

  @Field(() => Boolean, { nullable: true })
  livedExperienceShared!: boolean | null;

  @Field(() => String, { nullable: true })
  visibility!: string;

  @Field({ description: 'Struck out by its author: for the two of them alone.' })
  enteredInError!: boolean;
}

async function presentContact(
  row: PeerContactRow, item: ItemRow, access: PersonAccess, session: ViewSession,
): Promise<PeerContact> {
  const { fields } = await session.open(row.sealed);
  const author = { memberId: row.author_id, role: row.author_role as Role, orgId: row.author_org_id };
  const asWritten = keepsAsWritten(access.decision, labelOf(item));
  return Object.assign(new PeerContact(), {
    id: row.id, version: item.version, author: presentWorker(session, access, author), startedAt: row.started_at,
    endedAt: row.ended_at,
    modality: row.modality, setting: fields['setting'] ?? null, continuumStage: fields['continuumStage'] ?? null,
    supportTypes: fields['supportTypes'] ?? null, activities: fields['activities'] ?? null,
    dimensions: fields['dimensions'] ?? null, goalIds: row.goal_ids, summary: fields['summary'] ?? null,
    narrative: permitsContactNarrative(access.decision, labelOf(item)) ? fields['narrative'] ?? null : null,
    coAuthored: row.co_authored, livedExperienceShared: fields['livedExperienceShared'] ?? null,
    visibility: asWritten ? row.first_visibility : row.visibility, enteredInError: row.entered_in_error, access, session,
  });
}

export const peerContactNode: NodeType<PeerContactRow, PeerContact> = {
  itemType: 'peerContact', table: peerContactTable, present: presentContact,
};

const PeerContactConnection = connectionType('PeerContact', () => PeerContact);

@InputType()
export class LogPeerContactInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => DateTimeScalar, { nullable: true })
  startedAt?: string;

  @Field(() => DateTimeScalar, { nullable: true })
  endedAt?: string;

  @Field(() => String, { nullable: true })
  modality?: string;

  @Field(() => String, { nullable: true })
  setting?: string;

  @Field(() => String, { nullable: true })
  continuumStage?: string;

  @Field(() => [String], { nullable: true })
  supportTypes?: string[];

  @Field(() => [String], { nullable: true })
  activities?: string[];

  @Field(() => [String], { nullable: true })
  dimensions?: string[];

  @Field(() => [ID], { nullable: true })
  goalIds?: string[];

  @Field(() => String, { nullable: true })
  summary?: string;

  @Field(() => String, { nullable: true })
  narrative?: string;

  @Field(() => Boolean, { nullable: true })
  coAuthored?: boolean;

  @Field(() => Boolean, { nullable: true })
  livedExperienceShared?: boolean;

  @Field(() => String, { nullable: true })
  visibility?: string;
}

@InputType()
export class SetContactVisibilityInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  contactId?: string;

  @Field(() => String, { nullable: true })
  visibility?: string;
}

@InputType()
export class AmendPeerContactInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  contactId?: string;

  @Field(() => DateTimeScalar, { nullable: true })
  startedAt?: string;

  @Field(() => DateTimeScalar, { nullable: true })
  endedAt?: string;

  @Field(() => String, { nullable: true })
  modality?: string;

  @Field(() => String, { nullable: true, description: 'Null takes it out.' })
  setting?: string | null;

  @Field(() => String, { nullable: true, description: 'Null takes it out.' })
  continuumStage?: string | null;

  @Field(() => [String], { nullable: true })
  supportTypes?: string[];

  @Field(() => [String], { nullable: true })
  activities?: string[];

  @Field(() => [String], { nullable: true })
  dimensions?: string[];

  @Field(() => [ID], { nullable: true })
  goalIds?: string[];

  @Field(() => String, { nullable: true })
  summary?: string;

  @Field(() => String, { nullable: true, description: 'Null takes it out.' })
  narrative?: string | null;

  @Field(() => Boolean, { nullable: true })
  coAuthored?: boolean;

  @Field(() => Boolean, { nullable: true })
  livedExperienceShared?: boolean;
}

@InputType()
export class MarkContactEnteredInErrorInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  contactId?: string;

  @Field(() => String, { nullable: true })
  reason?: string;
}

const LogPeerContactPayload = payloadType('logPeerContact', 'peerContact', () => PeerContact);
const SetContactVisibilityPayload = payloadType('setContactVisibility', 'peerContact', () => PeerContact);
const AmendPeerContactPayload = payloadType('amendPeerContact', 'peerContact', () => PeerContact);
const MarkContactEnteredInErrorPayload = payloadType('markContactEnteredInError', 'peerContact', () => PeerContact);

@Resolver(() => PeerContact)
export class PeerContactResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations, @Inject(NodeTypes) private readonly nodes: NodeTypes) {}

  @ResolveField(() => Participant, { nullable: true })
  participant(@Parent() contact: PeerContact): Promise<Participant | null> {
    return participantOf(contact);
  }

  @Mutation(() => LogPeerContactPayload, { nullable: true })
  logPeerContact(
    @Args('input') input: LogPeerContactInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(logPeerContactBinding, input, context, info, 'peerContact', this.load);
  }

  @Mutation(() => SetContactVisibilityPayload, { nullable: true })
  setContactVisibility(
    @Args('input') input: SetContactVisibilityInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(setContactVisibilityBinding, input, context, info, 'peerContact', this.load);
  }

  @Mutation(() => AmendPeerContactPayload, {
    nullable: true, description: 'By its author: what is absent stands as it was. Who sees it is not amended.',
  })
  amendPeerContact(
    @Args('input') input: AmendPeerContactInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(amendPeerContactBinding, input, context, info, 'peerContact', this.load);
  }

  @Mutation(() => MarkContactEnteredInErrorPayload, {
    nullable: true, description: 'By its author: from then on it is there for the two of them alone, marked.',
  })
  markContactEnteredInError(
    @Args('input') input: MarkContactEnteredInErrorInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(markContactEnteredInErrorBinding, input, context, info, 'peerContact', this.load);
  }

  private readonly load = (session: ViewSession, id: string) => this.nodes.load(session, id, peerContactNode.itemType);
}

@Resolver(() => Participant)
export class ParticipantContactsResolver {
  @ResolveField(() => PeerContactConnection, { description: 'Newest startedAt first; ties by when they were recorded.' })
  async contacts(
    @Parent() { access, session }: Participant, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
  ): Promise<Connection<PeerContact>> {
    const page = await session.items(access, peerContactNode.itemType, peerContactTable, pageOf(forward, info));
    return toConnection(page, forward, (row) => presentContact(row, row.label, access, session));
  }
}
