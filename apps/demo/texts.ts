import type { Need } from './life.js';
import type { Random } from './random.js';

/** What a contact was about. `{name}` is the person; peers write what was done together, and never advise on treatment. */
export interface ContactTheme {
  activities: readonly string[];
  dimensions: readonly string[];
  supportTypes: readonly string[];
  modalities: readonly string[];
  settings: readonly string[];
  summaries: readonly string[];
  narratives: readonly string[];
}

const bySight = ['inPerson', 'inPerson', 'inPerson', 'video'];

export const contactThemes: readonly ContactTheme[] = [
  {
    activities: ['connection'], dimensions: ['community'], supportTypes: ['emotional'],
    modalities: bySight, settings: ['peerRecoveryCenter', 'communityOrganization', 'home'],
    summaries: [
      'Coffee at the center with {name}; we looked back at the week.',
      'A long walk along the river. {name} set the pace and the topics.',
      'We sat in the garden room. {name} mostly talked, I mostly listened.',
    ],
    narratives: [
      '{name} spoke about the call with an old friend, and why it felt different this time.',
      '{name} brought photos from home. There was laughter, and a quiet moment, too.',
      'It had been a heavy few days. {name} named three things that carried them through.',
    ],
  },
  {
    activities: ['linkage', 'resource'], dimensions: ['home'], supportTypes: ['instrumental', 'informational'],
    modalities: bySight, settings: ['peerRecoveryCenter', 'housingProgram'],
    summaries: [
      'Went through apartment listings with {name} and marked four to call.',
      'Filled in the housing application together; two papers are still missing.',
      '{name} called two landlords from the center while I took notes.',
    ],
    narratives: [
      '{name} would like a door that locks and a kitchen of their own, and said so plainly on the phone.',
      'Waiting is hard. {name} made a list of what can be done meanwhile.',
    ],
  },
  {
    activities: ['coaching'], dimensions: ['purpose'], supportTypes: ['informational', 'emotional'],
    modalities: [...bySight, 'phone'], settings: ['peerRecoveryCenter', 'virtual'],
    summaries: [
      'Practiced interview questions; {name} found good words for the gap in the résumé.',
      'Wrote a first version of a résumé with {name}.',
      '{name} compared two job offers by hours, way to work, and people.',
    ],
    narratives: [
      '{name} is good with their hands and patient with beginners, and now it says so on paper.',
      'We talked about what to say at work and what to keep. {name} decided.',
    ],
  },
  {
    activities: ['linkage'], dimensions: ['purpose'], supportTypes: ['informational'],
    modalities: [...bySight, 'phone'], settings: ['school', 'peerRecoveryCenter'],
    summaries: [
      'Looked at evening classes at the college; {name} picked two to visit.',
      '{name} asked the college about help with fees. I sat beside.',
    ],
    narratives: ['School was not a good place the first time. {name} wants this one to be theirs.'],
  },
  {
    activities: ['sharedActivity', 'dailyLiving'], dimensions: ['health'], supportTypes: ['affiliational'],
    modalities: ['inPerson'], settings: ['peerRecoveryCenter', 'home'],
    summaries: [
      'Cooked a pot of lentil soup with {name}, enough for three days.',
      'Went shopping with a list and a budget; {name} stayed below both.',
      'Morning walk group: {name} came for the whole round.',
    ],
    narratives: ['{name} taught me how their grandmother made it. Breakfast is a plan now, not an accident.'],
  },
  {
    activities: ['accompaniment'], dimensions: ['health'], supportTypes: ['instrumental', 'emotional'],
    modalities: ['inPerson'], settings: ['primaryCare', 'communityHealthCenter'],
    summaries: [
      'Went along to the clinic. {name} had written down their questions and asked all of them.',
      'Waited together at the clinic; {name} went in alone and came out content.',
    ],
    narratives: ['{name} was glad of the company on the way, and of the quiet on the way back.'],
  },
  {
    activities: ['skill', 'coping'], dimensions: ['health'], supportTypes: ['emotional'],
    modalities: [...bySight, 'phone'], settings: ['peerRecoveryCenter', 'virtual'],
    summaries: [
      'Put together what helps on a rough evening; {name} keeps the card in their wallet.',
      '{name} told of a difficult day and of whom they called. We practiced that call for next time.',
      'Breathing, a shower, a call: {name} tried the plan and changed one step.',
    ],
    narratives: [
      'There was a recurrence in spring. {name} wanted to look at what came before it, without blame.',
      '{name} noticed the moment it turned, and is proud of having noticed.',
    ],
  },
  {
    activities: ['skill', 'problemSolving'], dimensions: ['home'], supportTypes: ['instrumental'],
    modalities: [...bySight, 'phone'], settings: ['peerRecoveryCenter'],
    summaries: [
      'Sorted three months of letters with {name}; two need an answer.',
      'Made a budget on one page; {name} will try it for a month.',
    ],
    narratives: ['The envelopes had been closed since winter. {name} opened each of them.'],
  },
  {
    activities: ['advocacy'], dimensions: ['home', 'community'], supportTypes: ['instrumental'],
    modalities: ['inPerson', 'phone'], settings: ['socialService', 'peerRecoveryCenter'],
    summaries: [
      'At the benefits office with {name}: the form is in, an answer is due in three weeks.',
      '{name} asked for an interpreter and got one. I was there as support.',
    ],
    narratives: ['{name} knew their rights better than the desk did, and stayed kind.'],
  },
  {
    activities: ['connection'], dimensions: ['community'], supportTypes: ['affiliational'],
    modalities: ['group'], settings: ['peerRecoveryCenter', 'faithBased', 'communityOrganization'],
    summaries: [
      'Saturday circle: {name} came, listened, and stayed for the cleaning up.',
      '{name} spoke in the circle for the first time.',
      'Music evening at the center with {name} and the others.',
    ],
    narratives: ['{name} exchanged numbers with two people afterwards.'],
  },
  {
    activities: ['connection'], dimensions: ['health', 'community'], supportTypes: ['emotional'],
    modalities: ['phone', 'text'], settings: ['virtual'],
    summaries: [
      'A short call to see how the week began; {name} was on the way to work.',
      '{name} wrote in the evening, and we made a plan for the weekend.',
      'Checked in after the appointment. {name} feels heard.',
    ],
    narratives: ['Sleep comes and goes. {name} has a question for the clinician about it and wrote it down.'],
  },
  {
    activities: ['skill', 'decisionMaking'], dimensions: ['purpose', 'home'], supportTypes: ['informational', 'emotional'],
    modalities: bySight, settings: ['peerRecoveryCenter', 'home'],
    summaries: [
      'Drew a map of people {name} can count on: seven names, two of them new.',
      '{name} weighed moving closer to family against staying near work.',
    ],
    narratives: ['{name} decided to wait until spring, and felt lighter for having decided.'],
  },
];

/** What went well, and what comes next. */
const strengths = [
  'Strength of the day: asking early.',
  'Humor helped.',
  '{name} keeps their word.',
  'Patience, again.',
  'A clear no where it was needed.',
  '{name} sees what others need.',
  'Stubborn in the best way.',
  'A good plan, made by {name}.',
] as const;
const nextSteps = [
  'Next time: same place.',
  'We meet again next week.',
  '{name} chooses the next topic.',
  'Next: a call on Sunday.',
  'Nothing to do until then.',
  'Next: papers and a pot of tea.',
  '{name} will bring the letter.',
] as const;

export const fill = (text: string, name: string): string => text.replaceAll('{name}', name);

export function contactTexts(random: Random, theme: ContactTheme, name: string): { summary: string; narrative?: string } {
  const summary = [random.pick(theme.summaries), random.pick(strengths), random.pick(nextSteps)].join(' ');
  return {
    summary: fill(summary, name),
    ...(random.chance(55) && { narrative: fill(random.pick(theme.narratives), name) }),
  };
}

/** What clinicians and physicians write: their own observations, in their own records. */
export interface NoteTheme {
  noteType: string;
  segments: readonly string[];
  bodies: readonly string[];
  /** Some notes are of use to the peer, too, and written so that they may be. */
  sharedWithPeer: boolean;
}

export const clinicianThemes: readonly NoteTheme[] = [
  {
    noteType: 'progress', segments: ['mh'], sharedWithPeer: true,
    bodies: [
      'Mood steadier than last month; {name} keeps a daily routine. Continue sessions every two weeks.',
      '{name} reports fewer hard evenings. We reviewed the safety plan; it stands.',
      '{name} came on time and prepared. Sleep is improving; next session in two weeks.',
    ],
  },
  {
    noteType: 'progress', segments: ['sud'], sharedWithPeer: false,
    bodies: [
      '{name} describes cravings as short and manageable. Coping plan reviewed together.',
      'A recurrence two weeks ago, talked through without judgment. {name} asked to meet weekly for a while.',
      'Goals reviewed: {name} is content with the pace and wants no change.',
    ],
  },
  {
    noteType: 'carePlan', segments: ['mh', 'sud'], sharedWithPeer: false,
    bodies: [
      'Plan agreed with {name}: individual sessions, evening group, review in three months.',
      'Plan reviewed. {name} would like more weight on work and less on groups; changed accordingly.',
    ],
  },
  {
    noteType: 'session', segments: ['counseling'], sharedWithPeer: false,
    bodies: ['{name} worked on the letter that will not be sent.', 'Grief was the topic that {name} chose.'],
  },
];

export const physicianThemes: readonly NoteTheme[] = [
  {
    noteType: 'visit', segments: ['health'], sharedWithPeer: true,
    bodies: [
      'Routine visit. Blood pressure within range; {name} walks most days. See again in three months.',
      'Seen for a cough, lungs clear. Rest and fluids; {name} will call if it does not settle.',
      'Wrist sprain from work, healing. Light duties for a week, then as before.',
    ],
  },
  {
    noteType: 'medication', segments: ['health', 'mh'], sharedWithPeer: false,
    bodies: [
      'Medication reviewed with {name}; well tolerated, no change.',
      '{name} reports tiredness in the morning; dose moved to the evening, review in four weeks.',
    ],
  },
];

export const amendments = [
  { reason: 'Date corrected', body: 'The session took place a day earlier than first written.' },
  { reason: 'Added after reading it with the person', body: '{name} would like it noted that the plan was their own idea.' },
  { reason: 'Wording', body: '"Attended" should read "attended and took part".' },
] as const;

/** Why somebody is referred, in words that say nothing of recovery. */
export const referralReasons: Readonly<Record<Need['category'], readonly string[]>> = {
  housing: [
    'Looking for a small place of their own, within reach of the bus.',
    'Lease ends in two months.',
    'Needs a ground-floor apartment.',
  ],
  employment: [
    'Would like steady hours, mornings preferred.',
    'Experienced with tools, forklift license.',
    'Good with customers; weekends are fine.',
  ],
  education: [
    'Interested in the evening certificate.',
    'Would like to finish the diploma.',
  ],
  food: [
    'A weekly box would help until the first pay.',
    'Two people in the household; no nuts, please.',
  ],
  transport: [
    'Early shift; no bus before six.',
    'Rides to appointments on Thursdays.',
  ],
};

export const declines = [
  { reason: 'capacity', text: 'Nothing free before spring.' },
  { reason: 'ineligible', text: 'Outside the income range of this program.' },
  { reason: 'unableToContact' },
  { reason: 'personDeclined', text: 'Found something closer.' },
] as const;

export const holds = [
  { reason: 'waitlist' },
  { reason: 'documents', text: 'Proof of income is missing.' },
  { reason: 'personRequest' },
] as const;
export const failures = [
  'The offer fell through.',
  'The position was filled before the start date.',
  'The unit did not pass inspection.',
] as const;
export const disputes = [
  'I was shown a room, but nobody gave me a key.',
  'There was one visit and then nothing.',
  'That was not what was agreed.',
] as const;
export const withdrawals = [
  'Found another way.',
  'Not the right moment.',
  'Moved to a sister\'s for now.',
] as const;

/** Wording that the person approved, for an employer's eyes. */
export const accommodations = ['Starts at 9:30 on Tuesdays.', 'A break every two hours.', 'No shifts after 21:00.'] as const;
