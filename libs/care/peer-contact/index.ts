import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { peerContactStream } from './decider.js';
import { ParticipantContactsResolver, peerContactNode, PeerContactResolver } from './graphql.js';
import { peerContactProjection } from './read-model.js';

@Module({ providers: [PeerContactResolver, ParticipantContactsResolver] })
export class PeerContactModule {}

export const peerContact = capability({
  name: 'peerContact', streams: [peerContactStream], projections: [peerContactProjection], nodeTypes: [peerContactNode],
  module: PeerContactModule,
});
