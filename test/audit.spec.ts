import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PostgresEventStore } from '@peerbridge/event-store/postgres';
import { openDatabase, type Database } from '@peerbridge/platform';
import { compiledDist } from './support/run-typescript.js';
import { placesOf } from './support/places.js';
import { enrollP1, fieldsOf, later, type Story } from './support/story.js';
import { startSystem, type TestSystem } from './support/system.js';

const CANARY = `canary-${randomUUID()}`;
const HOUR_MS = 3_600_000;
const yesterday = '2026-05-04T09:00:00.000Z';
const today = later(yesterday, 24 * HOUR_MS);
const nothing = { participant: null, timeline: [], access: null };

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Replayed {
  position: string;
  stream: string;
  revision: number;
  metadata: { type: string; eventId: string; participantId?: string; recordedAt: string };
  data: { open: Record<string, unknown>; sealed: Record<string, unknown> };
}

interface AsOf {
  participant: Record<string, unknown>
    & Record<'team' | 'consents' | 'contacts' | 'notes' | 'referrals', Record<string, unknown>[]>;
  timeline: { type: string; occurredAt: string; node: { __typename: string; id: string } | null }[];
  access: { at: string; segments: { segment: string; basis: string | null }[] };
  policyVersion: string;
}

let system: TestSystem;
let dist: string;
let story: Story;
/** All that the command line ever said here. */
const said: string[] = [];

/** `npm run --silent audit -- <args>`, by default with the fixture's auditor's token. */
async function audit(
  args: readonly string[], token: string | undefined = system.dev.tokens.auditor, more: Record<string, string> = {},
): Promise<Ended> {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...system.env, ...(token !== '' && { PEERBRIDGE_TOKEN: token }), ...more };
  const main = path.join(dist, 'apps', 'audit', 'main.js');
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output.stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { output.stderr += text; });
  const [code] = await once(child, 'close') as [number | null];
  said.push(output.stdout, output.stderr);
  return { code, ...output };
}

async function replayed(...args: string[]): Promise<Replayed[]> {
  const { code, stdout, stderr } = await audit(['replay', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Replayed);
}

async function asOf(participant: string, at: string, who: { role: string; memberId: string; orgId: string }): Promise<AsOf> {
  const { code, stdout, stderr } = await audit([
    'as-of', '--participant', participant, '--at', at, '--role', who.role, '--member', who.memberId, '--org', who.orgId]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as AsOf;
}

const member = (role: string) => ({ role, ...system.dev.members[role]! });
const positions = (events: readonly Replayed[]) => events.map(({ position }) => position);

async function onDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ dataDir: system.dataDir, applicationName: 'audit-spec' });
  return work(database).finally(() => database.close());
}

beforeAll(async () => {
  dist = await compiledDist();
  // Its own embedded PostgreSQL, which the command line finds by the data folder.
  system = await startSystem({ env: { DATABASE_URL: '' } });
  await system.freeze(yesterday);
  story = await enrollP1(system, {
    preferredName: CANARY, legalName: CANARY, safeContact: CANARY, accessibility: CANARY, doNotAskTopics: [CANARY],
    contact: { phone: CANARY, okToText: true },
  });
  await system.freeze(today);
  await story.logContact({
    occurredAt: later(yesterday, 6 * HOUR_MS), startedAt: later(yesterday, 6 * HOUR_MS), endedAt: later(yesterday, 7 * HOUR_MS),
    summary: CANARY, narrative: CANARY,
  });
});

afterAll(async () => { await system.stop(); });

describe('As of an earlier time', () => {
  it('a contact of yesterday, entered today, is not there yesterday, and is sorted at yesterday today (17)', async () => {
    const before = await asOf(story.id, later(today, -1), member('peer'));
    expect(before.timeline.map(({ type }) => type)).toEqual(['ParticipantEnrolled']);
    expect(before.participant.contacts).toEqual([]);

    const { position } = await story.person.mutate('inviteTeamMember', {
      participantId: story.id, memberId: randomUUID(), role: 'housing', organizationId: system.dev.organizations.OrgH,
    });
    const types = ['TeamMemberInvited', 'PeerContactLogged', 'ParticipantEnrolled'];
    const { participant } = await system.as('peer').query<{ participant: { timeline: { edges: { node: { type: string } }[] } } }>(
      'query($id: ID!, $at: String) { participant(id: $id, atLeast: $at) { timeline { edges { node { type } } } } }',
      { id: story.id, at: position });
    expect(participant.timeline.edges.map(({ node }) => node.type)).toEqual(types);
    const after = await asOf(story.id, today, member('peer'));
    expect(after.timeline.map(({ type }) => type)).toEqual(types);
  });

  it('is what the member saw, with every text masked', async () => {
    const { participant, timeline, access, policyVersion } = await asOf(story.id, today, member('peer'));
    expect(participant).toMatchObject({
      id: story.id, preferredName: '[masked]', contact: { phone: '[masked]', okToText: null }, doNotAskTopics: ['[masked]'],
      householdSize: null, consents: [], notes: [], referrals: [],
      contacts: [{
        modality: 'phone', summary: '[masked]', narrative: '[masked]',
        author: { organization: { name: 'Riverside Recovery Center' } },
      }],
    });
    expect(participant.team).toHaveLength(2);
    expect(timeline[1]!.node).toEqual({ __typename: 'PeerContact', ...participant.contacts[0] });
    const live = await system.as('peer').query<{ access: AsOf['access'] }>(
      'query($id: ID!) { access(participantId: $id) { segments { segment basis } } }', { id: story.id });
    expect(access).toMatchObject({ participantId: story.id, at: today, segments: live.access.segments });
    expect(policyVersion).toBeTruthy();
  });

  it('gives every page of a long list', async () => {
    const long = await enrollP1(system);
    for (let count = 0; count < 101; count += 1) await long.logContact({ summary: CANARY });
    const { participant, timeline } = await asOf(long.id, today, member('peer'));
    expect(new Set(participant.contacts.map(({ id }) => id)).size).toBe(101);
    expect(new Set(timeline.map(({ node }) => node?.id)).size).toBe(102);
  });

  it('is decided by the consents of that time and by those of today: the past is no way round', async () => {
    await system.freeze(later(today, 1_000));
    const patient = await enrollP1(system, { preferredName: CANARY });
    await system.freeze(later(today, 2_000));
    await patient.join('clinician');
    const consent = await patient.grantTpo();
    const granted = later(today, 2_000);
    expect(await asOf(patient.id, later(granted, -1), member('clinician'))).toEqual(nothing);
    const seen = await asOf(patient.id, granted, member('clinician'));
    expect(seen.access.segments).toContainEqual(expect.objectContaining({ segment: 'identity', basis: 'tpo' }));
    expect(seen.participant).toMatchObject({ preferredName: '[masked]', consents: [{ state: 'active' }] });
    expect(seen.participant.team).toContainEqual(expect.objectContaining({
      worker: { id: member('clinician').memberId, name: null, role: 'clinician', organization: expect.anything() } }));

    await system.freeze(later(today, 3_000));
    await patient.person.mutate('revokeConsent', { consentId: consent.id });
    expect(await asOf(patient.id, granted, member('clinician'))).toEqual(nothing);
    expect((await asOf(patient.id, granted, member('person'))).participant.consents).toMatchObject([{ state: 'active' }]);
  });

  it('labels what was written as it then was, and shows none of what its label keeps from the asker today', async () => {
    const at = (seconds: number) => later(today, seconds * 1_000);
    await system.freeze(at(4));
    const patient = await enrollP1(system);
    await patient.join('clinician');
    await patient.grantTpo();
    const opened = await patient.logContact({ visibility: 'team', coAuthored: true });
    const kept = await patient.logContact({ visibility: 'personAndPeer', coAuthored: true });
    await system.freeze(at(5));
    await patient.person.mutate('setContactVisibility', { contactId: opened.id, visibility: 'personAndPeer' });
    await patient.person.mutate('setContactVisibility', { contactId: kept.id, visibility: 'team' });

    const seen = async (time: string, role: string) => {
      const { participant, timeline } = await asOf(patient.id, time, member(role));
      const contacts = participant.contacts.map(({ id, visibility }) => ({ id, visibility }));
      const inTimeline = timeline.filter(({ type }) => type === 'PeerContactLogged').map(({ node }) => node?.id);
      expect(inTimeline.sort()).toEqual(contacts.map(({ id }) => id).sort());
      return contacts;
    };
    expect(await seen(at(5), 'clinician')).toEqual([{ id: kept.id, visibility: 'team' }]);
    expect(await seen(at(4), 'clinician')).toEqual([]);
    expect(await seen(at(4), 'peer')).toEqual([
      { id: kept.id, visibility: 'personAndPeer' }, { id: opened.id, visibility: 'team' }]);
  });

  it('is nothing for whoever may see nothing, and for an unknown person', async () => {
    expect(await asOf(story.id, today, member('employer'))).toEqual(nothing);
    expect(await asOf(story.id, today, member('auditor'))).toEqual(nothing);
    expect(await asOf(randomUUID(), today, member('peer'))).toEqual(nothing);
    expect(await asOf(story.id, later(yesterday, -1), member('peer'))).toEqual(nothing);
  });

  it('leaves nothing behind in the database', async () => {
    const { rows } = await onDatabase(({ pool }) => pool.query<{ schema: string }>(
      "SELECT table_schema AS schema FROM information_schema.tables WHERE table_name = 'person'"));
    expect(rows.map(({ schema }) => schema)).toEqual([expect.stringMatching(/^view_v\d+$/)]);
  });
});

describe('The replay', () => {
  it('gives the whole log in its order, the fields of every seal by name', async () => {
    const all = await replayed();
    const places = await placesOf(system.env);
    const inside = all.map(({ position }) => places.positionOf(position)!);
    expect(inside).toEqual([...new Set(inside)].sort());
    expect(all[0]).toMatchObject({ metadata: { type: 'OrganizationRegistered' }, data: { open: { part2Program: true } } });
    const enrolled = all.find(({ metadata }) => metadata.type === 'ParticipantEnrolled' && metadata.participantId === story.id)!;
    expect(enrolled).toMatchObject({
      stream: `participant-${story.id}`, revision: 0,
      data: {
        open: { participantId: story.id },
        sealed: { identity: { preferredName: '[masked]', householdSize: null }, safety: { doNotAskTopics: ['[masked]'] } },
      },
    });
  });

  it('gives one person', async () => {
    const one = await replayed('--participant', story.id);
    expect(one.map(({ metadata }) => metadata.type)).toEqual(['ParticipantEnrolled', 'PeerContactLogged', 'TeamMemberInvited']);
    expect(await replayed('--participant', randomUUID())).toEqual([]);
  });

  it('is bounded by positions and by times of recording, both inclusive', async () => {
    const one = await replayed('--participant', story.id);
    const [first, second, third] = positions(one) as [string, string, string];
    const bounded = async (...bounds: string[]) => positions(await replayed('--participant', story.id, ...bounds));
    expect(await bounded('--from', second, '--to', second)).toEqual([second]);
    expect(await bounded('--to', yesterday)).toEqual([first]);
    expect(await bounded('--from', later(yesterday, 1))).toEqual([second, third]);
    expect(await bounded('--from', '2026-05-05T11:00:00+02:00', '--to', second)).toEqual([second]);
  });

  it('is bounded by the position that a command was answered with', async () => {
    const other = await enrollP1(system);
    const { position } = await other.logContact();
    await other.logContact();
    const upTo = await replayed('--participant', other.id, '--to', position);
    expect(upTo.map(({ metadata }) => metadata.type)).toEqual(['ParticipantEnrolled', 'PeerContactLogged']);
    expect(positions(upTo).at(-1)).toBe(position);
  });

  it('refuses bounds that are no place in this log', async () => {
    const [position] = positions(await replayed('--participant', story.id)) as [string];
    const places = await placesOf(system.env);
    const inside = places.positionOf(position)!;
    const foreign = places.position(inside.replace(/^pg[^.]+/, 'pg00000000'));
    const future = places.position(inside.replace(/\d$/, '').replace(/0(\d+)$/, '9$1') + inside.at(-1));
    for (const bound of [foreign, future, inside, '2026-02-30T00:00:00Z', '']) {
      const { code, stdout, stderr } = await audit(['replay', '--from', bound]);
      expect({ bound, code, stdout }).toEqual({ bound, code: 2, stdout: '' });
      expect(stderr).toContain('--from');
    }
  });

  it('masks what an earlier release wrote in the open and this one seals; who may see it reads it as ever', async () => {
    const other = await enrollP1(system);
    const contactId = randomUUID();
    const logged = await other.logContact({ setting: 'jail', summary: CANARY });
    await onDatabase(async ({ pool }) => {
      const store = await PostgresEventStore.open({ pool });
      for await (const event of store.readStream(`peerContact-${logged.id}`)) {
        const metadata = { ...event.metadata, eventId: randomUUID(), commandId: randomUUID(), schemaVersion: 1 };
        const told = {
          setting: 'court', supportTypes: ['emotional'], activities: [], dimensions: ['home'], livedExperienceShared: true,
        };
        const data = { open: { ...event.data.open, contactId, ...told }, sealed: {} };
        await store.append(`peerContact-${contactId}`, [{ metadata, data }], { expectedRevision: 'noStream' });
      }
      await store.close();
    });
    const [now, earlier] = (await replayed('--participant', other.id))
      .filter(({ metadata }) => metadata.type === 'PeerContactLogged');
    expect(now!.data.sealed).toMatchObject({ peer: { setting: '[masked]', summary: '[masked]' } });
    expect(earlier!.data.sealed).toEqual({
      peer: {
        setting: '[masked]', supportTypes: ['[masked]'], activities: [], dimensions: ['[masked]'], livedExperienceShared: null,
      },
    });
    expect(Object.keys(earlier!.data.open)).toEqual(Object.keys(now!.data.open));
    // The next command waits for the view to have it.
    await other.logContact();
    const fields = 'setting supportTypes dimensions livedExperienceShared summary';
    expect(await fieldsOf(other.person, contactId, 'PeerContact', fields)).toEqual({
      setting: 'court', supportTypes: ['emotional'], dimensions: ['home'], livedExperienceShared: true, summary: null,
    });
  });

  it('shows an event of a newer release, and says what was shredded', async () => {
    const other = await enrollP1(system, { safeContact: CANARY });
    await onDatabase(async ({ pool }) => {
      const store = await PostgresEventStore.open({ pool });
      for await (const event of store.readStream(`participant-${other.id}`)) {
        const metadata = { ...event.metadata, eventId: randomUUID(), type: 'MoodNoted', schemaVersion: 7 };
        await store.append(`mood-${other.id}`, [{ metadata, data: event.data }], { expectedRevision: 'noStream' });
      }
      await store.close();
      await pool.query("DELETE FROM vault.key WHERE participant_id = $1 AND segment = 'safety'", [other.id]);
    });
    const [enrolled, noted] = await replayed('--participant', other.id);
    expect(enrolled!.data.sealed).toMatchObject({ safety: 'SHREDDED', identity: { preferredName: '[masked]' } });
    expect(noted).toMatchObject({ metadata: { type: 'MoodNoted' }, data: { sealed: { identity: '[masked]' } } });
    // What this build cannot read could have been a withdrawal.
    expect(await asOf(other.id, today, member('peer'))).toEqual(nothing);
  });
});

describe('A rebuild', () => {
  it('gives the same view while it is written and read, and fails nobody (27)', async () => {
    const busy = await enrollP1(system);
    let done = false;
    let written = 0;
    let read = 0;
    const write = async () => {
      for (; !done; written += 1) await busy.logContact({ summary: CANARY });
    };
    const query = `query($id: ID!) {
      participant(id: $id) { preferredName contacts { totalCount } timeline { edges { node { id } } } }
    }`;
    const look = async () => {
      for (; !done; read += 1) {
        const { participant } = await system.as('peer').query<{ participant: unknown }>(query, { id: busy.id });
        expect(participant).toMatchObject({ preferredName: 'Jordan' });
      }
    };
    const load = Promise.all([write(), write(), look(), look()]);
    try {
      for (let round = 0; round < 2; round += 1) {
        const { code, stdout, stderr } = await audit(['rebuild']);
        // Somebody's projection is stopped, in both views at the same event.
        expect(stderr).toContain('its person is stopped');
        const { live, rebuilt, equal } = JSON.parse(stdout) as { live: string; rebuilt: string; equal: boolean };
        expect({ code, equal, live }).toEqual({ code: 0, equal: true, live: rebuilt });
        expect(live).toMatch(/^[0-9a-f]{64}$/);
      }
    } finally {
      done = true;
      await load;
    }
    expect(Math.min(written, read)).toBeGreaterThan(10);
    const { position } = await busy.logContact();
    const { participant } = await system.as('peer').query<{ participant: { contacts: { totalCount: number } } }>(
      'query($id: ID!, $at: String) { participant(id: $id, atLeast: $at) { contacts { totalCount } } }',
      { id: busy.id, at: position });
    expect(participant.contacts.totalCount).toBe(written + 1);
  });

  it('that finds another view than the live one says so, exits with 1, and leaves the right one', async () => {
    await onDatabase(async ({ pool }) => {
      const { rows: [live] } = await pool.query<{ version: number }>('SELECT version FROM runtime.view WHERE live');
      await pool.query(`DELETE FROM view_v${live!.version}.timeline WHERE participant_id = $1`, [story.id]);
    });
    const bad = await audit(['rebuild']);
    expect({ code: bad.code, ...JSON.parse(bad.stdout) as object }).toMatchObject({ code: 1, equal: false });
    expect(await audit(['rebuild'])).toMatchObject({ code: 0 });
  });
});

describe('The command line', () => {
  it('takes an auditor\'s token and no other', async () => {
    for (const token of ['', `${system.dev.tokens.auditor}x`]) {
      const { code, stdout, stderr } = await audit(['replay'], token);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('UNAUTHENTICATED');
    }
    for (const role of ['peer', 'privacyOfficer']) {
      const { code, stdout, stderr } = await audit(['replay'], system.dev.tokens[role]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('FORBIDDEN_ROLE');
    }
  });

  it('makes nothing in a folder that is not the system\'s', async () => {
    const mistyped = path.join(system.dataDir, 'mistyped');
    const someone = ['--at', today, '--role', 'peer', '--member', randomUUID(), '--org', randomUUID()];
    for (const args of [['replay'], ['as-of', '--participant', story.id, ...someone], ['rebuild']]) {
      const { code, stdout, stderr } = await audit(args, undefined, { DATA_DIR: mistyped });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain('DATA_DIR');
    }
    await expect(stat(mistyped)).rejects.toThrow('ENOENT');
  });

  it('says how it is used, where it is not used so', async () => {
    for (const args of [['--help'], ['export'], ['replay', '--participant', 'P1'], ['as-of', '--participant', story.id]]) {
      const { code, stdout, stderr } = await audit(args, '');
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr).toContain('Usage:');
    }
  });

  it('runs beside a stopped system, too', async () => {
    const before = await replayed('--participant', story.id);
    const view = await asOf(story.id, today, member('peer'));
    expect(await system.stop()).toBe(0);
    expect(await replayed('--participant', story.id)).toEqual(before);
    expect(await asOf(story.id, today, member('peer'))).toEqual(view);
    expect(await audit(['rebuild'])).toMatchObject({ code: 0 });
  });

  it('never said a protected word', () => {
    expect(said.join('').includes('[masked]')).toBe(true);
    expect(said.join('').includes(CANARY)).toBe(false);
  });
});
