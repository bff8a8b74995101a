import { describe, expect, it } from '@jest/globals';
import { roles, segments, type Caller, type Segment } from '@peerbridge/kernel';
import {
  ceilings, consentInForce, decide, intersect, mayKnowOrganization, participantFields,
  permitsContactNarrative, permitsField, permitsItem, permitsSegment, policyVersion, reachesOrganization, seesWorker,
  type ConsentFact, type Decision, type ItemLabel, type ParticipantField, type PersonFacts,
} from './index.js';
import { cast, consents, joined, label, organizations, P1, P2, personWith } from './testing.js';

const noon = '2026-02-01T12:00:00.000Z';
const { CL1, CL2, ED1, EM1, FA1, HO1, JU1, PE1, PE2, PH1, SU1 } = cast;

const openTo = (viewer: Caller, facts: PersonFacts, instant = noon): Segment[] =>
  decide(viewer, facts, instant).access.filter(({ permitted }) => permitted).map(({ segment }) => segment);
const of = (decision: Decision, segment: Segment) => decision.access.find((access) => access.segment === segment);
const withTeam = (facts: PersonFacts, ...team: PersonFacts['team']): PersonFacts => ({ ...facts, team });
const reads = (viewer: Caller, facts: PersonFacts, item: Partial<ItemLabel>, instant = noon): boolean =>
  permitsItem(decide(viewer, facts, instant), label(item));
const fieldsOf = (decision: Decision) =>
  (Object.keys(participantFields) as ParticipantField[]).filter((field) => permitsField(decision, field));

const peerWork = ['identity', 'team', 'goals', 'peer', 'housing', 'employment', 'education', 'justice', 'social', 'safety'];
const allButCounseling = segments.filter((segment) => segment !== 'counseling');
const circles = ['peers', 'treating', 'supervision', 'kin', 'outside'] as const;

describe('the person', () => {
  it('sees everything about them, on the basis self', () => {
    const decision = decide(cast.person, personWith(), noon);
    expect(decision.access.map(({ segment }) => segment)).toEqual(segments);
    for (const access of decision.access) {
      expect(access).toMatchObject({ permitted: true, basis: 'self', consentIds: [], until: null, refusal: null });
    }
    expect(permitsItem(decision, label({ segments: ['counseling'], sourceOrgId: organizations.C }))).toBe(true);
    expect(permitsSegment(decision, 'counseling', organizations.C)).toBe(true);
    expect(fieldsOf(decision)).toHaveLength(15);
  });

  it('sees nothing of another person', () => {
    const decision = decide(cast.otherPerson, personWith(...Object.values(consents)), noon);
    expect(decision.visible).toBe(false);
    expect(decision.access.every(({ refusal }) => refusal === 'roleCeiling')).toBe(true);
    expect(permitsItem(decide(cast.person, personWith(), noon), label({ participantId: P2 }))).toBe(false);
  });

  it('does not read as themself what they wrote of another as a worker', () => {
    const asParticipant: Caller = { ...PE1, role: 'person', participantId: P2 };
    expect(reads(asParticipant, personWith(), {})).toBe(false);
  });
});

describe('inside the program', () => {
  it('a peer on the team sees what peers work with, without a consent and without a date', () => {
    const decision = decide(PE1, personWith(), noon);
    expect(openTo(PE1, personWith())).toEqual(peerWork);
    expect(of(decision, 'goals')).toEqual(
      { segment: 'goals', permitted: true, basis: 'programInternal', consentIds: [], until: null, refusal: null });
    expect(of(decision, 'sud')).toMatchObject({ permitted: false, refusal: 'noBasis' });
    expect(of(decision, 'counseling')).toMatchObject({ permitted: false, refusal: 'roleCeiling' });
  });

  it('a colleague who is not assigned sees nothing, and neither does one who was only invited or was removed', () => {
    expect(decide(PE2, personWith(), noon).visible).toBe(false);
    for (const state of ['invited', 'removed'] as const) {
      expect(decide(PE2, withTeam(personWith(), joined(PE2, { state })), noon).visible).toBe(false);
    }
  });

  it('a membership holds for the role and organization that were invited', () => {
    const facts = withTeam(personWith(), joined(PE1));
    expect(decide({ ...PE1, role: 'clinician' }, facts, noon).visible).toBe(false);
    expect(decide({ ...PE1, orgId: organizations.C }, facts, noon).visible).toBe(false);
  });

  it('a supervisor sees their own program, without being on the team', () => {
    expect(openTo(SU1, personWith())).toEqual(peerWork);
    expect(decide({ ...SU1, orgId: organizations.C }, personWith(), noon).visible).toBe(false);
  });

  it('no consent opens more to a supervisor', () => {
    const toRiverside = { ...consents.tpo, recipients: [{ orgId: organizations.R }] };
    expect(openTo(SU1, personWith(toRiverside))).toEqual(peerWork);
  });

  it('a clinician of the program on the team sees all but counseling', () => {
    expect(openTo(CL2, withTeam(personWith(), joined(CL2)))).toEqual(allButCounseling);
  });

  it('being on the team opens nothing of another organization', () => {
    expect(decide(CL1, personWith(), noon).visible).toBe(false);
    expect(reads(CL1, personWith(), { circles: ['treating'] })).toBe(false);
    expect(decide(HO1, withTeam(personWith(), joined(HO1)), noon).visible).toBe(false);
  });

  it("one's own organization's notes can be read by the assigned, though the person is not known by them", () => {
    const colleague: Caller = { ...CL2, orgId: organizations.C };
    const facts = withTeam(personWith(), joined(colleague));
    const note = { authorId: CL1.memberId, sourceOrgId: organizations.C, segments: ['mh'], circles: ['treating'] } as const;
    expect(reads(colleague, facts, note)).toBe(true);
    expect(decide(colleague, facts, noon).visible).toBe(false);
  });
});

describe('a TPO consent', () => {
  it('opens all but counseling to a treating provider on the team', () => {
    const decision = decide(CL1, personWith(consents.tpo), noon);
    expect(openTo(CL1, personWith(consents.tpo))).toEqual(allButCounseling);
    expect(of(decision, 'sud')).toEqual(
      { segment: 'sud', permitted: true, basis: 'tpo', consentIds: [consents.tpo.id], until: null, refusal: null });
    expect(of(decision, 'counseling')).toMatchObject({ permitted: false, refusal: 'noBasis' });
  });

  it('needs the class to be a relationship: joined, and treating', () => {
    expect(decide(PH1, personWith(consents.tpo), noon).visible).toBe(false);
    expect(decide(PH1, withTeam(personWith(consents.tpo), joined(PH1, { state: 'invited' })), noon).visible).toBe(false);
    expect(decide(PH1, withTeam(personWith(consents.tpo), joined(PH1)), noon).visible).toBe(true);
  });

  it('never reaches employers, educators, housing, family, justice or others, however it names them', () => {
    const everybody = [EM1, ED1, HO1, FA1, JU1, cast.OT1];
    const generous: ConsentFact = {
      ...consents.tpo, purposes: ['TREAT', 'COC', 'FAMRQT', 'PATRQT'],
      recipients: [{ class: 'treatingProviders' }, ...everybody.flatMap(({ memberId, orgId }) => [{ memberId }, { orgId }])],
    };
    for (const viewer of everybody) {
      expect(decide(viewer, withTeam(personWith(generous), ...everybody.map((one) => joined(one))), noon).visible).toBe(false);
    }
  });

  it('opens sud, mh and health to a peer whose organization it names, not by the class', () => {
    const visiting: Caller = { ...PE2, orgId: organizations.C };
    const naming = { ...consents.tpo, recipients: [{ orgId: organizations.C }] };
    expect(openTo(visiting, withTeam(personWith(naming), joined(visiting)))).toEqual(['sud', 'mh', 'health']);
    expect(decide(visiting, withTeam(personWith(consents.tpo), joined(visiting)), noon).visible).toBe(false);
  });

  it('opens nothing to a role that does not act for its purposes', () => {
    expect(decide(CL1, personWith({ ...consents.tpo, purposes: ['HPAYMT', 'HOPERAT'] }), noon).visible).toBe(false);
  });

  it('does not open counseling even where it lists it', () => {
    expect(openTo(CL1, personWith({ ...consents.tpo, segments }))).toEqual(allButCounseling);
  });
});

describe('a named consent', () => {
  it('scenario 1: with only C-TPO, the employer meets an unknown person', () => {
    const decision = decide(EM1, personWith(consents.tpo), noon);
    expect(decision.visible).toBe(false);
    expect(decision.access.every(({ permitted }) => !permitted)).toBe(true);
  });

  it('scenario 2: with C-E too, the employer reads employment and nothing else', () => {
    const decision = decide(EM1, personWith(consents.tpo, consents.employment), noon);
    expect(openTo(EM1, personWith(consents.tpo, consents.employment))).toEqual(['employment']);
    expect(of(decision, 'employment')).toMatchObject(
      { basis: 'named', consentIds: [consents.employment.id], until: '2026-12-01T00:00:00.000Z' });
    expect(of(decision, 'identity')).toMatchObject({ refusal: 'roleCeiling' });
    expect(fieldsOf(decision)).toEqual(['employment']);
    expect(permitsItem(decision, label({ circles: [...circles] }))).toBe(false);
  });

  it("scenario 2: a referral's sender is its alias to the housing specialist", () => {
    const decision = decide(HO1, personWith(consents.tpo, consents.housing), noon);
    expect(mayKnowOrganization(decision, HO1, { id: organizations.R, part2Program: true })).toBe(false);
  });

  it('scenario 3: revoked, the employer reaches nobody through the referral that was sent', () => {
    const referral: Partial<ItemLabel> = {
      segments: ['employment'], partyOrgId: organizations.E, circles: ['peers', 'treating', 'supervision', 'parties'],
    };
    expect(reads(EM1, personWith(consents.employment), referral)).toBe(true);
    const revoked = personWith({ ...consents.employment, state: 'revoked' });
    expect(reads(EM1, revoked, referral)).toBe(false);
    expect(decide(EM1, revoked, noon).visible).toBe(false);
    expect(seesWorker(decide(EM1, revoked, noon), EM1, PE1)).toBe(false);
  });

  it('scenario 6: permits one millisecond before its expiry and refuses at the instant', () => {
    const facts = personWith(consents.housing);
    expect(openTo(HO1, facts, '2026-02-28T23:59:59.999Z')).toEqual(['identity', 'housing']);
    expect(openTo(HO1, facts, '2026-03-01T00:00:00.000Z')).toEqual([]);
  });

  it('permits from the instant at which it takes effect, not before', () => {
    const facts = personWith(consents.employment);
    expect(openTo(EM1, facts, '2025-12-31T23:59:59.999Z')).toEqual([]);
    expect(openTo(EM1, facts, '2026-01-01T00:00:00.000Z')).toEqual(['employment']);
  });

  it('scenario 7: suspended or revoked opens nothing; narrowed opens what stays', () => {
    for (const state of ['suspended', 'revoked'] as const) {
      expect(openTo(HO1, personWith({ ...consents.housing, state }))).toEqual([]);
    }
    expect(openTo(HO1, personWith({ ...consents.housing, segments: ['housing'] }))).toEqual(['housing']);
  });

  it('scenario 7: a fresh grant reopens', () => {
    const facts = personWith({ ...consents.housing, state: 'revoked' }, { ...consents.housing, id: P2 });
    expect(openTo(HO1, facts)).toEqual(['identity', 'housing']);
  });

  it('reaches a member of the organization it names, or the member it names, in whom the role and purpose fit', () => {
    expect(openTo({ ...EM1, orgId: organizations.S }, personWith(consents.employment))).toEqual([]);
    expect(openTo(EM1, personWith({ ...consents.employment, recipients: [{ memberId: EM1.memberId }] }))).toEqual(['employment']);
    expect(openTo(EM1, personWith({ ...consents.employment, purposes: ['TREAT'] }))).toEqual([]);
    expect(openTo({ ...EM1, role: 'educator' }, personWith(consents.employment))).toEqual([]);
  });

  it('has recipients by name: the class of treating providers is for TPO alone', () => {
    expect(openTo(CL1, personWith({ ...consents.tpo, kind: 'named' }))).toEqual([]);
  });

  it('never opens sud, mh, health or justice to housing', () => {
    expect(openTo(HO1, personWith({ ...consents.housing, segments }))).toEqual(['identity', 'housing']);
  });

  it("shows housing of a person's identity only what a tenancy needs", () => {
    const decision = decide(HO1, personWith(consents.housing), noon);
    expect(fieldsOf(decision)).toEqual(['preferredName', 'contact', 'householdSize', 'accessibility']);
    expect(permitsField(decide(PE1, personWith(), noon), 'legalName')).toBe(true);
  });

  it("opens another organization's notes to the peer whose organization it names", () => {
    const toRiverside: ConsentFact = {
      ...consents.employment, discloserOrgId: organizations.C, recipients: [{ orgId: organizations.R }],
      segments: ['mh', 'counseling'],
    };
    const note = { authorId: CL1.memberId, sourceOrgId: organizations.C, segments: ['mh'] } as const;
    expect(reads(PE1, personWith(toRiverside), { ...note, circles: ['treating', 'peers'] })).toBe(true);
    expect(reads(PE1, personWith(toRiverside), { ...note, circles: ['treating'] })).toBe(false);
    expect(reads(PE1, personWith(), { ...note, circles: ['treating', 'peers'] })).toBe(false);
    expect(openTo(PE1, personWith(toRiverside))).toEqual([...segments].filter((one) => peerWork.includes(one) || one === 'mh'));
  });

  it('that names the discloser itself opens to those assigned there, and to nobody else there', () => {
    const toItself: ConsentFact = { ...consents.employment, recipients: [{ orgId: organizations.R }], segments: ['sud'] };
    expect(openTo(PE1, personWith(toItself))).toContain('sud');
    expect(openTo(PE2, personWith(toItself))).toEqual([]);
  });

  it('opens only what its discloser wrote', () => {
    const fromClinic = { ...consents.housing, discloserOrgId: organizations.C };
    expect(reads(HO1, personWith(fromClinic), { segments: ['housing'], circles: ['outside'] })).toBe(false);
    expect(permitsSegment(decide(HO1, personWith(fromClinic), noon), 'housing', organizations.R)).toBe(false);
    expect(fieldsOf(decide(HO1, personWith(fromClinic), noon))).toEqual([]);
    expect(permitsSegment(decide(HO1, personWith(fromClinic), noon), 'housing', organizations.C)).toBe(true);
  });

  it('opens to others the segments the person picked, never counseling', () => {
    const toOther = { ...consents.employment, recipients: [{ memberId: cast.OT1.memberId }] };
    expect(openTo(cast.OT1, personWith({ ...toOther, segments: ['social', 'counseling'] }))).toEqual(['social']);
    expect(openTo(cast.OT1, personWith({ ...toOther, segments: ['social'], purposes: ['PATRQT'] }))).toEqual(['social']);
  });

  it('whose times cannot be read opens nothing', () => {
    expect(consentInForce({ ...consents.employment, effectiveFrom: 'soon' }, noon)).toBe(false);
    expect(consentInForce({ ...consents.employment, expiry: { at: 'later' } }, noon)).toBe(false);
    expect(consentInForce({ ...consents.employment, expiry: {} }, noon)).toBe(false);
    expect(consentInForce({ ...consents.employment, expiry: { event: 'the end of the lease' } }, noon)).toBe(true);
  });
});

describe('counseling notes', () => {
  const note = { authorId: CL2.memberId, segments: ['counseling'], circles: ['treating'] } as const;

  it("scenario 10: another's note stays shut under C-TPO, opens with its own consent naming the clinician", () => {
    expect(reads(CL1, personWith(consents.tpo), note)).toBe(false);
    expect(reads(CL1, personWith(consents.tpo, consents.counseling), note)).toBe(true);
    expect(of(decide(CL1, personWith(consents.counseling), noon), 'counseling')).toMatchObject({ basis: 'named' });
  });

  it('scenario 10: its author reads it', () => {
    expect(reads(CL2, personWith(), note)).toBe(true);
  });

  it('stay shut to the colleague in the program, and the consent to them opens nothing else', () => {
    const colleague = { ...CL2, memberId: PH1.memberId };
    expect(reads(colleague, withTeam(personWith(), joined(colleague)), note)).toBe(false);
    expect(openTo(CL1, personWith({ ...consents.counseling, segments }))).toEqual(['counseling']);
  });
});

describe('family, justice, proceedings and oversight', () => {
  it('a relative sees the listed subset of team, goals and social, by a family consent that names them', () => {
    expect(openTo(FA1, personWith(consents.family))).toEqual(['team', 'goals']);
    expect(of(decide(FA1, personWith(consents.family), noon), 'team')).toMatchObject(
      { basis: 'family', consentIds: [consents.family.id] });
    expect(openTo(FA1, personWith({ ...consents.family, segments }))).toEqual(['team', 'goals', 'sud', 'mh', 'social']);
    expect(openTo(FA1, personWith({ ...consents.family, recipients: [{ memberId: P2 }] }))).toEqual([]);
    expect(openTo(FA1, personWith({ ...consents.family, purposes: ['COC'] }))).toEqual([]);
  });

  it('being kin or on the team without a consent opens nothing, and neither does a consent without being kin', () => {
    expect(openTo(FA1, personWith())).toEqual([]);
    expect(openTo({ ...FA1, participantId: P2 }, personWith(consents.family))).toEqual([]);
    expect(openTo({ ...FA1, participantId: undefined }, personWith(consents.family))).toEqual([]);
    expect(openTo(FA1, personWith({ ...consents.family, kind: 'named' }))).toEqual([]);
  });

  it('named officials see justice, and nothing else that the consent lists', () => {
    expect(openTo(JU1, personWith(consents.justice))).toEqual(['justice']);
    expect(of(decide(JU1, personWith(consents.justice), noon), 'justice')).toMatchObject({ basis: 'criminalJustice' });
    expect(openTo({ ...JU1, memberId: P2 }, personWith(consents.justice))).toEqual([]);
  });

  it('a consent to a legal proceeding opens nothing in the view', () => {
    for (const role of roles.filter((one) => one !== 'person')) {
      expect(openTo({ ...JU1, role }, personWith(consents.legal))).toEqual([]);
    }
  });

  it('auditors, privacy officers and machines see nobody by their role', () => {
    const toAll = Object.values(consents).map((consent) => ({
      ...consent, recipients: [cast.AU1, cast.PO1, cast.IN1].map(({ memberId }) => ({ memberId })),
    }));
    for (const viewer of [cast.AU1, cast.PO1, cast.IN1]) {
      expect(decide(viewer, personWith(...toAll), noon).visible).toBe(false);
    }
  });
});

describe('several permissions', () => {
  const toRiverside: ConsentFact = {
    ...consents.employment, recipients: [{ orgId: organizations.R }], segments: ['goals', 'sud'],
  };

  it('the strongest basis is named, with every consent, for as long as any lasts', () => {
    const decision = decide(PE1, personWith(toRiverside), noon);
    expect(of(decision, 'goals')).toMatchObject({ basis: 'programInternal', consentIds: [toRiverside.id], until: null });
    expect(of(decision, 'sud')).toMatchObject(
      { basis: 'named', consentIds: [toRiverside.id], until: '2026-12-01T00:00:00.000Z' });
  });

  it('TPO comes before a name, whichever was given first', () => {
    const naming: ConsentFact = { ...consents.employment, recipients: [{ memberId: CL1.memberId }], segments: ['mh'] };
    for (const given of [[naming, consents.tpo], [consents.tpo, naming]]) {
      expect(of(decide(CL1, personWith(...given), noon), 'mh')).toMatchObject(
        { basis: 'tpo', consentIds: given.map(({ id }) => id), until: null });
    }
  });

  it('the one that ends last says until when; one without a date lasts', () => {
    const shorter = { ...consents.employment, id: P1, expiry: { at: '2026-04-01T00:00:00.000Z' } };
    const ids = [consents.employment.id, P1];
    expect(of(decide(EM1, personWith(consents.employment, shorter), noon), 'employment')).toMatchObject(
      { consentIds: ids, until: '2026-12-01T00:00:00.000Z' });
    const open = { ...shorter, expiry: { event: 'hired' } };
    expect(of(decide(EM1, personWith(consents.employment, open), noon), 'employment')).toMatchObject(
      { consentIds: ids, until: null });
  });

  it('what any discloser opens counts in access', () => {
    const fromClinic = { ...consents.employment, discloserOrgId: organizations.C };
    expect(openTo(EM1, personWith(fromClinic))).toEqual(['employment']);
  });

  it('an item is visible when all its segments are, each opened for its own source', () => {
    const mentalHealthFromClinic: ConsentFact = {
      ...consents.employment, discloserOrgId: organizations.C, recipients: [{ orgId: organizations.R }], segments: ['mh'],
    };
    const note = { authorId: SU1.memberId, circles: ['peers'] } as const;
    expect(reads(PE1, personWith(mentalHealthFromClinic), { ...note, segments: ['goals', 'peer'] })).toBe(true);
    expect(reads(PE1, personWith(mentalHealthFromClinic), { ...note, segments: ['goals', 'mh'] })).toBe(false);
  });

  it('an item is read only by the circles it is open to', () => {
    const facts = personWith(consents.housing);
    expect(reads(HO1, facts, { segments: ['housing'], circles: ['outside'] })).toBe(true);
    expect(reads(HO1, facts, { segments: ['housing'], circles: ['peers', 'kin', 'supervision', 'treating'] })).toBe(false);
  });

  it('an item without a label needs every segment', () => {
    expect(reads(CL1, personWith(consents.tpo), { segments: [], circles: ['treating'] })).toBe(false);
    expect(reads(CL1, personWith(consents.tpo, consents.counseling), { segments: [], circles: ['treating'] })).toBe(true);
  });
});

describe('authors, parties and contacts', () => {
  it('a contact between the two is read by them alone', () => {
    const contact = {};
    expect(reads(PE1, personWith(), contact)).toBe(true);
    expect(reads(cast.person, personWith(), contact)).toBe(true);
    for (const viewer of [SU1, CL1, { ...PE2 }]) {
      expect(reads(viewer, withTeam(personWith(consents.tpo), joined(CL1), joined(PE2)), contact)).toBe(false);
    }
  });

  it("an author reads what they wrote as their organization's, off the team, not for another organization", () => {
    expect(reads(PE1, withTeam(personWith()), {})).toBe(true);
    expect(reads({ ...PE1, orgId: organizations.C }, personWith(), {})).toBe(false);
    expect(reads({ ...PE1, role: 'auditor' }, personWith(), {})).toBe(false);
  });

  it("what comes to the person's own program as a party is for its supervision, and for none of its peers", () => {
    const toTheProgram = { segments: ['housing'], partyOrgId: organizations.R, circles: ['parties'] } as const;
    expect(reads(SU1, personWith(), toTheProgram)).toBe(true);
    for (const peer of [PE1, PE2]) {
      const facts = personWith(consents.housing, { ...consents.housing, recipients: [{ orgId: organizations.R }] });
      expect(reads(peer, facts, { ...toTheProgram, authorId: null })).toBe(false);
      expect(reads(peer, facts, { ...toTheProgram, authorId: null, circles: ['peers', 'parties'] })).toBe(peer === PE1);
    }
  });

  it("a referral's party is anyone of its target with a consent, and no other organization", () => {
    const referral = { segments: ['housing'], partyOrgId: organizations.H, circles: ['parties'] } as const;
    expect(reads(HO1, personWith(consents.housing), referral)).toBe(true);
    expect(reads(HO1, personWith(), referral)).toBe(false);
    expect(reads(HO1, personWith(consents.housing), { ...referral, partyOrgId: organizations.E })).toBe(false);
    expect(reads(HO1, personWith(consents.housing), { ...referral, partyOrgId: null })).toBe(false);
    expect(reads(HO1, personWith(consents.housing), { ...referral, circles: [] })).toBe(false);
    expect(reads(SU1, personWith(), referral)).toBe(false);
  });

  it("a team contact's narrative is for its author, the person, the team's peers and the program's supervisors", () => {
    const contact = label({ circles: ['peers', 'treating', 'supervision', 'outside'] });
    const toOther = { ...consents.employment, recipients: [{ memberId: cast.OT1.memberId }], segments: ['peer'] } as const;
    const facts = withTeam(personWith(consents.tpo, toOther), joined(CL1), joined(PE2));
    const narrative = (viewer: Caller) => permitsContactNarrative(decide(viewer, facts, noon), contact);
    for (const viewer of [cast.person, PE1, PE2, SU1]) expect(narrative(viewer)).toBe(true);
    for (const viewer of [CL1, cast.OT1]) {
      expect(permitsItem(decide(viewer, facts, noon), contact)).toBe(true);
      expect(narrative(viewer)).toBe(false);
    }
    expect(permitsContactNarrative(decide(PE2, facts, noon), label())).toBe(false);
  });
});

describe('what others write to as well', () => {
  const referral = { authorId: null, requesterId: PE1.memberId, segments: ['health'] } as const;

  it('is followed by who requested it for as long as they may see the person', () => {
    expect(reads(PE1, personWith(), referral)).toBe(true);
    expect(reads(SU1, personWith(), referral)).toBe(false);
    expect(reads(PE1, withTeam(personWith()), referral)).toBe(false);
    expect(reads(PE1, { ...personWith(), restrictedMemberIds: [PE1.memberId] }, referral)).toBe(false);
    expect(reads({ ...PE1, orgId: organizations.C }, personWith(), referral)).toBe(false);
  });

  it('is nobody’s own record: who was the first to write sees it by their circle', () => {
    const consent = { authorId: null, segments: ['team'], circles: ['peers'] } as const;
    expect(reads(PE1, personWith(), consent)).toBe(true);
    expect(reads(PE1, withTeam(personWith()), consent)).toBe(false);
  });
});

describe('a worker who is a participant too', () => {
  const own = cast.person.memberId;
  const generous = [
    ...Object.values(consents), { ...consents.tpo, recipients: [{ orgId: organizations.R }, { memberId: own }] },
    { ...consents.employment, recipients: [{ memberId: own }], segments },
  ];
  const atWork: PersonFacts = { ...personWith(...generous), worksAtOrgIds: [organizations.R, organizations.H] };

  it('sees nothing of it in any other role, not even what they wrote, and all of it as the person', () => {
    for (const role of roles.filter((one) => one !== 'person')) {
      const viewer: Caller = { ...cast.person, role };
      const decision = decide(viewer, withTeam(atWork, joined(viewer)), noon);
      expect({ role, visible: decision.visible, onTeam: decision.onTeam }).toEqual({ role, visible: false, onTeam: false });
      expect(permitsItem(decision, label({ authorId: own, requesterId: own, circles: [...circles] }))).toBe(false);
    }
    expect(decide(cast.person, atWork, noon).visible).toBe(true);
  });

  it('is unknown to the supervisors of a program they work for, who see everybody else', () => {
    expect(decide(SU1, personWith(), noon).visible).toBe(true);
    expect(decide(SU1, atWork, noon).visible).toBe(false);
    expect(openTo(SU1, withTeam(atWork, joined(SU1)))).toEqual(peerWork);
  });

  it('is unknown to colleagues whose organization a consent names, until they join the team or are named themselves', () => {
    expect(openTo(HO1, atWork)).toEqual([]);
    expect(openTo(HO1, withTeam(atWork, joined(HO1)))).toEqual(['identity', 'housing']);
    const naming = { ...consents.housing, recipients: [{ memberId: HO1.memberId }] };
    expect(openTo(HO1, { ...atWork, consents: [naming] })).toEqual(['identity', 'housing']);
    expect(openTo(EM1, atWork)).toEqual(['employment']);
    expect(reachesOrganization(atWork, organizations.R, organizations.H, 'housing', ['housing'], noon)).toEqual([]);
  });

  it('who acted as the person is shown to the person alone', () => {
    const facts = personWith(consents.tpo);
    for (const viewer of [PE1, SU1, CL1, PE2]) expect(seesWorker(decide(viewer, facts, noon), viewer, cast.person)).toBe(false);
    expect(seesWorker(decide({ ...cast.person, role: 'peer' }, facts, noon), { ...cast.person, role: 'peer' }, cast.person))
      .toBe(false);
    expect(seesWorker(decide(cast.person, facts, noon), cast.person, cast.person)).toBe(true);
    expect(seesWorker(undefined, cast.person, cast.person)).toBe(true);
  });
});

describe('need to know', () => {
  const fromClinic = { ...consents.employment, discloserOrgId: organizations.C, segments: ['mh', 'social'] } as const;

  it('is not replaced by a consent of another discloser that names the program', () => {
    const toRiverside: ConsentFact = { ...fromClinic, recipients: [{ orgId: organizations.R }] };
    for (const viewer of [PE2, CL2]) {
      expect(openTo(viewer, personWith(toRiverside))).toEqual([]);
      expect(openTo(viewer, withTeam(personWith(toRiverside), joined(viewer)))).toContain('mh');
    }
  });

  it('of a peer is the team’s, or that of a referral to their organization', () => {
    const visiting: Caller = { ...PE2, orgId: organizations.H };
    for (const recipient of [{ orgId: organizations.H }, { memberId: visiting.memberId }]) {
      const facts = personWith({ ...fromClinic, recipients: [recipient] });
      expect(openTo(visiting, facts)).toEqual([]);
      expect(openTo(visiting, withTeam(facts, joined(visiting)))).toEqual(['mh', 'social']);
      expect(openTo(visiting, { ...facts, partyOrgIds: [organizations.H] })).toEqual(['mh', 'social']);
    }
    // Inside the program it is the team's alone.
    const inside = personWith({ ...fromClinic, recipients: [{ orgId: organizations.R }, { memberId: PE2.memberId }] });
    expect(openTo(PE2, { ...inside, partyOrgIds: [organizations.R] })).toEqual([]);
  });
});

describe('the law', () => {
  const until = '2026-03-01T00:00:00.000Z';
  const mandated: ConsentFact = { ...consents.justice, revocableFrom: until };

  it('keeps a criminal-justice consent in force until it may be withdrawn, and no longer where that was asked', () => {
    const asked = personWith({ ...mandated, revokedFrom: until });
    expect(of(decide(JU1, asked, '2026-02-28T23:59:59.999Z'), 'justice')).toMatchObject({ permitted: true, until });
    expect(openTo(JU1, asked, until)).toEqual([]);
    expect(openTo(JU1, personWith(mandated), until)).toEqual(['justice']);
  });

  it('comes before shutting an official out, until that day', () => {
    const restricted: PersonFacts = { ...personWith(mandated), restrictedMemberIds: [JU1.memberId] };
    expect(of(decide(JU1, restricted, noon), 'justice')).toMatchObject({ permitted: true, until });
    expect(openTo(JU1, restricted, until)).toEqual([]);
    expect(openTo(JU1, { ...restricted, consents: [consents.justice] })).toEqual([]);
  });
});

describe('withdrawing', () => {
  const restricting = (viewer: Caller, facts: PersonFacts): PersonFacts => ({ ...facts, restrictedMemberIds: [viewer.memberId] });

  it('a worker who is shut out sees nothing but what they wrote', () => {
    const facts = restricting(PE1, personWith());
    expect(decide(PE1, facts, noon).visible).toBe(false);
    expect(reads(PE1, facts, {})).toBe(true);
    expect(reads(PE1, facts, { authorId: SU1.memberId, circles: ['peers'] })).toBe(false);
    expect(decide(CL1, restricting(CL1, personWith(consents.tpo)), noon).visible).toBe(false);
  });

  it('shutting out one worker shuts out nobody else', () => {
    expect(openTo(SU1, restricting(PE1, personWith()))).toEqual(peerWork);
    expect(decide(cast.person, restricting(cast.person, personWith()), noon).visible).toBe(true);
  });

  it('what cannot be known is refused to everyone but the person, the author included', () => {
    const facts: PersonFacts = { ...personWith(...Object.values(consents)), unknowable: true };
    for (const viewer of Object.values(cast).filter((one) => one !== cast.person)) {
      const decision = decide(viewer, facts, noon);
      expect(decision.visible).toBe(false);
      const own = label({ authorId: viewer.memberId, sourceOrgId: viewer.orgId, circles: [...circles] });
      expect(permitsItem(decision, own)).toBe(false);
    }
    expect(decide(cast.person, facts, noon).visible).toBe(true);
    expect(reachesOrganization(facts, organizations.R, organizations.H, 'housing', ['housing'], noon)).toEqual([]);
  });
});

describe('names', () => {
  const riverside = { id: organizations.R, part2Program: true };

  it('a Part 2 program is known to its members, the person, the privacy officer and treating recipients under TPO', () => {
    const facts = personWith(...Object.values(consents));
    const knows = (viewer: Caller, given = facts) => mayKnowOrganization(decide(viewer, given, noon), viewer, riverside);
    for (const viewer of [cast.person, PE1, PE2, SU1, cast.PO1, CL1]) expect(knows(viewer)).toBe(true);
    for (const viewer of [HO1, EM1, ED1, FA1, JU1, cast.AU1, cast.OT1, PH1]) expect(knows(viewer)).toBe(false);
    expect(knows(CL1, personWith(consents.counseling))).toBe(false);
    expect(knows(CL1, personWith({ ...consents.tpo, state: 'suspended' }))).toBe(false);
    expect(knows(CL1, personWith(consents.tpo, { ...consents.counseling, segments }))).toBe(true);
  });

  it('TPO disclosure to a peer does not unmask the program', () => {
    const visiting: Caller = { ...PE2, orgId: organizations.C };
    const facts = personWith({ ...consents.tpo, recipients: [{ orgId: organizations.C }] });
    const decision = decide(visiting, withTeam(facts, joined(visiting)), noon);
    expect(decision.visible).toBe(true);
    expect(mayKnowOrganization(decision, visiting, riverside)).toBe(false);
  });

  it('any other organization is known to everyone', () => {
    expect(mayKnowOrganization(undefined, HO1, { id: organizations.C, part2Program: false })).toBe(true);
    expect(mayKnowOrganization(undefined, HO1, riverside)).toBe(false);
  });

  it('a worker is shown to themself, colleagues, the person and who sees the team', () => {
    const facts = personWith(consents.tpo, consents.housing, consents.family);
    const sees = (viewer: Caller, of: Caller) => seesWorker(decide(viewer, facts, noon), viewer, of);
    for (const viewer of [PE1, PE2, cast.person, CL1, FA1]) expect(sees(viewer, PE1)).toBe(true);
    for (const viewer of [HO1, EM1]) expect(sees(viewer, PE1)).toBe(false);
    expect(sees(HO1, HO1)).toBe(true);
    expect(seesWorker(undefined, HO1, PE1)).toBe(false);
    expect(seesWorker(undefined, PE2, PE1)).toBe(true);
  });

  it('nobody is a colleague of kin or of a person, whatever organization their token names', () => {
    const kin: Caller = { ...FA1, orgId: organizations.R };
    const otherKin: Caller = { ...kin, memberId: P2 };
    for (const [viewer, of] of [[kin, PE1], [PE1, kin], [kin, otherKin], [cast.otherPerson, PE1]] as const) {
      expect(seesWorker(undefined, viewer, of)).toBe(false);
    }
  });
});

describe('which consents reach an organization', () => {
  const reaching = (facts: PersonFacts, orgId: string, segment: Segment, role: Caller['role'], instant = noon) =>
    reachesOrganization(facts, organizations.R, orgId, segment, [role], instant);

  it('those that name it, in force, for the role, from the source', () => {
    const facts = personWith(...Object.values(consents));
    expect(reaching(facts, organizations.H, 'housing', 'housing')).toEqual([consents.housing.id]);
    expect(reaching(facts, organizations.H, 'employment', 'housing')).toEqual([]);
    expect(reaching(facts, organizations.H, 'housing', 'employer')).toEqual([]);
    expect(reachesOrganization(facts, organizations.R, organizations.H, 'housing', ['employer', 'housing'], noon))
      .toEqual([consents.housing.id]);
    expect(reaching(facts, organizations.H, 'housing', 'housing', '2026-03-01T00:00:00.000Z')).toEqual([]);
    expect(reachesOrganization(facts, organizations.C, organizations.H, 'housing', ['housing'], noon)).toEqual([]);
  });

  it('or a member of it on the team, or the class they belong to, unless shut out', () => {
    const facts = personWith(consents.tpo);
    expect(reaching(facts, organizations.C, 'health', 'clinician')).toEqual([consents.tpo.id]);
    expect(reaching(facts, organizations.ED, 'health', 'physician')).toEqual([]);
    expect(reaching(withTeam(facts, joined(PH1)), organizations.ED, 'health', 'clinician')).toEqual([consents.tpo.id]);
    expect(reaching({ ...facts, restrictedMemberIds: [CL1.memberId] }, organizations.C, 'health', 'clinician')).toEqual([]);
    const naming = { ...consents.counseling, kind: 'named', segments: ['health'] } as const;
    expect(reaching(personWith(naming), organizations.C, 'health', 'clinician')).toEqual([naming.id]);
    expect(reaching(withTeam(personWith(naming)), organizations.C, 'health', 'clinician')).toEqual([]);
  });
});

describe('as of', () => {
  it('shows what was permitted then and may be seen today', () => {
    const then = decide(HO1, personWith(consents.housing), noon);
    const narrowed = decide(HO1, personWith({ ...consents.housing, segments: ['housing'] }), noon);
    expect(intersect(then, narrowed).access.filter(({ permitted }) => permitted)).toEqual([of(then, 'housing')]);
    expect(intersect(then, decide(HO1, personWith(), noon)).visible).toBe(false);
    expect(intersect(decide(HO1, personWith(), noon), then).visible).toBe(false);
  });

  it('keeps the weaker basis and the earlier end', () => {
    const toRiverside: ConsentFact = { ...consents.employment, recipients: [{ memberId: CL2.memberId }], segments: ['goals'] };
    const assigned = decide(CL2, withTeam(personWith(), joined(CL2)), noon);
    const named = decide(CL2, withTeam(personWith(toRiverside)), noon);
    const expected = { basis: 'named', consentIds: [toRiverside.id], until: '2026-12-01T00:00:00.000Z' };
    expect(of(intersect(assigned, named), 'goals')).toMatchObject(expected);
    expect(of(intersect(named, assigned), 'goals')).toMatchObject(expected);
  });

  it('is of one person and for one viewer', () => {
    expect(() => intersect(decide(HO1, personWith(), noon), decide(EM1, personWith(), noon))).toThrow();
  });

  it('leaves the person everything', () => {
    const self = decide(cast.person, personWith(), noon);
    expect(intersect(self, self)).toEqual(self);
  });
});

describe('the tables', () => {
  it('have a name', () => {
    expect(policyVersion).toMatch(/^\d{4}-\d{2}-\d{2}\.\d+$/);
  });

  it('open counseling to clinicians and physicians alone', () => {
    expect(roles.filter((role) => ceilings[role].has('counseling'))).toEqual(['clinician', 'physician']);
  });
});
