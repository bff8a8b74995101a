import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Mutation, ObjectType, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { permitsField } from '@peerbridge/disclosure';
import { CommandInput, Context, DateScalar, Mutations, payloadType, type RequestContext } from '@peerbridge/graphql';
import { Participant, participantLookUp } from '../participant/index.js';
import { recordEmploymentStatusBinding } from './commands.js';
import { employmentTable } from './read-model.js';
import { standingAfter, type Employment as Standing, type EmploymentReport } from './standing.js';

/** More than anybody has: what older reports alone speak of is not looked for. */
const REPORTS_READ = 100;

@ObjectType()
export class Employment implements Standing {
  @Field(() => String, { nullable: true })
  status!: string;

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

  @Field(() => DateScalar, { nullable: true, description: 'Absent: as it was, while the job is the same. Null takes it out.' })
  startDate?: string | null;

  @Field(() => String, { nullable: true, description: 'Absent: as it was. Null takes it out.' })
  accommodation?: string | null;
}

const RecordEmploymentStatusPayload = payloadType('recordEmploymentStatus', 'participant', () => Participant);

@Resolver(() => Participant)
export class OutcomeResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations) {}

  @ResolveField(() => Employment, {
    nullable: true, description: `As last reported, of what the viewer may see: by the last ${REPORTS_READ} reports.`,
  })
  async employment(@Parent() { access, session }: Participant): Promise<Employment | null> {
    if (!permitsField(access.decision, 'employment')) return null;
    const { rows } = await session.items(access, 'employment', employmentTable, { first: REPORTS_READ, count: false });
    const opened = await Promise.all(rows.map(({ row }) => session.open(row.sealed)));
    const reports = opened.map(({ fields }) => fields as Partial<EmploymentReport>);
    // Of a report whose key is gone nothing is known, not even that it says nothing.
    return standingAfter(reports.filter((report): report is EmploymentReport => report.status !== undefined).reverse());
  }

  @Mutation(() => RecordEmploymentStatusPayload, { nullable: true })
  recordEmploymentStatus(
    @Args('input') input: RecordEmploymentStatusInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(recordEmploymentStatusBinding, input, context, info, 'participant', participantLookUp);
  }
}
