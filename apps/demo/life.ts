import type { Role } from '@peerbridge/kernel';
import { actor, center, demoId, workers, type Actor } from './cast.js';
import { personOf, type Person } from './people.js';
import { Random } from './random.js';

/** What becomes of a referral after it was written down. */
export const courses = {
  drafted: [],
  sent: ['send'],
  waiting: ['send', 'accept', 'hold'],
  underWay: ['send', 'accept', 'start'],
  helped: ['send', 'accept', 'start', 'deliver', 'confirm'],
  helpedAfterWaiting: ['send', 'accept', 'hold', 'start', 'deliver', 'confirm'],
  disputed: ['send', 'accept', 'start', 'deliver', 'dispute', 'reopen', 'deliver', 'confirm'],
  declined: ['send', 'decline'],
  failed: ['send', 'accept', 'start', 'fail'],
  withdrawn: ['send', 'accept', 'withdraw'],
  enteredInError: ['send', 'markEnteredInError'],
} as const satisfies Record<string, readonly string[]>;
export type Course = keyof typeof courses;
export type CourseStep = (typeof courses)[Course][number];

export interface Need {
  category: 'housing' | 'employment' | 'education' | 'food' | 'transport';
  /** Who answers for the organization that is asked to help. */
  helper: Actor;
  course: Course;
  /** People refer themselves, too. */
  requester: 'peer' | 'person';
}

/** What the person changes about their consents and team in the course of it all. */
const turns = [
  'none', 'narrows', 'suspends', 'resumes', 'revokes', 'revokesOnPaper', 'consentsAgain', 'restricts', 'partsWithPhysician',
] as const;
export type Turn = (typeof turns)[number];
/** Besides, of so many people in a row this many leave everything as it is. */
const UNTURNED = 4;

/** One person and everyone around them. */
export interface Life {
  seed: number;
  index: number;
  random: Random;
  participantId: string;
  details: Person;
  person: Actor;
  peer: Actor;
  /** Which of the peer's people this is. */
  nth: number;
  /** A second peer, who steps in when the first is away. */
  substitute?: Actor;
  clinician: Actor;
  physician?: Actor;
  kin?: Actor;
  needs: readonly Need[];
  turn: Turn;
  /** A standing wish that contacts be open to the team. */
  openContacts: boolean;
}

/** The first one is whom the README shows: one of everything, and all consents in force. */
export const isShown = ({ index }: Pick<Life, 'index'>): boolean => index === 0;

export function lifeOf(seed: number, index: number): Life {
  const random = new Random(seed, index);
  const participantId = demoId(`${seed}/participant/${index}`);
  const details = personOf(random, seed, index);
  const shown = isShown({ index });
  const turn = on([...turns, ...Array<'none'>(UNTURNED).fill('none')], index);
  const physician = shown || turn === 'partsWithPhysician' || random.chance(55) ? on(workers.physicians, index) : undefined;
  const kin = shown || random.chance(40)
    ? actor({ sub: `demo-kin-${participantId}`, role: 'family', name: details.kinName, participant_id: participantId })
    : undefined;
  const substitute = random.chance(30) ? on(workers.peers, index + 1) : undefined;
  return {
    seed, index, random, participantId, details, turn,
    person: actor({
      sub: `demo-person-${participantId}`, role: 'person', name: details.name, org_id: center.id, participant_id: participantId,
    }),
    peer: on(workers.peers, index),
    nth: Math.floor(index / workers.peers.length),
    clinician: on(workers.clinicians, index),
    ...(substitute && { substitute }),
    ...(physician && { physician }),
    ...(kin && { kin }),
    needs: shown ? needsOfTheFirst : needsOf(random, index),
    openContacts: !shown && random.chance(35),
  };
}

/** In turn. */
const on = <T>(list: readonly T[], index: number): T => list[index % list.length]!;

const needsOfTheFirst: readonly Need[] = [
  { category: 'housing', helper: workers.housing[0], course: 'underWay', requester: 'peer' },
  { category: 'employment', helper: workers.employers[0], course: 'helped', requester: 'peer' },
  { category: 'food', helper: workers.pantry, course: 'helpedAfterWaiting', requester: 'person' },
];

function needsOf(random: Random, index: number): Need[] {
  const all = Object.keys(courses) as Course[];
  const need = (category: Need['category'], helper: Actor): Need =>
    ({ category, helper, course: random.pick(all), requester: random.chance(75) ? 'peer' : 'person' });
  const possible = [
    need('housing', on(workers.housing, index)),
    need('employment', on(workers.employers, index)),
    need('education', on(workers.educators, index)),
    need('food', workers.pantry),
    need('transport', workers.rides),
  ];
  return random.some(possible, random.int(2, 4));
}

/** Those who can be asked about this person, one per role. */
export function audiencesOf({ person, peer, clinician, physician, kin, needs }: Life): Partial<Record<Role, Actor>> {
  const around = [person, peer, workers.supervisor, clinician, physician, kin, ...needs.map(({ helper }) => helper)];
  const audiences: Partial<Record<Role, Actor>> = {};
  for (const one of around) if (one) audiences[one.role] ??= one;
  return audiences;
}
