import { Module } from '@nestjs/common';
import { capability } from '../capability.js';
import { clinicianNoteStream } from './decider.js';
import { clinicianNoteNode, ClinicianNoteResolver, ParticipantNotesResolver } from './graphql.js';
import { clinicianNoteProjection } from './read-model.js';

@Module({ providers: [ClinicianNoteResolver, ParticipantNotesResolver] })
export class ClinicianNoteModule {}

export const clinicianNote = capability({
  name: 'clinicianNote', streams: [clinicianNoteStream], projections: [clinicianNoteProjection], nodeTypes: [clinicianNoteNode],
  module: ClinicianNoteModule,
});
