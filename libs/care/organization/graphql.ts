import { Inject } from '@nestjs/common';
import { Args, Field, ID, Info, InputType, Mutation, Resolver } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { CommandInput, Context, Mutations, Organization, payloadType, type RequestContext } from '@peerbridge/graphql';
import { registerOrganizationBinding } from './commands.js';

@InputType()
export class RegisterOrganizationInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  organizationId?: string;

  @Field(() => String, { nullable: true })
  name?: string;

  @Field(() => String, { nullable: true, description: 'The neutral name by which a Part 2 program is known outside it.' })
  alias?: string;

  @Field(() => Boolean, { nullable: true, description: 'Holds substance-use records under 42 CFR Part 2; default true.' })
  part2Program?: boolean;
}

const RegisterOrganizationPayload = payloadType('registerOrganization', 'organization', () => Organization);

@Resolver(() => Organization)
export class OrganizationResolver {
  constructor(@Inject(Mutations) private readonly mutations: Mutations) {}

  @Mutation(() => RegisterOrganizationPayload, { nullable: true })
  registerOrganization(
    @Args('input') input: RegisterOrganizationInput, @Context() context: RequestContext, @Info() info: GraphQLResolveInfo,
  ) {
    return this.mutations.run(registerOrganizationBinding, input, context, info, 'organization',
      (session, id) => session.organization(id));
  }
}
