import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Int, Mutation, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import type { ItemRow, PersonAccess, ViewSession } from '@peerbridge/disclosure';
import type { AnyCommandBinding } from '@peerbridge/command';
import {
  CommandInput, connectionType, Context, DateScalar, Forward, Mutations, Node, NodeTypes, Organization, pageOf, payloadType,
  toConnection, type Connection, type NodeType, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import { openParticipant, Participant, participantOf } from '../participant/index.js';
import * as bindings from './commands.js';
import type { SharedField as SharedFieldName } from './events.js';
import { confirmationDays, referralStates, referralStatus } from './life-cycle.js';
import { referralTable, type ReferralRow } from './read-model.js';
import { fieldsThatLeave } from './shared.js';

@ObjectType({ description: 'What leaves with a referral: the chosen fields within the minimum that the target needs.' })
export class SharedField {
  @Field()
  name!: string;

  @Field(() => String, { nullable: true })
  value!: string | null;
}

@ObjectType({ implements: () => [Node] })
export class Referral extends Node implements Presented {
  readonly __typename = 'Referral';
  session!: ViewSession;
  access!: PersonAccess;
  sourceOrgId!: string;
  targetOrgId!: string;
  leaving!: readonly SharedFieldName[];

  @Field(() => Int)
  version!: number;

  @Field({ description: `One of ${referralStates.join(', ')}. Unconfirmed: delivered, at an end, and not counted successful.` })
  state!: string;

  @Field({ description: 'FHIR R4 Task.status.' })
  taskStatus!: string;

  @Field({ description: 'FHIR R4 ServiceRequest.status.' })
  serviceRequestStatus!: string;

  @Field()
  needCategory!: string;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field()
  disputed!: boolean;

  @Field(() => String, { nullable: true })
  gotHelp!: string | null;
}

async function presentReferral(row: ReferralRow, item: ItemRow, access: PersonAccess, session: ViewSession): Promise<Referral> {
  const leaving = fieldsThatLeave(row.need_category, row.shared_fields);
  const { orgId } = session.caller;
  const isTarget = orgId === row.target_org_id && orgId !== item.source_org_id && !access.decision.self;
  const mayReadReason = !isTarget || leaving.includes('reason');
  const { fields } = await session.open(row.sealed);
  return Object.assign(new Referral(), {
    id: row.id, version: item.version, state: row.state, ...referralStatus[row.state], needCategory: row.need_category,
    reason: mayReadReason ? fields['reason'] ?? null : null, disputed: row.disputed, gotHelp: fields['gotHelp'] ?? null,
    sourceOrgId: item.source_org_id,
    targetOrgId: row.target_org_id, leaving, access, session,
  });
}

export const referralNode: NodeType<ReferralRow, Referral> = {
  itemType: 'referral', table: referralTable, present: presentReferral,
};

const ReferralConnection = connectionType('Referral', () => Referral);

@InputType()
export class DraftReferralInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  needCategory?: string;

  @Field(() => ID, { nullable: true })
  targetOrganizationId?: string;

  @Field(() => ID, { nullable: true })
  serviceId?: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Of preferredName, contact, householdSize, accessibility, livingSituation, reason.',
  })
  sharedFields?: string[];

  @Field(() => String, { nullable: true })
  reason?: string;

  @Field(() => Boolean, { nullable: true, description: 'Whether the peer of a person who refers themself is shown it.' })
  tellPeer?: boolean;
}

@InputType({ isAbstract: true })
abstract class OfReferralInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  referralId?: string;
}

@InputType()
export class SendReferralInput extends OfReferralInput {}

@InputType()
export class AcceptReferralInput extends OfReferralInput {}

@InputType()
export class StartReferralInput extends OfReferralInput {}

@InputType()
export class DeliverReferralInput extends OfReferralInput {}

@InputType()
export class ReopenReferralInput extends OfReferralInput {}

@InputType()
export class DeclineReferralInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  reason?: string;

  @Field(() => String, { nullable: true })
  text?: string;
}

@InputType()
export class HoldReferralInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  reason?: string;

  @Field(() => String, { nullable: true })
  text?: string;

  @Field(() => DateScalar, { nullable: true })
  reviewOn?: string;
}

@InputType()
export class FailReferralInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  text?: string;
}

@InputType()
export class ConfirmReferralInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  gotHelp?: string;
}

@InputType()
export class CloseUnconfirmedReferralInput extends OfReferralInput {}

@InputType()
export class DisputeReferralInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  text?: string;
}

@InputType()
export class WithdrawReferralInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  reason?: string;
}

@InputType()
export class MarkReferralEnteredInErrorInput extends OfReferralInput {
  @Field(() => String, { nullable: true })
  reason?: string;
}

const DraftReferralPayload = payloadType('draftReferral', 'referral', () => Referral);
const SendReferralPayload = payloadType('sendReferral', 'referral', () => Referral);
const AcceptReferralPayload = payloadType('acceptReferral', 'referral', () => Referral);
const StartReferralPayload = payloadType('startReferral', 'referral', () => Referral);
const DeliverReferralPayload = payloadType('deliverReferral', 'referral', () => Referral);
const ReopenReferralPayload = payloadType('reopenReferral', 'referral', () => Referral);
const DeclineReferralPayload = payloadType('declineReferral', 'referral', () => Referral);
const HoldReferralPayload = payloadType('holdReferral', 'referral', () => Referral);
const FailReferralPayload = payloadType('failReferral', 'referral', () => Referral);
const ConfirmReferralPayload = payloadType('confirmReferral', 'referral', () => Referral);
const CloseUnconfirmedReferralPayload = payloadType('closeUnconfirmedReferral', 'referral', () => Referral);
const DisputeReferralPayload = payloadType('disputeReferral', 'referral', () => Referral);
const WithdrawReferralPayload = payloadType('withdrawReferral', 'referral', () => Referral);
const MarkReferralEnteredInErrorPayload = payloadType('markReferralEnteredInError', 'referral', () => Referral);

@Resolver(() => Referral)
export class ReferralResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations, @Inject(NodeTypes) private readonly nodes: NodeTypes) {}

  @ResolveField(() => Participant, { nullable: true })
  participant(@Parent() referral: Referral): Promise<Participant | null> {
    return participantOf(referral);
  }

  @ResolveField(() => Organization, {
    nullable: true,
    description: 'To an outside organization a Part 2 program is its neutral alias.',
  })
  sender(@Parent() { session, access, sourceOrgId }: Referral): Promise<Organization | null> {
    return session.organization(sourceOrgId, access);
  }

  @ResolveField(() => Organization, { nullable: true })
  target(@Parent() { session, access, targetOrgId }: Referral): Promise<Organization | null> {
    return session.organization(targetOrgId, access);
  }

  /** Each value only where this viewer may see the field itself, now. */
  @ResolveField(() => [SharedField])
  async shared(@Parent() { session, access, leaving, reason }: Referral): Promise<SharedField[]> {
    const fields = await openParticipant(session, access);
    const contact = fields.contact as { phone?: string; email?: string; address?: string } | null | undefined;
    const values: Record<SharedFieldName, unknown> = {
      preferredName: fields.preferredName,
      contact: contact && [contact.phone, contact.email, contact.address].filter(Boolean).join(', '),
      householdSize: fields.householdSize,
      accessibility: fields.accessibility,
      livingSituation: null,
      reason,
    };
    const textOf = (value: unknown) => (value === null || value === undefined ? null : String(value));
    return leaving.map((name) => ({ name, value: textOf(values[name]) }));
  }

  @Mutation(() => DraftReferralPayload, { nullable: true })
  draftReferral(@Args('input') input: DraftReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.run(bindings.draftReferralBinding, input, context, info);
  }

  @Mutation(() => SendReferralPayload, { nullable: true })
  sendReferral(@Args('input') input: SendReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.run(bindings.sendReferralBinding, input, context, info);
  }

  @Mutation(() => AcceptReferralPayload, { nullable: true })
  acceptReferral(
    @Args('input') input: AcceptReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.acceptReferralBinding, input, context, info);
  }

  @Mutation(() => StartReferralPayload, { nullable: true })
  startReferral(@Args('input') input: StartReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.run(bindings.startReferralBinding, input, context, info);
  }

  @Mutation(() => DeliverReferralPayload, { nullable: true })
  deliverReferral(
    @Args('input') input: DeliverReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.deliverReferralBinding, input, context, info);
  }

  @Mutation(() => ReopenReferralPayload, { nullable: true })
  reopenReferral(
    @Args('input') input: ReopenReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.reopenReferralBinding, input, context, info);
  }

  @Mutation(() => DeclineReferralPayload, { nullable: true })
  declineReferral(
    @Args('input') input: DeclineReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.declineReferralBinding, input, context, info);
  }

  @Mutation(() => HoldReferralPayload, { nullable: true })
  holdReferral(@Args('input') input: HoldReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.run(bindings.holdReferralBinding, input, context, info);
  }

  @Mutation(() => FailReferralPayload, { nullable: true })
  failReferral(@Args('input') input: FailReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.run(bindings.failReferralBinding, input, context, info);
  }

  @Mutation(() => ConfirmReferralPayload, { nullable: true })
  confirmReferral(
    @Args('input') input: ConfirmReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.confirmReferralBinding, input, context, info);
  }

  @Mutation(() => CloseUnconfirmedReferralPayload, {
    nullable: true,
    description: `Ends what was delivered at least ${confirmationDays} days ago and never confirmed: by target or requester.`,
  })
  closeUnconfirmedReferral(
    @Args('input') input: CloseUnconfirmedReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.closeUnconfirmedReferralBinding, input, context, info);
  }

  @Mutation(() => DisputeReferralPayload, { nullable: true })
  disputeReferral(
    @Args('input') input: DisputeReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.disputeReferralBinding, input, context, info);
  }

  @Mutation(() => WithdrawReferralPayload, { nullable: true })
  withdrawReferral(
    @Args('input') input: WithdrawReferralInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.withdrawReferralBinding, input, context, info);
  }

  @Mutation(() => MarkReferralEnteredInErrorPayload, { nullable: true })
  markReferralEnteredInError(
    @Args('input') input: MarkReferralEnteredInErrorInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.run(bindings.markReferralEnteredInErrorBinding, input, context, info);
  }

  private run(binding: AnyCommandBinding, input: object, context: RequestContext, info: GraphQLResolveInfo) {
    return this.mutations.run(binding, input, context, info, 'referral',
      (session, id) => this.nodes.load(session, id, referralNode.itemType));
  }
}

@Resolver(() => Participant)
export class ParticipantReferralsResolver {
  @ResolveField(() => ReferralConnection, { description: 'Newest first, by when they were drafted here.' })
  async referrals(
    @Parent() { access, session }: Participant, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
  ): Promise<Connection<Referral>> {
    const page = await session.items(access, referralNode.itemType, referralTable, pageOf(forward, info));
    return toConnection(page, forward, (row) => presentReferral(row, row.label, access, session));
  }
}
