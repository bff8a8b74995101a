import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { organizationStream } from './decider.js';
import { OrganizationResolver } from './graphql.js';
import { organizationProjection } from './read-model.js';

export { registerOrganizationBinding } from './commands.js';

@Module({ providers: [OrganizationResolver] })
export class OrganizationModule {}

export const organization = capability({
  name: 'organization', streams: [organizationStream], projections: [organizationProjection], module: OrganizationModule,
});
