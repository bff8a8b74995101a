import { Inject } from '@nestjs/common';
import {
  Args, Field, ID, Info, InputType, Int, Mutation, ObjectType, Parent, ResolveField, Resolver, Scalar, type CustomScalar,
} from '@nestjs/graphql';
import { GraphQLError, valueFromASTUntyped, type GraphQLResolveInfo, type ValueNode } from 'graphql';
import type { ItemRow, PersonAccess, ViewSession } from '@peerbridge/disclosure';
import {
  CommandInput, connectionType, Context, DateTimeScalar, Forward, Mutations, Node, NodeTypes, pageOf, payloadType, SegmentEnum,
  toConnection, type Connection, type NodeType, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import type { Segment } from '@peerbridge/kernel';
import { Participant, participantOf } from '../participant/index.js';
import {
  draftConsentBinding, grantConsentBinding, liftSuspensionBinding, narrowConsentBinding, revokeConsentBinding,
  suspendConsentBinding,
} from './commands.js';
import { consentStateAt } from './decider.js';
import { consentTable, type ConsentRow } from './read-model.js';

@ObjectType({ description: 'Exactly one of the three.' })
export class Recipient {
  @Field(() => ID, { nullable: true })
  orgId?: string | null;

  @Field(() => ID, { nullable: true })
  memberId?: string | null;

  @Field(() => String, { nullable: true, description: 'treatingProviders: clinicians and physicians on the team.' })
  class?: string | null;
}

@ObjectType({ description: 'Exactly one of the three.' })
export class Expiry {
  @Field(() => DateTimeScalar, { nullable: true })
  at?: string | null;

  @Field(() => String, { nullable: true })
  event?: string | null;

  @Field(() => Boolean, { nullable: true })
  none?: boolean | null;
}

@ObjectType({ implements: () => [Node] })
export class Consent extends Node implements Presented {
  readonly __typename = 'Consent';
  session!: ViewSession;
  access!: PersonAccess;

  @Field(() => Int)
  version!: number;

  @Field()
  kind!: string;

  @Field()
  state!: string;

  @Field(() => [SegmentEnum])
  segments!: readonly Segment[];

  @Field(() => [String])
  purposes!: readonly string[];

  @Field(() => [Recipient])
  recipients!: readonly Recipient[];

  @Field(() => DateTimeScalar, { nullable: true })
  signedAt!: string | null;

  @Field(() => DateTimeScalar, { nullable: true })
  effectiveFrom!: string | null;

  @Field(() => Expiry, { nullable: true })
  expiry!: Expiry | null;

  @Field(() => String, { nullable: true })
  copyHash!: string | null;
}

/** That a person is known to a Part 2 program is protected here too. */
async function presentRecipient(recipient: Recipient, access: PersonAccess, session: ViewSession): Promise<Recipient> {
  if (!recipient.orgId) return recipient;
  return { orgId: (await session.organization(recipient.orgId, access))?.id };
}

async function presentConsent(row: ConsentRow, item: ItemRow, access: PersonAccess, session: ViewSession): Promise<Consent> {
  const byDate = row.expiry?.at !== undefined || row.expiry?.none === true;
  const event = byDate || !row.expiry ? null : (await session.open(row.sealed)).fields['expiryEvent'] ?? null;
  return Object.assign(new Consent(), {
    id: row.id, version: item.version, kind: row.kind ?? 'unspecified',
    state: consentStateAt({ state: row.state, expiresAt: row.expiry?.at, revokedFrom: row.revoked_from }, session.instant),
    segments: row.segments, purposes: row.purposes, signedAt: row.signed_at,
    recipients: await Promise.all(row.recipients.map((one) => presentRecipient(one, access, session))),
    effectiveFrom: row.effective_from,
    expiry: row.expiry && { at: row.expiry.at ?? null, event, none: row.expiry.none ?? null }, copyHash: row.copy_hash, access,
    session,
  });
}

export const consentNode: NodeType<ConsentRow, Consent> = { itemType: 'consent', table: consentTable, present: presentConsent };

const ConsentConnection = connectionType('Consent', () => Consent);

/** The statements shown to the person: their names, as a list or as an object of booleans. */
@Scalar('ConsentStatements')
export class ConsentStatementsScalar implements CustomScalar<unknown, string[]> {
  readonly description =
    'Which of rightToRevoke, redisclosure, refusalConsequences were shown: a list of names, or {name: true}.';

  serialize(value: unknown): unknown {
    return value;
  }

  parseValue(value: unknown): string[] {
    if (Array.isArray(value)) return value.map(String);
    if (typeof value === 'string') return [value];
    if (value === null || typeof value !== 'object') {
      throw new GraphQLError('Statements are a list of names, or an object of booleans.');
    }
    return Object.entries(value).filter(([, shown]) => shown === true).map(([name]) => name);
  }

  parseLiteral(node: ValueNode, variables?: Record<string, unknown> | null): string[] {
    return this.parseValue(valueFromASTUntyped(node, variables));
  }
}

@InputType()
export class RecipientInput {
  @Field(() => ID, { nullable: true })
  orgId?: string;

  @Field(() => ID, { nullable: true })
  memberId?: string;

  @Field(() => String, { nullable: true })
  class?: string;
}

@InputType()
export class ExpiryInput {
  @Field(() => DateTimeScalar, { nullable: true })
  at?: string;

  @Field(() => String, { nullable: true })
  event?: string;

  @Field(() => Boolean, { nullable: true })
  none?: boolean;
}

@InputType()
export class SignatureInput {
  @Field(() => String, { nullable: true })
  method?: string;

  @Field(() => String, { nullable: true, description: 'The person: by participant id, member id, or preferred or legal name.' })
  signer?: string;

  @Field(() => String, { nullable: true, description: 'self. Others are named by law and not enabled.' })
  capacity?: string;
}

@InputType({ isAbstract: true })
abstract class ConsentFormInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  kind?: string;

  @Field(() => ID, { nullable: true, description: 'The organization whose records it opens.' })
  discloser?: string;

  @Field(() => [RecipientInput], { nullable: true })
  recipients?: RecipientInput[];

  @Field(() => [SegmentEnum], { nullable: true })
  segments?: Segment[];

  @Field(() => [String], { nullable: true, description: 'v3-PurposeOfUse.' })
  purposes?: string[];

  @Field(() => String, { nullable: true, description: 'SHA-256 of the form, 64 digits of hex.' })
  formHash?: string;

  @Field(() => String, { nullable: true, description: 'Up to 32 letters, digits, dots, hyphens and underscores.' })
  formVersion?: string;

  @Field(() => SignatureInput, { nullable: true, description: 'By the person alone.' })
  signature?: SignatureInput;

  @Field(() => DateTimeScalar, { nullable: true })
  signedAt?: string;

  @Field(() => DateTimeScalar, { nullable: true })
  effectiveFrom?: string;

  @Field(() => ExpiryInput, { nullable: true })
  expiry?: ExpiryInput;

  @Field(() => ConsentStatementsScalar, { nullable: true })
  statements?: string[];

  @Field(() => DateTimeScalar, { nullable: true, description: 'criminalJustice only, and needed there (42 CFR 2.35).' })
  revocableFrom?: string;
}

@InputType()
export class DraftConsentInput extends ConsentFormInput {}

@InputType()
export class GrantConsentInput extends ConsentFormInput {
  @Field(() => ID, { nullable: true, description: 'Of a draft, whose elements stand where no others are given.' })
  consentId?: string;
}

@InputType({ isAbstract: true })
abstract class OfConsentInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  consentId?: string;
}

@InputType()
export class NarrowConsentInput extends OfConsentInput {
  @Field(() => [SegmentEnum], { nullable: true, description: 'What stays: fewer than before.' })
  segments?: Segment[];
}

@InputType()
export class SuspendConsentInput extends OfConsentInput {}

@InputType()
export class LiftSuspensionInput extends OfConsentInput {}

@InputType()
export class RevokeConsentInput extends OfConsentInput {
  @Field(() => String, { nullable: true, description: 'SHA-256 of the written revocation, hex; not needed from the person.' })
  artifactHash?: string;
}

const DraftConsentPayload = payloadType('draftConsent', 'consent', () => Consent);
const GrantConsentPayload = payloadType('grantConsent', 'consent', () => Consent);
const NarrowConsentPayload = payloadType('narrowConsent', 'consent', () => Consent);
const SuspendConsentPayload = payloadType('suspendConsent', 'consent', () => Consent);
const LiftSuspensionPayload = payloadType('liftSuspension', 'consent', () => Consent);
const RevokeConsentPayload = payloadType('revokeConsent', 'consent', () => Consent);

@Resolver(() => Consent)
export class ConsentResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations, @Inject(NodeTypes) private readonly nodes: NodeTypes) {}

  @ResolveField(() => Participant, { nullable: true })
  participant(@Parent() consent: Consent): Promise<Participant | null> {
    return participantOf(consent);
  }

  @Mutation(() => DraftConsentPayload, { nullable: true })
  draftConsent(@Args('input') input: DraftConsentInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.mutations.run(draftConsentBinding, input, context, info, 'consent', this.load);
  }

  @Mutation(() => GrantConsentPayload, { nullable: true })
  grantConsent(@Args('input') input: GrantConsentInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.mutations.run(grantConsentBinding, input, context, info, 'consent', this.load);
  }

  @Mutation(() => NarrowConsentPayload, { nullable: true })
  narrowConsent(@Args('input') input: NarrowConsentInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.mutations.run(narrowConsentBinding, input, context, info, 'consent', this.load);
  }

  @Mutation(() => SuspendConsentPayload, { nullable: true })
  suspendConsent(
    @Args('input') input: SuspendConsentInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(suspendConsentBinding, input, context, info, 'consent', this.load);
  }

  @Mutation(() => LiftSuspensionPayload, { nullable: true })
  liftSuspension(
    @Args('input') input: LiftSuspensionInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(liftSuspensionBinding, input, context, info, 'consent', this.load);
  }

  @Mutation(() => RevokeConsentPayload, { nullable: true })
  revokeConsent(@Args('input') input: RevokeConsentInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo) {
    return this.mutations.run(revokeConsentBinding, input, context, info, 'consent', this.load);
  }

  private readonly load = (session: ViewSession, id: string) => this.nodes.load(session, id, consentNode.itemType);
}

@Resolver(() => Participant)
export class ParticipantConsentsResolver {
  @ResolveField(() => ConsentConnection, { description: 'Newest first, by when they were drafted or granted here.' })
  async consents(
    @Parent() { access, session }: Participant, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
  ): Promise<Connection<Consent>> {
    const page = await session.items(access, consentNode.itemType, consentTable, pageOf(forward, info));
    return toConnection(page, forward, (row) => presentConsent(row, row.label, access, session));
  }
}
