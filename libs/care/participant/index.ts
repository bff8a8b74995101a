import { Module } from '@nestjs/common';
import { keeperProjection, wallProjection } from '@peerbridge/disclosure';
import { capability } from '../capability.js';
import { participantStream } from './decider.js';
import { ParticipantResolver, participantLookUp, WorkerParticipantsResolver } from './graphql.js';
import { participantProjection } from './read-model.js';

export { openParticipant, Participant, participantLookUp, participantOf, presentParticipant } from './graphql.js';

@Module({ providers: [ParticipantResolver, WorkerParticipantsResolver] })
export class ParticipantModule {}

export const participant = capability({
  name: 'participant', streams: [participantStream], projections: [participantProjection, wallProjection, keeperProjection],
  lookUps: [participantLookUp], module: ParticipantModule,
});
