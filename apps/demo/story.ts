import { workers } from './cast.js';
import { consentsOf, turn } from './consents.js';
import type { Life } from './life.js';
import { contacts, employment, notes } from './records.js';
import { referral } from './referrals.js';
import { recordedAt, whenRecorded, type Story } from './step.js';
import { timesBefore } from './time.js';

/**
 * A year of one person, as the center would enter it on the day it moves to Peerbridge: they enroll and sign their
 * consents that day, and what was kept on paper until then is entered late, with the time at which it happened. Nothing
 * leaves for another organization before the consent to it: referrals are sent from that day on.
 */
export function* yearOf(life: Life): Story {
  const enrolledAt = yield* enrollment(life);
  const times = timesBefore(enrolledAt, life.nth);
  const consents = yield* consentsOf(life, enrolledAt);
  yield* careTeam(life);
  yield* contacts(life, times);
  yield* notes(life, times);
  yield* employment(life, times);
  for (const need of life.needs) yield* referral(life, need, enrolledAt);
  yield* turn(life, consents);
}

/** All times of the story follow from when this was recorded, so that a repeat sends the same. */
function* enrollment({ participantId, peer, person, details, openContacts }: Life): Story<string> {
  const { participant } = yield {
    as: peer, mutation: 'enrollParticipant', input: { participantId, ...details.enrollment },
    select: `participant { ${recordedAt('ParticipantEnrolled')} }`,
  };
  yield {
    as: person, mutation: 'changePreferences',
    input: { participantId, ...details.preferences, ...(openContacts && { contactsOpenToTeam: true }) },
  };
  return whenRecorded(participant);
}

function* careTeam({ participantId, person, peer, clinician, physician, kin, substitute, random }: Life): Story {
  for (const member of [clinician, physician, kin, substitute]) {
    if (!member) continue;
    const { memberId, role, orgId: organizationId } = member;
    const host = member === kin ? person : random.pick([person, peer, workers.supervisor]);
    yield { as: host, mutation: 'inviteTeamMember', input: { participantId, memberId, role, organizationId } };
    yield { as: member, mutation: 'joinCareTeam', input: { participantId } };
  }
}
