import { describe, expect, it } from '@jest/globals';
import { segments } from '@peerbridge/kernel';
import fc from 'fast-check';
import {
  ceilings, decide, intersect, mayKnowOrganization, participantFields, permitsContactNarrative, permitsField, permitsItem,
  permitsSegment, reachesByWriting, reachesOf, reachesOrganization, reachesTo, seesWorker, type ConsentFact, type Decision,
  type ItemLabel, type ParticipantField, type PersonFacts,
} from './index.js';
import { anyConsent, anyFacts, anyInstant, anyLabel, anyViewer, cast, organizations } from './testing.js';

/** Everything a decision opens, each as a name. */
function opened(decision: Decision, labels: readonly ItemLabel[]): string[] {
  const { viewer } = decision;
  const fields = Object.keys(participantFields) as ParticipantField[];
  const orgIds = Object.values(organizations);
  return [
    ...(decision.visible ? ['person'] : []),
    ...decision.access.filter(({ permitted }) => permitted).map(({ segment }) => segment),
    ...fields.filter((field) => permitsField(decision, field)),
    ...labels.flatMap((label, index) => (permitsItem(decision, label) ? [`item ${index}`] : [])),
    ...labels.flatMap((label, index) => (permitsContactNarrative(decision, label) ? [`narrative ${index}`] : [])),
    ...orgIds.filter((id) => mayKnowOrganization(decision, viewer, { id, part2Program: true })).map((id) => `organization ${id}`),
    ...Object.entries(cast).filter(([, worker]) => seesWorker(decision, viewer, worker)).map(([name]) => name),
    ...orgIds.flatMap((id) => segments.filter((one) => permitsSegment(decision, one, id)).map((one) => `${one} of ${id}`)),
  ];
}

const anyLabels = fc.array(anyLabel, { minLength: 1, maxLength: 12 });
const anyAsking = fc.record({ viewer: anyViewer, facts: anyFacts, instant: anyInstant, labels: anyLabels });
type Asking = { viewer: Parameters<typeof decide>[0]; facts: PersonFacts; instant: string; labels: ItemLabel[] };

const openedBy = ({ viewer, facts, instant, labels }: Asking, changes: Partial<PersonFacts> = {}): string[] =>
  opened(decide(viewer, { ...facts, ...changes }, instant), labels);
const expectWithin = (less: readonly string[], more: readonly string[]): void =>
  expect(less.filter((one) => !more.includes(one))).toEqual([]);

describe('whatever the facts', () => {
  it('more consents never close anything', () => {
    fc.assert(fc.property(anyAsking, anyConsent, (asking, consent) => {
      expectWithin(openedBy(asking), openedBy(asking, { consents: [...asking.facts.consents, consent] }));
    }));
  });

  it('suspending, revoking, narrowing or withdrawing a recipient never opens anything', () => {
    const anyWithdrawal = fc.constantFrom('suspend', 'revoke', 'narrow', 'recipient', 'expire');
    fc.assert(fc.property(anyAsking, fc.nat(), anyWithdrawal, (asking, nth, withdrawal) => {
      const withdrawn = (consent: ConsentFact): ConsentFact => ({
        ...consent,
        ...{
          suspend: { state: 'suspended' as const },
          revoke: { state: 'revoked' as const },
          narrow: { segments: consent.segments.slice(1) },
          recipient: { recipients: consent.recipients.slice(1) },
          expire: { expiry: { at: asking.instant } },
        }[withdrawal],
      });
      const { consents } = asking.facts;
      const after = consents.map((consent, index) => (index === nth % consents.length ? withdrawn(consent) : consent));
      expectWithin(openedBy(asking, { consents: after }), openedBy(asking));
    }));
  });

  it('restricting a worker, removing one from the team or losing sight of the person never opens anything', () => {
    fc.assert(fc.property(anyAsking, fc.constantFrom(...Object.values(cast)), (asking, { memberId }) => {
      const { restrictedMemberIds, team } = asking.facts;
      const before = openedBy(asking);
      expectWithin(openedBy(asking, { restrictedMemberIds: [...restrictedMemberIds, memberId] }), before);
      expectWithin(openedBy(asking, { team: team.filter((member) => member.memberId !== memberId) }), before);
      expectWithin(openedBy(asking, { unknowable: true }), before);
    }));
  });

  it('nothing beyond the ceiling of the role is ever open', () => {
    fc.assert(fc.property(anyAsking, ({ viewer, facts, instant }) => {
      const decision = decide(viewer, facts, instant);
      fc.pre(!decision.self);
      const ceiling = ceilings[viewer.role];
      for (const { segment, permitted, refusal } of decision.access) {
        if (permitted) expect(ceiling.has(segment)).toBe(true);
        else expect(refusal).toBe(ceiling.has(segment) ? 'noBasis' : 'roleCeiling');
      }
      for (const { segments: open } of decision.items.sources) expect(open.every((segment) => ceiling.has(segment))).toBe(true);
    }));
  });

  it('access has every segment once, in order, with a basis or a refusal', () => {
    fc.assert(fc.property(anyAsking, ({ viewer, facts, instant }) => {
      const { access } = decide(viewer, facts, instant);
      expect(access.map(({ segment }) => segment)).toEqual(segments);
      for (const one of access) {
        expect(one.basis !== null).toBe(one.permitted);
        expect(one.refusal === null).toBe(one.permitted);
        if (one.basis !== 'self' && one.basis !== 'programInternal') expect(one.consentIds.length > 0).toBe(one.permitted);
      }
    }));
  });

  it('at work nobody opens what is about a colleague of theirs, or about themself', () => {
    fc.assert(fc.property(anyAsking, fc.constantFrom(...Object.values(organizations)), (asking, workplace) => {
      const { viewer, facts } = asking;
      const before = openedBy(asking);
      const themself = openedBy(asking, { ownMemberIds: [...facts.ownMemberIds, viewer.memberId] });
      expectWithin(themself, before);
      if (!decide(viewer, facts, asking.instant).self) {
        expect(themself.filter((one) => /^(person|item|narrative)/.test(one))).toEqual([]);
      }
      expectWithin(openedBy(asking, { worksAtOrgIds: [...facts.worksAtOrgIds, workplace] }), before);
    }));
  });

  it('a permission lasts one millisecond before `until`, and ends there by itself', () => {
    fc.assert(fc.property(anyAsking, ({ viewer, facts, instant }) => {
      const one = { ...facts, consents: facts.consents.slice(0, 1) };
      for (const { segment, until } of decide(viewer, one, instant).access) {
        if (until === null) continue;
        const permittedAt = (time: number) => decide(viewer, one, new Date(time).toISOString())
          .access.find((access) => access.segment === segment)?.permitted;
        expect(permittedAt(Date.parse(until) - 1)).toBe(true);
        expect(permittedAt(Date.parse(until))).toBe(false);
      }
    }));
  });

  it('an intersection is what both permit, no more', () => {
    fc.assert(fc.property(anyAsking, anyFacts, anyInstant, (asking, now, today) => {
      const a = decide(asking.viewer, asking.facts, asking.instant);
      const b = decide(asking.viewer, now, today);
      const ofBoth = opened(intersect(a, b), asking.labels);
      expectWithin(ofBoth, opened(a, asking.labels));
      expectWithin(ofBoth, opened(b, asking.labels));
      expect(intersect(a, a)).toEqual(a);
    }));
  });

  it('an item both permit, their intersection permits', () => {
    fc.assert(fc.property(anyAsking, anyFacts, ({ viewer, facts, instant, labels }, now) => {
      const [a, b] = [decide(viewer, facts, instant), decide(viewer, now, instant)];
      for (const label of labels) {
        expect(permitsItem(intersect(a, b), label)).toBe(permitsItem(a, label) && permitsItem(b, label));
      }
    }));
  });

  it('a consent that reaches an organization by name opens the segment to its members who are not shut out', () => {
    fc.assert(fc.property(anyFacts, anyInstant, (facts, instant) => {
      const shutOut = [...facts.restrictedMemberIds, ...facts.ownMemberIds];
      for (const worker of Object.values(cast).filter(({ memberId }) => !shutOut.includes(memberId))) {
        const viewer = { ...worker, participantId: facts.participantId };
        const decision = decide(viewer, { ...facts, partyOrgIds: [viewer.orgId] }, instant);
        for (const segment of segments) {
          const ids = reachesOrganization({ ...facts, team: [] }, organizations.R, viewer.orgId, segment, [viewer.role], instant);
          if (ids.length > 0) expect(permitsSegment(decision, segment, organizations.R)).toBe(true);
        }
      }
    }));
  });

  it('nobody is shown anything, or is on the team, who has no reach in common with the person', () => {
    let shown = 0;
    fc.assert(fc.property(anyAsking, ({ viewer, facts, instant, labels }) => {
      const decision = decide(viewer, facts, instant);
      const items = labels.filter((label) => permitsItem(decision, label));
      const listed = [...reachesTo(facts)].filter(([, asAWhole]) => asAWhole).map(([reach]) => reach);
      const written = items.flatMap(({ authorId, sourceOrgId }) => [
        ...reachesByWriting({ id: authorId ?? '', role: 'peer', orgId: sourceOrgId }, sourceOrgId)]);
      const inCommon = (reaches: readonly string[]): boolean => reachesOf(viewer).some((reach) => reaches.includes(reach));
      if (decision.visible || decision.onTeam) expect(inCommon(listed)).toBe(true);
      if (items.length > 0) expect(inCommon([...listed, ...written])).toBe(true);
      shown += items.length;
    }), { numRuns: 2_000 });
    // Or else it was an agreement about nothing.
    expect(shown).toBeGreaterThan(300);
  });
});
