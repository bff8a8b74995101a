import { Inject } from '@nestjs/common';
import {
  Args, Field, ID, Info, InputType, Int, Mutation, ObjectType, Parent, Query, ResolveField, Resolver,
} from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import {
  participantFields, permitsField, permitsSegment, SharedView, type ParticipantField, type PersonAccess,
  type SegmentAccess as Access,
  type ViewSession,
} from '@peerbridge/disclosure';
import {
  CommandInput, connectionType, Context, DateScalar, DateTimeScalar, Forward, Mutations, Node, NodeId, pageOf, payloadType,
  SegmentEnum, selects, sessionOf, toConnection, Worker, type Connection, type NodeLookUp, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import type { Segment } from '@peerbridge/kernel';
import { changePreferencesBinding, correctParticipantBinding, enrollParticipantBinding } from './commands.js';
import { participantTable } from './read-model.js';

@ObjectType()
export class ContactDetails {
  @Field(() => String, { nullable: true })
  phone?: string;

  @Field(() => String, { nullable: true })
  email?: string;

  @Field(() => String, { nullable: true })
  address?: string;

  @Field(() => Boolean, { nullable: true })
  okToText?: boolean;
}

/** The person, as one viewer may see them. Other capabilities add their fields to this type. */
@ObjectType({ implements: () => [Node] })
export class Participant extends Node implements Presented {
  readonly __typename = 'Participant';
  session!: ViewSession;
  access!: PersonAccess;

  @Field(() => Int, { nullable: true })
  version?: number | null;

  @Field(() => String, { nullable: true })
  preferredName?: string | null;

  @Field(() => String, { nullable: true })
  legalName?: string | null;

  @Field(() => DateScalar, { nullable: true, description: 'As much of it as is known: 1980, 1980-05, 1980-05-17.' })
  birthDate?: string | null;

  @Field(() => ContactDetails, { nullable: true })
  contact?: ContactDetails | null;

  @Field(() => String, { nullable: true })
  language?: string | null;

  @Field(() => Boolean, { nullable: true })
  interpreterNeeded?: boolean | null;

  @Field(() => Int, { nullable: true })
  householdSize?: number | null;

  @Field(() => String, { nullable: true })
  accessibility?: string | null;

  @Field(() => [String], { nullable: true })
  pathway?: string[] | null;

  @Field(() => String, { nullable: true })
  track?: string | null;

  @Field(() => String, { nullable: true })
  enrolledVia?: string | null;

  @Field(() => String, { nullable: true })
  setting?: string | null;

  @Field(() => String, { nullable: true })
  safeContact?: string | null;

  @Field(() => [String], { nullable: true })
  doNotAskTopics?: string[] | null;
}

/** The fields that lie in the participant's own row; `employment` is another capability's. */
const ownFields = (Object.keys(participantFields) as ParticipantField[]).filter((field) => field !== 'employment');

/** @param withFields false where no field of the row is asked for: what is not asked for is not opened */
export async function presentParticipant(session: ViewSession, access: PersonAccess, withFields = true): Promise<Participant> {
  const participant = Object.assign(new Participant(), { id: access.participantId, session, access });
  if (!withFields) return participant;
  const { version, ...fields } = await openParticipant(session, access);
  const mayKnowVersion = permitsSegment(access.decision, 'identity', access.decision.homeOrgId);
  return Object.assign(participant, fields, { version: mayKnowVersion ? version : null });
}

type OwnFields = Omit<Record<ParticipantField, unknown>, 'employment'>;

/** The participant's own fields that the viewer may see, and no others. */
export async function openParticipant(
  session: ViewSession, { participantId, decision }: PersonAccess,
): Promise<Partial<OwnFields> & { version: number | null }> {
  const row = await session.content(participantTable, participantId);
  if (!row) return { version: null };
  const permitted = ownFields.filter((field) => permitsField(decision, field));
  const segments = new Set<Segment>(permitted.map((field) => participantFields[field]));
  const { fields } = await session.open(row.sealed.filter(({ segment }) => segments.has(segment)));
  return { ...Object.fromEntries(permitted.map((field) => [field, fields[field] ?? null])), version: row.version };
}

/** The person a node speaks of, where the viewer may see them as a whole. */
export async function participantOf({ session, access }: Presented): Promise<Participant | null> {
  return access?.decision.visible ? presentParticipant(session, access) : null;
}

export const participantLookUp: NodeLookUp = async (session, id) => {
  const access = await session.person(id);
  return access ? presentParticipant(session, access) : null;
};

@ObjectType()
export class SegmentAccess {
  @Field(() => SegmentEnum)
  segment!: Segment;

  @Field()
  permitted!: boolean;

  @Field(() => String, { nullable: true })
  basis!: string | null;

  @Field(() => [ID])
  consentIds!: readonly string[];

  @Field(() => DateTimeScalar, { nullable: true })
  until!: string | null;

  @Field(() => String, { nullable: true })
  refusal!: string | null;
}

@ObjectType('Access', { description: 'What the caller may see of a person now, segment by segment, and on which basis.' })
export class AccessAnswer {
  @Field(() => ID)
  participantId!: string;

  @Field(() => DateTimeScalar)
  at!: string;

  @Field(() => [SegmentAccess])
  segments!: readonly Access[];
}

const ParticipantConnection = connectionType('Participant', () => Participant);

@InputType()
export class ContactDetailsInput {
  @Field(() => String, { nullable: true })
  phone?: string;

  @Field(() => String, { nullable: true })
  email?: string;

  @Field(() => String, { nullable: true })
  address?: string;

  @Field(() => Boolean, { nullable: true })
  okToText?: boolean;
}

@InputType({ isAbstract: true })
abstract class PreferencesInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  safeContact?: string | null;

  @Field(() => [String], { nullable: true })
  doNotAskTopics?: string[];

  @Field(() => ContactDetailsInput, { nullable: true })
  contact?: ContactDetailsInput;

  @Field(() => Int, { nullable: true })
  householdSize?: number | null;

  @Field(() => String, { nullable: true })
  accessibility?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'A standing wish that contacts be open to the team; only from the person.',
  })
  contactsOpenToTeam?: boolean;
}

@InputType()
export class EnrollParticipantInput extends PreferencesInput {
  @Field(() => String, { nullable: true })
  preferredName?: string;

  @Field(() => String, { nullable: true })
  legalName?: string;

  @Field(() => DateScalar, { nullable: true, description: 'As much of it as is known: 1980, 1980-05, 1980-05-17.' })
  birthDate?: string;

  @Field(() => String, { nullable: true })
  language?: string;

  @Field(() => Boolean, { nullable: true })
  interpreterNeeded?: boolean;

  @Field(() => String, { nullable: true })
  emergencyContact?: string;

  @Field(() => String, { nullable: true })
  regularSourceOfCare?: string;

  @Field(() => [String], { nullable: true })
  pathway?: string[];

  @Field(() => String, { nullable: true })
  track?: string;

  @Field(() => String, { nullable: true })
  enrolledVia?: string;

  @Field(() => String, { nullable: true })
  setting?: string;
}

@InputType()
export class ChangePreferencesInput extends PreferencesInput {}

@InputType()
export class CorrectParticipantInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  preferredName?: string;

  @Field(() => String, { nullable: true, description: 'Null takes it out.' })
  legalName?: string | null;

  @Field(() => DateScalar, { nullable: true, description: 'Null takes it out.' })
  birthDate?: string | null;

  @Field(() => String, { nullable: true })
  language?: string;
}

const EnrollParticipantPayload = payloadType('enrollParticipant', 'participant', () => Participant);
const CorrectParticipantPayload = payloadType('correctParticipant', 'participant', () => Participant);
const ChangePreferencesPayload = payloadType('changePreferences', 'participant', () => Participant);

@Resolver(() => Participant)
export class ParticipantResolver {
  constructor(@Inject(SharedView) private readonly view: SharedView, @Inject(Mutations) private readonly mutations: Mutations) {}

  @Query(() => Participant, {
    nullable: true,
    description: 'Null, and no error, for what is unknown, malformed or not to be seen.',
  })
  async participant(
    @Context() context: RequestContext, @Info() info: GraphQLResolveInfo, @NodeId('id') id: string,
    @Args('atLeast', { type: () => String, nullable: true }) atLeast?: string,
  ): Promise<Participant | null> {
    const session = await sessionOf(this.view, context, atLeast);
    const access = await session.person(id);
    return access ? presentParticipant(session, access, selects(info, 'version', ...ownFields)) : null;
  }

  @Query(() => ParticipantConnection, { description: 'Everyone of whom the caller may see anything.' })
  async participants(
    @Context() context: RequestContext, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
    @Args('atLeast', { type: () => String, nullable: true }) atLeast?: string,
  ): Promise<Connection<Participant>> {
    const session = await sessionOf(this.view, context, atLeast);
    const page = await session.participants(pageOf(forward, info));
    return toConnection(page, forward, (access) => presentParticipant(session, access));
  }

  @Query(() => AccessAnswer, { nullable: true })
  async access(
    @Context() context: RequestContext, @NodeId('participantId') participantId: string,
    @Args('atLeast', { type: () => String, nullable: true }) atLeast?: string,
  ): Promise<AccessAnswer | null> {
    const session = await sessionOf(this.view, context, atLeast);
    const access = await session.person(participantId);
    return access ? { participantId, at: session.instant, segments: access.decision.access } : null;
  }

  @Mutation(() => EnrollParticipantPayload, { nullable: true })
  enrollParticipant(
    @Args('input') input: EnrollParticipantInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(enrollParticipantBinding, input, context, info, 'participant', participantLookUp);
  }

  @Mutation(() => ChangePreferencesPayload, { nullable: true })
  changePreferences(
    @Args('input') input: ChangePreferencesInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(changePreferencesBinding, input, context, info, 'participant', participantLookUp);
  }

  @Mutation(() => CorrectParticipantPayload, { nullable: true })
  correctParticipant(
    @Args('input') input: CorrectParticipantInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(correctParticipantBinding, input, context, info, 'participant', participantLookUp);
  }
}

@Resolver(() => Worker)
export class WorkerParticipantsResolver {
  @ResolveField(() => ParticipantConnection, {
    description: 'Those with whom this worker is on a team, as far as the caller may see them.',
  })
  async participants(
    @Parent() worker: Worker, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
  ): Promise<Connection<Participant>> {
    const { session } = worker;
    const own = worker.id === session.caller.memberId;
    const page = await session.participants(pageOf(forward, info), own ? undefined : worker.id);
    return toConnection(page, forward, (access) => presentParticipant(session, access));
  }
}
