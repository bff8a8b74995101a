import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { enrollP1, fieldsOf, later, see, type Story } from '../support/story.js';
import { startSystem, type Client, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => { system = await startSystem(); });
afterAll(async () => { expect(await system.stop()).toBe(0); });

const as = (role: string): Client => system.as(role);
const typesOf = async (viewer: Client, { id }: Story) => (await see(viewer, id))!.timeline.map(({ type }) => type);

describe('What is known of a person', () => {
  it('is taken out by null, where there may be nothing', async () => {
    const story = await enrollP1(system);
    const { version } = await as('peer').mutate('changePreferences', {
      participantId: story.id, safeContact: null, accessibility: null, householdSize: null,
    });
    expect(await see(as('peer'), story.id)).toMatchObject({
      version, safeContact: null, accessibility: null, householdSize: null, contact: { phone: '555-0100' },
    });
    await story.person.mutate('changePreferences', { participantId: story.id, accessibility: 'Elevator' });
    expect(await see(as('peer'), story.id)).toMatchObject({ safeContact: null, accessibility: 'Elevator', householdSize: null });
  });

  it('is corrected by the person, their peer and their program, and told so in the story', async () => {
    const story = await enrollP1(system);
    const of = (fields: object) => ({ participantId: story.id, ...fields });
    await as('peer').mutate('correctParticipant', of({ preferredName: 'Jordyn', birthDate: '1990-04' }));
    await as('supervisor').mutate('correctParticipant', of({ legalName: 'Jordan Riviera', language: 'es' }));
    const corrected = { preferredName: 'Jordyn', legalName: 'Jordan Riviera', birthDate: '1990-04', language: 'es' };
    expect(await see(as('peer'), story.id)).toMatchObject({ version: 2, ...corrected, householdSize: 2 });
    await story.person.mutate('correctParticipant', of({ legalName: null, birthDate: null }));
    expect(await see(as('supervisor'), story.id)).toMatchObject({ ...corrected, legalName: null, birthDate: null });
    expect((await typesOf(story.person, story)).filter((type) => type === 'ParticipantCorrected')).toHaveLength(3);
    // They sign by the name that they have.
    const terms = {
      kind: 'named', recipients: [{ orgId: system.dev.organizations.OrgH }], segments: ['housing'], purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    };
    await story.grant({ ...terms, signature: { method: 'typed', signer: 'jordyn', capacity: 'self' } });
  });

  it('is corrected by nobody else, though they read it', async () => {
    const story = await enrollP1(system);
    const outside = await system.newWorker('peer', 'OrgC');
    await story.join(outside);
    await story.grant({
      kind: 'named', recipients: [{ memberId: outside.memberId }], segments: ['identity'], purposes: ['COC'],
      expiry: { at: later(story.enrolledAt, 86_400_000) },
    });
    const input = { participantId: story.id, language: 'fr' };
    expect(await outside.client.refused('correctParticipant', input)).toEqual({ code: 'FORBIDDEN_ROLE' });
    expect(await as('clinician').refused('correctParticipant', input)).toEqual({ code: 'FORBIDDEN_ROLE' });
    const colleague = await system.newWorker('peer', 'OrgR');
    expect(await colleague.client.refused('correctParticipant', input)).toEqual({ code: 'NOT_FOUND' });
    expect(await see(story.person, story.id)).toMatchObject({ version: 0, language: 'en' });
  });

  it('of a birth date, is as much as is known', async () => {
    for (const birthDate of ['1980', '1980-05', '1980-05-17']) {
      const story = await enrollP1(system, { birthDate });
      expect(await fieldsOf(as('peer'), story.id, 'Participant', 'birthDate')).toEqual({ birthDate });
    }
    expect(await as('peer').refused('enrollParticipant', { preferredName: 'Jo', language: 'en', birthDate: '1980-13' }))
      .toEqual({ code: 'VALIDATION', fields: ['birthDate'] });
  });
});
