import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { outcomeStream } from './decider.js';
import { OutcomeResolver } from './graphql.js';
import { outcomeProjection } from './read-model.js';

@Module({ providers: [OutcomeResolver] })
export class OutcomeModule {}

export const outcome = capability({
  name: 'outcome', streams: [outcomeStream], projections: [outcomeProjection], module: OutcomeModule,
});
