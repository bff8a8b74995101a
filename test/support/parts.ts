import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { DevIssuer, fixtureClaims, fixtureOrganizations } from '@peerbridge/identity';
import { describeDevelopment } from '../../apps/standalone/dev-file.js';
import { createTestDatabase, testRunFolder, type TestDatabase } from './postgres.js';
import { ProductProcess, type App } from './product-process.js';
import { Client, type Claims, type Dev, type TestSystem } from './system.js';

/** One of several processes that answer. */
export interface Api extends Pick<TestSystem, 'dev' | 'as' | 'token'> {
  process: ProductProcess;
}

/** The system in parts, each a process of its own, over one database: as in production, with the issuer of development. */
export class Parts {
  private readonly running: ProductProcess[] = [];
  private readonly latest: { position: string | undefined } = { position: undefined };

  private constructor(readonly database: TestDatabase, readonly env: Record<string, string>) {}

  /** @param env over the defaults */
  static async open(env: Record<string, string> = {}): Promise<Parts> {
    const database = await createTestDatabase({ poolSize: 4 });
    const dataDir = await mkdtemp(path.join(testRunFolder(), 'parts-'));
    return new Parts(database, { DATABASE_URL: database.url, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'info', ...env });
  }

  async api(): Promise<Api> {
    const { process, said: [, address] } = await this.part('api', /"address":"([^"]+)"/);
    const issuer = await DevIssuer.open({ dataDir: this.env['DATA_DIR']!, environment: 'test' });
    const dev = await describeDevelopment(address!, issuer, { devClock: false } as Parameters<typeof describeDevelopment>[2]);
    return {
      process,
      dev: dev as Dev,
      as: (roleOrToken) => new Client(() => dev as Dev, dev.tokens[roleOrToken] ?? roleOrToken, this.latest),
      token: async (claims: Claims) => (await issuer.issue(claims)).access_token,
    };
  }

  async projector(): Promise<ProductProcess> {
    return (await this.part('projector', /The projector runs/)).process;
  }

  async relay(): Promise<ProductProcess> {
    return (await this.part('relay', /The relay runs/)).process;
  }

  /** The fixture's organizations, registered by its privacy officer. */
  async registerOrganizations({ as, token }: Api): Promise<void> {
    const privacyOfficer = as(await token(fixtureClaims('privacyOfficer')));
    for (const [key, { id, ...organization }] of Object.entries(fixtureOrganizations)) {
      await privacyOfficer.mutate('registerOrganization', { commandId: `fixture-${key}`, organizationId: id, ...organization });
    }
  }

  /** Ends what still runs. @returns the exit codes of what was not killed before */
  async close(): Promise<(number | null)[]> {
    const ends = await Promise.all(this.running.filter((one) => !one.hasEnded).map((one) => one.end('SIGTERM')));
    await this.database.drop();
    return ends;
  }

  private async part(app: App, ready: RegExp): Promise<{ process: ProductProcess; said: RegExpExecArray }> {
    const process = await ProductProcess.spawn(app, this.env);
    this.running.push(process);
    return { process, said: await process.says(ready) };
  }
}
