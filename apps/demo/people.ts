import type { Random } from './random.js';

/** Made-up names, mixed so that they belong to nobody. */
const firstNames = [
  'Amara', 'Benito', 'Camille', 'Darnell', 'Eleni', 'Farid', 'Gwen', 'Hana', 'Isaiah', 'Joaquin', 'Keisha', 'Lars',
  'Maribel', 'Nadia', 'Omari', 'Paloma', 'Quentin', 'Rosa', 'Soren', 'Tamika', 'Usha', 'Viktor', 'Winona', 'Xiomara',
  'Yusuf', 'Zelda', 'Anders', 'Bettina', 'Cyrus', 'Delphine', 'Emeka', 'Freya', 'Gideon', 'Hollis', 'Inez', 'Jamal', 'Kaveh',
  'Lucinda', 'Minh', 'Noor', 'Odell', 'Priscilla', 'Rafael', 'Sunita', 'Tobias', 'Ulises', 'Vera', 'Wendell',
] as const;

const lastNames = [
  'Abernathy', 'Bello', 'Castellan', 'Dubois', 'Eriksen', 'Farouk', 'Gallardo', 'Hollander', 'Ito', 'Jankowski', 'Kowalski',
  'Laurent', 'Mbeki', 'Nakamura', 'Okonjo', 'Petrov', 'Quispe', 'Rasmussen', 'Salazar', 'Thornton', 'Underhill', 'Varga',
  'Whitaker', 'Xu', 'Yilmaz', 'Zamora', 'Birch', 'Delgado', 'Fontaine', 'Haddad', 'Lindholm', 'Mercado', 'Novotny', 'Osei',
  'Pruitt', 'Ramaswamy', 'Sandoval', 'Tran',
] as const;

const streets = ['Alder Street', 'Bay Road', 'Canal Street', 'Dogwood Lane', 'Ferry Street', 'Orchard Avenue'] as const;
/** BCP 47. */
const languages = ['en', 'en', 'en', 'en', 'es', 'vi', 'ar', 'ht'] as const;

const accessibilityNeeds = [
  'Ground floor or a lift; uses a cane.', 'Large print, please.', 'Hears best on the left side.',
  'A quiet room for long conversations.',
] as const;

const regularCare = ['Cedar Street Clinic', 'Lakeview Family Clinic', 'County Hospital, outpatient'] as const;
const pathways = ['mutualAid', 'medicationAssisted', 'faithBased', 'secular', 'cultural', 'family', 'selfDirected'] as const;
const waysIn = ['walkIn', 'friend', 'hospitalHandOff', 'outreach', 'website', 'courtNavigator'] as const;
const meetingPlaces = ['peerRecoveryCenter', 'peerRunOrganization', 'communityOrganization', 'hospital'] as const;

/** How the person would like to be reached, and what is not to be asked about. */
const safeContacts = [
  'Text first, then call.', 'Weekdays after 16:00.', 'Leave no voice mail.', 'Mornings; the phone is shared in the evening.',
] as const;
const closedTopics = ['military service', 'the accident', 'my parents', 'immigration', 'my former job'] as const;

export interface Person {
  firstName: string;
  name: string;
  /** A relative or ally, for those who bring one along. */
  kinName: string;
  /** As `enrollParticipant` takes it. */
  enrollment: Record<string, unknown>;
  /** As `changePreferences` takes it. */
  preferences: Record<string, unknown>;
}

/** Everyone of the first four dozen has a first name of their own. */
export function personOf(random: Random, seed: number, index: number): Person {
  const firstName = firstNames[(index * 7 + seed) % firstNames.length]!;
  const lastName = random.pick(lastNames);
  const language = random.pick(languages);
  const number = String(100 + (index % 100)).padStart(4, '0');
  const birthDate = `${random.int(1956, 2004)}-${pad(random.int(1, 12))}-${pad(random.int(1, 28))}`;
  return {
    firstName,
    name: `${firstName} ${lastName}`,
    kinName: `${random.pick(firstNames)} ${lastName}`,
    enrollment: {
      preferredName: firstName,
      legalName: `${firstName} ${lastName}`,
      birthDate,
      language,
      interpreterNeeded: language !== 'en' && random.chance(60),
      householdSize: random.pick([1, 1, 1, 2, 2, 3, 4]),
      contact: {
        phone: `+1 555-${number}`,
        email: `${firstName}.${lastName}@example.org`.toLowerCase(),
        address: `${random.int(2, 240)} ${random.pick(streets)}`,
        okToText: random.chance(70),
      },
      ...(random.chance(30) && { accessibility: random.pick(accessibilityNeeds) }),
      emergencyContact: `${random.pick(firstNames)} ${lastName}, +1 555-${number}`,
      regularSourceOfCare: random.pick(regularCare),
      pathway: random.some(pathways, random.int(1, 2)),
      track: random.pick(['adult', 'adult', 'youngAdult', 'parent', 'veteran']),
      enrolledVia: random.pick(waysIn),
      setting: random.pick(meetingPlaces),
    },
    preferences: {
      safeContact: random.pick(safeContacts),
      doNotAskTopics: random.some(closedTopics, random.int(1, 2)),
    },
  };
}

const pad = (value: number): string => String(value).padStart(2, '0');
