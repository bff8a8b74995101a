import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { careTeamStream } from './decider.js';
import { careTeamMemberNode, CareTeamResolver, ParticipantTeamResolver } from './graphql.js';
import { careTeamProjection } from './read-model.js';

export { isBeforeEnrollment, membershipThen } from './membership.js';

@Module({ providers: [CareTeamResolver, ParticipantTeamResolver] })
export class CareTeamModule {}

export const careTeam = capability({
  name: 'careTeam', streams: [careTeamStream], projections: [careTeamProjection], nodeTypes: [careTeamMemberNode],
  module: CareTeamModule,
});
