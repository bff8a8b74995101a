import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Int, Mutation, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import type { ItemRow, PersonAccess, ViewSession } from '@peerbridge/disclosure';
import {
  CommandInput, connectionType, Context, DateTimeScalar, Forward, Mutations, Node, NodeTypes, pageOf, payloadType, presentWorker,
  SegmentEnum, toConnection, Worker, type Connection, type NodeType, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import type { Role, Segment } from '@peerbridge/kernel';
import { Participant, participantOf } from '../participant/index.js';
import { amendClinicianNoteBinding, recordClinicianNoteBinding } from './commands.js';
import { clinicianNoteTable, type ClinicianNoteRow } from './read-model.js';

@ObjectType({ description: 'A correction, beside what was written and never in its place.' })
export class Amendment {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  body!: string | null;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => DateTimeScalar)
  recordedAt!: string;
}

@ObjectType({ implements: () => [Node] })
export class ClinicianNote extends Node implements Presented {
  readonly __typename = 'ClinicianNote';
  session!: ViewSession;
  access!: PersonAccess;

  @Field(() => Int)
  version!: number;

  @Field(() => Worker, { nullable: true })
  author!: Worker | null;

  @Field(() => String, { nullable: true })
  noteType!: string | null;

  @Field(() => String, { nullable: true })
  body!: string | null;

  @Field(() => [SegmentEnum])
  segments!: readonly Segment[];

  @Field(() => String, { nullable: true })
  authorCredential!: string | null;

  @Field(() => Boolean, { nullable: true })
  sharedWithPeer!: boolean;

  @Field(() => [Amendment])
  amendments!: Amendment[];
}

async function presentNote(
  row: ClinicianNoteRow, item: ItemRow, access: PersonAccess, session: ViewSession,
): Promise<ClinicianNote> {
  const { fields } = await session.open(row.sealed);
  const amendments = await Promise.all(row.amendments.map(async ({ id, recordedAt, sealed }) => {
    const { fields: amended } = await session.open(sealed);
    return { id, recordedAt, body: amended['body'] ?? null, reason: amended['reason'] ?? null };
  }));
  const author = { memberId: row.author_id, role: row.author_role as Role, orgId: row.author_org_id };
  return Object.assign(new ClinicianNote(), {
    id: row.id, version: item.version, author: presentWorker(session, access, author), noteType: fields['noteType'] ?? null,
    body: fields['body'] ?? null, segments: row.segments, authorCredential: fields['authorCredential'] ?? null,
    sharedWithPeer: row.shared_with_peer, amendments, access, session,
  });
}

export const clinicianNoteNode: NodeType<ClinicianNoteRow, ClinicianNote> = {
  itemType: 'clinicianNote', table: clinicianNoteTable, present: presentNote,
};

const ClinicianNoteConnection = connectionType('ClinicianNote', () => ClinicianNote);

@InputType()
export class RecordClinicianNoteInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  noteType?: string;

  @Field(() => String, { nullable: true })
  body?: string;

  @Field(() => [SegmentEnum], { nullable: true })
  segments?: Segment[];

  @Field(() => String, { nullable: true })
  authorCredential?: string;

  @Field(() => Boolean, { nullable: true })
  sharedWithPeer?: boolean;
}

@InputType()
export class AmendClinicianNoteInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  noteId?: string;

  @Field(() => String, { nullable: true })
  body?: string;

  @Field(() => String, { nullable: true })
  reason?: string;
}

const RecordClinicianNotePayload = payloadType('recordClinicianNote', 'clinicianNote', () => ClinicianNote);
const AmendClinicianNotePayload = payloadType('amendClinicianNote', 'clinicianNote', () => ClinicianNote);

@Resolver(() => ClinicianNote)
export class ClinicianNoteResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations, @Inject(NodeTypes) private readonly nodes: NodeTypes) {}

  @ResolveField(() => Participant, { nullable: true })
  participant(@Parent() note: ClinicianNote): Promise<Participant | null> {
    return participantOf(note);
  }

  @Mutation(() => RecordClinicianNotePayload, { nullable: true })
  recordClinicianNote(
    @Args('input') input: RecordClinicianNoteInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(recordClinicianNoteBinding, input, context, info, 'clinicianNote', this.load);
  }

  @Mutation(() => AmendClinicianNotePayload, { nullable: true })
  amendClinicianNote(
    @Args('input') input: AmendClinicianNoteInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(amendClinicianNoteBinding, input, context, info, 'clinicianNote', this.load);
  }

  private readonly load = (session: ViewSession, id: string) => this.nodes.load(session, id, clinicianNoteNode.itemType);
}

@Resolver(() => Participant)
export class ParticipantNotesResolver {
  @ResolveField(() => ClinicianNoteConnection, { description: 'Newest first, by when they were written down.' })
  async notes(
    @Parent() { access, session }: Participant, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
  ): Promise<Connection<ClinicianNote>> {
    const page = await session.items(access, clinicianNoteNode.itemType, clinicianNoteTable, pageOf(forward, info));
    return toConnection(page, forward, (row) => presentNote(row, row.label, access, session));
  }
}
