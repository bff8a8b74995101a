import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { Deliveries } from './deliveries.js';
import { ParticipantTimelineResolver, TimelineResolver } from './graphql.js';

@Module({ providers: [Deliveries, ParticipantTimelineResolver, TimelineResolver] })
export class TimelineModule {}

/** The story as one list. It has no events of its own: every capability's projection writes its lines. */
export const timeline = capability({ name: 'timeline', module: TimelineModule });
