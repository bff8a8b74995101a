import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixtureClaims, fixtureMembers, fixtureOrganizations, type DevIssuer } from '@peerbridge/identity';
import { roles } from '@peerbridge/kernel';
import type { Config } from '@peerbridge/platform';

/** What `dev.json` tells of a running development system: where it is, and a token per role. */
export async function describeDevelopment(address: string, issuer: DevIssuer, { devClock }: Config) {
  const tokens = await Promise.all(roles.map(async (role) =>
    [role, (await issuer.issue(fixtureClaims(role))).access_token] as const));
  return {
    graphql: `${address}/graphql`,
    subscriptions: `${address.replace(/^http/, 'ws')}/graphql`,
    explorer: `${address}/explorer`,
    live: `${address}/health/live`,
    ready: `${address}/health/ready`,
    metrics: `${address}/metrics`,
    token: `${address}/dev/token`,
    ...(devClock && { clock: `${address}/dev/clock` }),
    tokens: Object.fromEntries(tokens),
    members: Object.fromEntries(roles.map((role) => {
      const { memberId, orgId, participantId } = fixtureMembers[role];
      return [role, { memberId, orgId, ...(participantId && { participantId }) }];
    })),
    organizations: Object.fromEntries(Object.entries(fixtureOrganizations).map(([key, { id }]) => [key, id])),
  };
}

const pathOf = (dataDir: string): string => join(dataDir, 'dev.json');

/** Whole or not at all: whoever waits for the file finds it complete. Mode 0600, for it holds tokens. */
export async function writeDevFile(dataDir: string, content: object): Promise<void> {
  const path = pathOf(dataDir);
  await writeFile(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

export const removeDevFile = (dataDir: string): Promise<void> => rm(pathOf(dataDir), { force: true });
