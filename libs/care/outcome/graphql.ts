import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Mutation, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { permitsField } from '@peerbridge/disclosure';
import { CommandInput, Context, DateScalar, Mutations, payloadType, type RequestContext } from '@peerbridge/graphql';
import { Participant, participantLookUp } from '../participant/index.js';
import { recordEmploymentStatusBinding } from './commands.js';
import { employmentTable } from './read-model.js';

@ObjectType()
export class Employment {
  @Field(() => String, { nullable: true })
  status!: string | null;

  @Field(() => DateScalar, { nullable: true })
  startDate!: string | null;

  @Field(() => String, { nullable: true, description: 'In the wording that the person approved.' })
  accommodation!: string | null;
}

@InputType()
export class RecordEmploymentStatusInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  status?: string;

  @Field(() => DateScalar, { nullable: true })
  startDate?: string;

  @Field(() => String, { nullable: true })
  accommodation?: string;
}

const RecordEmploymentStatusPayload = payloadType('recordEmploymentStatus', 'participant', () => Participant);

@Resolver(() => Participant)
export class OutcomeResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations) {}

  @ResolveField(() => Employment, { nullable: true, description: 'As last reported, of what the viewer may see.' })
  async employment(@Parent() { access, session }: Participant): Promise<Employment | null> {
    if (!permitsField(access.decision, 'employment')) return null;
    const { rows: [latest] } = await session.items(access, 'employment', employmentTable, { first: 1, count: false });
    if (!latest) return null;
    const { fields } = await session.open(latest.row.sealed);
    return {
      status: fields['status'] ?? null, startDate: fields['startDate'] ?? null, accommodation: fields['accommodation'] ?? null,
    } as Employment;
  }

  @Mutation(() => RecordEmploymentStatusPayload, { nullable: true })
  recordEmploymentStatus(
    @Args('input') input: RecordEmploymentStatusInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(recordEmploymentStatusBinding, input, context, info, 'participant', participantLookUp);
  }
}
