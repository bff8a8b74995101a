import { bind } from '@peerbridge/command';
import { isBeforeEnrollment, membershipThen } from '../care-team/index.js';
import { amendClinicianNote, clinicianNoteStream, recordClinicianNote } from './decider.js';

export const recordClinicianNoteBinding = bind(clinicianNoteStream, recordClinicianNote, {
  facts: async (context) => ({
    visible: context.access?.decision.visible ?? false, membership: membershipThen(context),
    beforeEnrollment: isBeforeEnrollment(context),
  }),
});
export const amendClinicianNoteBinding = bind(clinicianNoteStream, amendClinicianNote);
