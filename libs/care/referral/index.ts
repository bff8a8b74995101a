import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { referralStream } from './decider.js';
import { ParticipantReferralsResolver, referralNode, ReferralResolver } from './graphql.js';
import { referralProjection } from './read-model.js';

@Module({ providers: [ReferralResolver, ParticipantReferralsResolver] })
export class ReferralModule {}

export const referral = capability({
  name: 'referral', streams: [referralStream], projections: [referralProjection], nodeTypes: [referralNode],
  module: ReferralModule,
});
