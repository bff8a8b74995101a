import { DEV_ISSUER, fixtureClaims, fixtureOrganizations, type RequestedClaims } from '@peerbridge/identity';
import { memberIdOf, type Role } from '@peerbridge/kernel';
import { v5 } from 'uuid';

/** Everything of the demo has the same id on every machine. */
const DEMO = v5('https://peerbridge.dev/demo', v5.URL);
export const demoId = (what: string): string => v5(what, DEMO);

export interface DemoOrganization {
  id: string;
  name: string;
  part2Program: false;
}

const organization = (name: string): DemoOrganization => ({ id: demoId(`organization/${name}`), name, part2Program: false });

/** Those that the development fixture does not have; all are made up. */
export const newOrganizations = {
  lakeview: organization('Lakeview Family Clinic'),
  maple: organization('Maple Row Homes'),
  garden: organization('Greenway Garden Center'),
  cannery: organization('Old Cannery Print Shop'),
  bus: organization('Valley Ride Share'),
} as const;

/** Somebody who sends commands, by the claims of their token. */
export interface Actor {
  claims: RequestedClaims;
  memberId: string;
  /** Organization they act for; a person's relative is their own. */
  orgId: string;
  role: Role;
  name: string;
}

export function actor(claims: RequestedClaims & { name: string }): Actor {
  const { sub, role, name, org_id: orgId, participant_id: participantId } = claims;
  return { claims, role, name, memberId: memberIdOf(DEV_ISSUER, sub), orgId: orgId ?? participantId! };
}

const fromFixture = (role: Role): Actor => {
  const claims = fixtureClaims(role);
  return actor({ ...claims, name: claims.name! });
};

const worker = (role: Role, name: string, { id }: { id: string }): Actor =>
  actor({ sub: `demo-${name.toLowerCase().replaceAll(' ', '-')}`, role, name, org_id: id });

const { OrgR, OrgC, OrgED, OrgS } = fixtureOrganizations;
export const center = OrgR;

/** Who works with the people. The first of each role is the fixture's, whose token `npm start` prints. */
export const workers = {
  privacyOfficer: fromFixture('privacyOfficer'),
  supervisor: fromFixture('supervisor'),
  peers: [
    fromFixture('peer'),
    worker('peer', 'Imani Brooks', OrgR), worker('peer', 'Tomas Herrera', OrgR), worker('peer', 'Linh Pham', OrgR),
    worker('peer', 'Grace Obi', OrgR), worker('peer', 'Wade Sorensen', OrgR),
  ],
  clinicians: [
    fromFixture('clinician'),
    worker('clinician', 'Naomi Feld', OrgC), worker('clinician', 'Andre Baptiste', newOrganizations.lakeview),
  ],
  physicians: [fromFixture('physician'), worker('physician', 'Yuki Tanabe', OrgED)],
  housing: [fromFixture('housing'), worker('housing', 'Elena Markovic', newOrganizations.maple)],
  employers: [
    fromFixture('employer'),
    worker('employer', 'Bola Adesina', newOrganizations.garden), worker('employer', 'Nell Fitzgerald', newOrganizations.cannery),
  ],
  educators: [fromFixture('educator'), worker('educator', 'Pilar Quintana', OrgS)],
  pantry: fromFixture('other'),
  rides: worker('other', 'Hugo Lindgren', newOrganizations.bus),
} as const;
