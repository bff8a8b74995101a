import { bind } from '@peerbridge/command';
import { membershipThen } from '../care-team/index.js';
import { amendClinicianNote, clinicianNoteStream, recordClinicianNote } from './decider.js';

export const recordClinicianNoteBinding = bind(clinicianNoteStream, recordClinicianNote, {
  facts: async (context) => ({ visible: context.access?.decision.visible ?? false, membership: membershipThen(context) }),
});
export const amendClinicianNoteBinding = bind(clinicianNoteStream, amendClinicianNote);
