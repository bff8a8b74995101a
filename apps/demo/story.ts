import { workers } from './cast.js';
import { consentsOf, turn } from './consents.js';
import type { Life } from './life.js';
import { contacts, employment, notes } from './records.js';
import { referral } from './referrals.js';
import type { Story } from './step.js';
import { timeOf, timesOf, type Times } from './time.js';

/**
 * A year of one person, as the center enters it on the day it moves to Peerbridge: everything was kept on paper until then,
 * and is entered late, each with the time at which it happened. They enroll and sign their consents at the beginning of the
 * year; nothing leaves for another organization before the consent to it.
 * @param enrolledAt all times of the story follow from it, so that a repeat sends the same
 */
export function* yearOf(life: Life, enrolledAt: string): Story {
  const times = timesOf(enrolledAt, life.nth);
  yield* enrollment(life, times);
  const consents = yield* consentsOf(life, times);
  yield* careTeam(life, times);
  yield* contacts(life, times);
  yield* notes(life, times);
  yield* employment(life, times);
  for (const [nth, need] of life.needs.entries()) yield* referral(life, need, times, nth);
  yield* turn(life, consents, times);
}

function* enrollment({ participantId, peer, person, details, openContacts }: Life, times: Times): Story {
  yield {
    as: peer, mutation: 'enrollParticipant',
    input: { participantId, occurredAt: timeOf(times.paper(0)), ...details.enrollment },
  };
  yield {
    as: person, mutation: 'changePreferences',
    input: {
      participantId, occurredAt: timeOf(times.paper(1)), ...details.preferences,
      ...(openContacts && { contactsOpenToTeam: true }),
    },
  };
}

function* careTeam({ participantId, person, peer, clinician, physician, kin, substitute, random }: Life, times: Times): Story {
  for (const member of [clinician, physician, kin, substitute]) {
    if (!member) continue;
    const { memberId, role, orgId: organizationId } = member;
    const host = member === kin ? person : random.pick([person, peer, workers.supervisor]);
    yield {
      as: host, mutation: 'inviteTeamMember',
      input: { participantId, occurredAt: timeOf(times.joining('invited')), memberId, role, organizationId },
    };
    yield { as: member, mutation: 'joinCareTeam', input: { participantId, occurredAt: timeOf(times.joining('joined')) } };
  }
}
