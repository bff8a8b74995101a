import { createServer } from 'node:http';
import { mkdtemp, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUuid, memberIdOf, roles } from '@peerbridge/kernel';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { Authenticator, remoteIssuer } from './authenticator.js';
import { DEV_AUDIENCE, DEV_ISSUER, DevIssuer } from './dev-issuer.js';
import { fixtureClaims, fixtureMembers, fixtureOrganizations, fixtureParticipantId } from './fixture.js';

const ORG = '0B6C4D9A-0000-4000-8000-00000000000A';
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const peer = { sub: 'sam', role: 'peer', org_id: ORG, name: 'Sam' };

let dataDir: string;
let issuer: DevIssuer;
let authenticator: Authenticator;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'peerbridge-identity-'));
  issuer = await DevIssuer.open({ dataDir, environment: 'development' });
  authenticator = new Authenticator(issuer);
});

const bearer = async (claims: object) => `Bearer ${(await issuer.issue(claims)).access_token}`;
const refused = (authorization: unknown) =>
  expect(authenticator.authenticate(authorization)).rejects.toMatchObject({
    code: 'UNAUTHENTICATED', message: 'A valid bearer token is required.',
  });

describe('A token', () => {
  it('tells who asks', async () => {
    const exp = inAnHour();
    const { caller, expiresAt } = await authenticator.authenticate(await bearer({ ...peer, exp }));
    expect(caller).toEqual({ memberId: memberIdOf(DEV_ISSUER, 'sam'), role: 'peer', orgId: ORG.toLowerCase(), name: 'Sam' });
    expect(expiresAt).toBe(exp * 1000);
  });

  it('tells whose person or kin it is; who acts for no organization is their own', async () => {
    const kin = await authenticator.authenticate(await bearer({ sub: 'alex', role: 'family', participant_id: ORG }));
    expect(kin.caller).toMatchObject({ role: 'family', orgId: ORG.toLowerCase(), participantId: ORG.toLowerCase() });
  });

  it('is asked for', async () => {
    const token = (await issuer.issue(peer)).access_token;
    for (const header of [
      undefined, '', 'Bearer', 'Bearer ', 'Bearer undefined', `Basic ${token}`, token, `Bearer ${token} x`, [token],
    ]) await refused(header);
  });

  it('is refused when it has ended; an issuer with a clock of its own is allowed some skew', async () => {
    const now = Math.floor(Date.now() / 1000);
    await refused(await bearer({ ...peer, exp: now - 1 }));
    const elsewhere = new Authenticator({ issuer: issuer.issuer, audience: issuer.audience, keys: issuer.keys, skewSeconds: 30 });
    await expect(elsewhere.authenticate(await bearer({ ...peer, exp: now - 45 }))).rejects.toThrow();
    await expect(elsewhere.authenticate(await bearer({ ...peer, exp: now - 10 }))).resolves.toBeDefined();
  });

  it('is refused from another issuer, for another audience, or with a broken signature', async () => {
    await refused(await bearer({ ...peer, iss: 'https://elsewhere.example' }));
    await refused(await bearer({ ...peer, aud: 'another-service' }));
    const [header, payload, signature] = (await bearer(peer)).split('.');
    await refused(`${header}.${payload}.${signature?.startsWith('A') ? 'B' : 'A'}${signature?.slice(1)}`);
    await refused(`${header}.${Buffer.from(JSON.stringify({ ...peer, role: 'auditor' })).toString('base64url')}.${signature}`);
  });

  it('is refused unsigned, or signed by a key of its own or with a shared secret', async () => {
    const claims = { ...peer, iss: DEV_ISSUER, aud: DEV_AUDIENCE, exp: inAnHour() };
    const { privateKey } = await generateKeyPair('ES256');
    await refused(`Bearer ${new UnsecuredJWT(claims).encode()}`);
    await refused(`Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)}`);
    const publicKey = Buffer.from(JSON.stringify(issuer.jwks.keys[0]));
    await refused(`Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(publicKey)}`);
  });
});

describe('The issuer of development', () => {
  it('keeps its key, readable by its owner alone, so that a token outlives a restart', async () => {
    const token = await bearer(peer);
    const again = new Authenticator(await DevIssuer.open({ dataDir, environment: 'development' }));
    await expect(again.authenticate(token)).resolves.toBeDefined();
    expect((await stat(join(dataDir, 'dev-issuer.json'))).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(issuer.jwks)).not.toContain('"d"');
  });

  it('makes no key for whoever only verifies', async () => {
    const elsewhere = join(dataDir, 'elsewhere');
    const verifier = (folder: string) => DevIssuer.open({ dataDir: folder, environment: 'development', create: false });
    await expect(verifier(elsewhere)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(stat(elsewhere)).rejects.toThrow('ENOENT');
    await expect(new Authenticator(await verifier(dataDir)).authenticate(await bearer(peer))).resolves.toBeDefined();
  });

  it('is refused in production', async () => {
    await expect(DevIssuer.open({ dataDir, environment: 'production' })).rejects.toThrow('refused in production');
  });

  it('issues for several audiences, and with claims that are not ours, as an outside issuer would', async () => {
    const access = await bearer({ ...peer, aud: ['another-service', DEV_AUDIENCE], scope: 'all', realm: { roles: ['x'] } });
    expect(decodeJwt(access.slice('Bearer '.length))).toMatchObject({ scope: 'all', realm: { roles: ['x'] } });
    await expect(authenticator.authenticate(access)).resolves.toMatchObject({ caller: { role: 'peer' } });
    await refused(await bearer({ ...peer, aud: ['another-service'] }));
  });

  it('refuses claims that are missing or malformed', async () => {
    for (const claims of [
      undefined, [], { sub: 'x' }, { ...peer, role: 'admin' }, { ...peer, org_id: 'OrgR' }, { ...peer, org_id: undefined },
      { ...peer, aud: [] }, { ...peer, aud: 5 }, { ...peer, exp: 'never' },
      { sub: 'x', role: 'person', org_id: ORG }, { ...peer, sub: '' },
    ]) await expect(issuer.issue(claims)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('gives a token for every member of the fixture', async () => {
    for (const role of roles) {
      const { memberId, orgId, participantId, name } = fixtureMembers[role];
      const { caller } = await authenticator.authenticate(await bearer(fixtureClaims(role)));
      expect(caller).toEqual({ memberId, role, orgId, name, ...(participantId && { participantId }) });
    }
  });
});

describe('The fixture', () => {
  it('has the same ids everywhere and always', () => {
    expect(fixtureOrganizations.OrgR.id).toBe('34f46b6b-245d-52e9-8348-f4eafdb96736');
    expect(fixtureMembers.person.participantId).toBe(fixtureParticipantId);
    const ids = [
      ...Object.values(fixtureOrganizations).map((organization) => organization.id),
      ...Object.values(fixtureMembers).map((member) => member.memberId),
      fixtureParticipantId,
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isUuid)).toBe(true);
  });
});

describe('An outside issuer', () => {
  const trouble: unknown[] = [];
  const jwks: { keys: object[] } = { keys: [] };
  let isDown = false;
  const server = createServer((_request, response) => {
    response.statusCode = isDown ? 503 : 200;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
  });
  const refusedClaims: string[] = [];
  const trusting = (port: number) => new Authenticator(
    remoteIssuer({ issuer: 'https://id.example', audience: 'peerbridge', jwksUrl: `http://127.0.0.1:${port}/jwks` }),
    (error) => trouble.push(error), (claims) => refusedClaims.push(...claims),
  );
  const outside = () => trusting((server.address() as AddressInfo).port);

  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => void server.close());

  async function tokenOf(alg: string, kid: string, more: object = {}): Promise<string> {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    jwks.keys = [{ ...await exportJWK(publicKey), kid, alg }];
    const claims = { ...peer, iss: 'https://id.example', aud: 'peerbridge', exp: inAnHour(), azp: 'an-app', ...more };
    return `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey)}`;
  }

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('may sign with %s', async (alg) => {
    const token = await tokenOf(alg, alg);
    const memberId = memberIdOf('https://id.example', 'sam');
    await expect(outside().authenticate(token)).resolves.toMatchObject({ caller: { memberId } });
  });

  it('may not sign with another algorithm', async () => {
    const token = await tokenOf('RS512', 'rs512');
    await expect(outside().authenticate(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('that cannot be reached is trouble to report; the caller may try again', async () => {
    const token = await tokenOf('ES256', 'gone');
    expect(trouble).toEqual([]);
    await expect(trusting(9).authenticate(token)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(trouble).toHaveLength(1);
  });

  it('whose keys cannot be had for a while: those that are known are kept, another may be there meanwhile', async () => {
    const keys = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    jwks.keys = [{ ...await exportJWK(keys[0]!.publicKey), kid: 'first', alg: 'ES256' }];
    const signed = async (index: number, kid: string, sub: string) => {
      const claims = { ...peer, sub, iss: 'https://id.example', aud: 'peerbridge', exp: inAnHour() };
      return `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(keys[index]!.privateKey)}`;
    };
    const authenticator = outside();
    await expect(authenticator.authenticate(await signed(0, 'first', 'a'))).resolves.toBeDefined();
    isDown = true;
    const time = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 11 * 60_000);
    try {
      await expect(authenticator.authenticate(await signed(0, 'first', 'b'))).resolves.toBeDefined();
      await expect(authenticator.authenticate(await signed(1, 'second', 'c'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(authenticator.authenticate('Bearer x.y.z')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    } finally {
      isDown = false;
      time.mockRestore();
    }
  });

  it('may sign with any of its keys without naming it', async () => {
    const pairs = [await generateKeyPair('ES256'), await generateKeyPair('ES256'), await generateKeyPair('ES256')];
    jwks.keys = await Promise.all(pairs.slice(0, 2).map(async ({ publicKey }, index) =>
      ({ ...await exportJWK(publicKey), kid: `k${index}`, alg: 'ES256' })));
    const claims = { ...peer, iss: 'https://id.example', aud: 'peerbridge', exp: inAnHour() };
    const [first, second, foreign] = await Promise.all(pairs.map(async ({ privateKey }) =>
      `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)}`));
    const authenticator = outside();
    await expect(authenticator.authenticate(first)).resolves.toBeDefined();
    await expect(authenticator.authenticate(second)).resolves.toBeDefined();
    await expect(authenticator.authenticate(foreign)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('that leaves out a claim: the log learns which one, and not what the others say', async () => {
    refusedClaims.length = 0;
    for (const missing of ['role', 'org_id', 'sub', 'aud']) {
      const token = await tokenOf('ES256', missing, { [missing]: undefined });
      await expect(outside().authenticate(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    expect(refusedClaims).toEqual(['role', 'org_id', 'sub', 'aud']);
  });

  it.each([null, '', '  ', undefined])('may have no name for somebody: %j', async (name) => {
    const { caller } = await outside().authenticate(await tokenOf('ES256', `name-${name}`, { name }));
    expect(caller).not.toHaveProperty('name');
  });
});
