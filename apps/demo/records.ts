import { isShown, type Life } from './life.js';
import type { Story } from './step.js';
import * as texts from './texts.js';
import { HOUR_MS, MINUTE_MS, timeOf, type Times } from './time.js';

/** Shortest and longest, in minutes. */
const minutesOf: Readonly<Record<string, readonly [from: number, to: number]>> = {
  inPerson: [30, 90], video: [20, 50], phone: [8, 35], text: [3, 15], group: [90, 90],
};

const callThemes = texts.contactThemes.filter(({ modalities }) => modalities.includes('phone'));

/** What peer and person did together, week by week, up to a year back. */
export function* contacts(life: Life, times: Times): Story {
  const { random, participantId, peer, person, substitute, details, openContacts } = life;
  const firstWeek = random.int(30, 52);
  const logged: { id: string; start: number; visibility: string }[] = [];
  for (let weeksAgo = firstWeek; weeksAgo >= 1; weeksAgo -= 1) {
    // Every week in the beginning, then as it suits; a gap ends nothing.
    const often = firstWeek - weeksAgo < 12 ? 100 : 75;
    const occasions = [
      ...(random.chance(often) ? ['meeting' as const] : []), ...(random.chance(30) ? ['call' as const] : []),
      ...(substitute && random.chance(8) ? ['visit' as const] : []),
    ];
    for (const occasion of occasions) {
      const theme = random.pick(occasion === 'call' ? callThemes : texts.contactThemes);
      const modality = occasion === 'call' ? 'phone' : random.pick(theme.modalities);
      const start = times[modality === 'group' ? 'circle' : occasion](weeksAgo);
      const [shortest, longest] = minutesOf[modality]!;
      const startedAt = timeOf(start);
      const coAuthored = random.chance(35);
      const visibility = (coAuthored || openContacts) && random.chance(60) ? 'team' : 'personAndPeer';
      const { id } = yield {
        as: occasion === 'visit' ? substitute! : peer, mutation: 'logPeerContact',
        input: {
          participantId, startedAt,
          endedAt: timeOf(start + random.int(shortest, longest) * MINUTE_MS),
          modality, setting: modality === 'inPerson' || modality === 'group' ? random.pick(theme.settings) : 'virtual',
          continuumStage: random.pick(['recovery', 'recovery', 'recovery', 'treatment', 'harmReduction']),
          supportTypes: theme.supportTypes, activities: theme.activities, dimensions: theme.dimensions,
          ...texts.contactTexts(random, theme, details.firstName),
          coAuthored, livedExperienceShared: random.chance(25), visibility,
        },
      };
      logged.push({ id, start, visibility });
    }
  }
  // The person reads along, and opens or closes what they like.
  for (const { id, start, visibility } of random.some(logged, random.int(0, 4))) {
    const other = visibility === 'team' ? 'personAndPeer' : 'team';
    const occurredAt = timeOf(start + 3 * HOUR_MS);
    yield { as: person, mutation: 'setContactVisibility', input: { contactId: id, occurredAt, visibility: other } };
  }
}

/** What clinician and physician keep in their own records. */
export function* notes({ random, clinician, physician, participantId, details }: Life, times: Times): Story {
  const authors = [
    { as: clinician, themes: texts.clinicianThemes, authorCredential: 'LCSW', count: random.int(5, 10) },
    ...(physician ? [{ as: physician, themes: texts.physicianThemes, authorCredential: 'MD', count: random.int(2, 5) }] : []),
  ];
  for (const { as, themes, authorCredential, count } of authors) {
    for (let nth = count; nth >= 1; nth -= 1) {
      const { noteType, segments, bodies, sharedWithPeer } = random.pick(themes);
      const seen = times.office(nth * Math.floor(50 / count), random);
      const { id } = yield {
        as, mutation: 'recordClinicianNote',
        input: {
          participantId, occurredAt: timeOf(seen), noteType, segments, body: texts.fill(random.pick(bodies), details.firstName),
          authorCredential, sharedWithPeer: sharedWithPeer && random.chance(60),
        },
      };
      if (!random.chance(15)) continue;
      const { reason, body } = random.pick(texts.amendments);
      yield {
        as, mutation: 'amendClinicianNote',
        input: { noteId: id, occurredAt: timeOf(seen + HOUR_MS), reason, body: texts.fill(body, details.firstName) },
      };
    }
  }
}

const atWork = ['fullTime', 'partTime', 'seasonal'];

/** Work, as person or peer reported it through the year. */
export function* employment(life: Life, times: Times): Story {
  const { random, participantId, person, peer } = life;
  const path = isShown(life) ? ['lookingForWork', 'partTime'] : random.pick([
    ['lookingForWork', 'partTime', 'fullTime'], ['lookingForWork', 'seasonal'], ['unableToWork', 'lookingForWork'],
    ['lookingForWork', 'partTime'], ['partTime'], ['notLooking'],
  ]);
  for (const [nth, status] of path.entries()) {
    const occurredAt = timeOf(times.office((path.length - nth) * 12, random));
    const working = atWork.includes(status);
    yield {
      as: random.pick([person, peer]), mutation: 'recordEmploymentStatus',
      input: {
        participantId, occurredAt, status,
        ...(working && { startDate: occurredAt.slice(0, 10) }),
        ...(working && (isShown(life) || random.chance(50)) && { accommodation: random.pick(texts.accommodations) }),
      },
    };
  }
}
