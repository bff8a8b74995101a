import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { consentStream } from './decider.js';
import { consentNode, ConsentResolver, ConsentStatementsScalar, ParticipantConsentsResolver } from './graphql.js';
import { consentProjection } from './read-model.js';

@Module({ providers: [ConsentStatementsScalar, ConsentResolver, ParticipantConsentsResolver] })
export class ConsentModule {}

export const consent = capability({
  name: 'consent', streams: [consentStream], projections: [consentProjection], nodeTypes: [consentNode], module: ConsentModule,
});
