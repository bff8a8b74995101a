import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fixtureClaims, fixtureMembers, fixtureOrganizations, type DevIssuer } from '@peerbridge/identity';
import { roles } from '@peerbridge/kernel';
import type { Config } from '@peerbridge/platform';

/** Where a running system is. */
export function describeSystem(address: string, { devClock }: Pick<Config, 'devClock'>) {
  return {
    graphql: `${address}/graphql`,
    subscriptions: `${address.replace(/^http/, 'ws')}/graphql`,
    explorer: `${address}/explorer`,
    live: `${address}/health/live`,
    ready: `${address}/health/ready`,
    metrics: `${address}/metrics`,
    ...(devClock && { clock: `${address}/dev/clock` }),
    organizations: Object.fromEntries(Object.entries(fixtureOrganizations).map(([key, { id }]) => [key, id])),
  };
}

/** And, of one that is its own issuer, a token per role and whose they are. */
export async function describeDevelopment(address: string, issuer: DevIssuer, config: Pick<Config, 'devClock'>) {
  const tokens = await Promise.all(roles.map(async (role) =>
    [role, (await issuer.issue(fixtureClaims(role))).access_token] as const));
  return {
    ...describeSystem(address, config),
    token: `${address}/dev/token`,
    tokens: Object.fromEntries(tokens),
    members: Object.fromEntries(roles.map((role) => {
      const { memberId, orgId, participantId } = fixtureMembers[role];
      return [role, { memberId, orgId, ...(participantId && { participantId }) }];
    })),
  };
}

/** Long enough for a busy system on this machine. */
const ANSWERS_WITHIN_MS = 2_000;

/** `dev.json` in a data folder: of the system that runs on it, and of nobody where none does. */
export class DevFile {
  private readonly path: string;
  private written: string | undefined;

  constructor(dataDir: string) {
    this.path = join(dataDir, 'dev.json');
  }

  /** Takes away what a killed system left. One that still answers keeps its file. */
  async clear(): Promise<void> {
    if (!await this.isOfLiveSystem()) await rm(this.path, { force: true });
  }

  /** Whole or not at all: whoever waits for the file finds it complete. Mode 0600, for it holds tokens. */
  async write(content: object): Promise<void> {
    if (await this.isOfLiveSystem()) return;
    const text = `${JSON.stringify(content, null, 2)}\n`;
    await writeFile(`${this.path}.new`, text, { mode: 0o600 });
    await rename(`${this.path}.new`, this.path);
    this.written = text;
  }

  /** Where it is ours. */
  async remove(): Promise<void> {
    if (this.written !== undefined && await this.content() === this.written) await rm(this.path, { force: true });
  }

  private content(): Promise<string | undefined> {
    return readFile(this.path, 'utf8').catch(() => undefined);
  }

  private async isOfLiveSystem(): Promise<boolean> {
    try {
      const { live } = JSON.parse(await this.content() ?? '{}') as { live?: string };
      return live !== undefined && (await fetch(live, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })).ok;
    } catch {
      return false;
    }
  }
}
