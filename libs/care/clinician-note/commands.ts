import { bind } from '@peerbridge/command';
import { amendClinicianNote, clinicianNoteStream, recordClinicianNote } from './decider.js';

export const recordClinicianNoteBinding = bind(clinicianNoteStream, recordClinicianNote);
export const amendClinicianNoteBinding = bind(clinicianNoteStream, amendClinicianNote);
