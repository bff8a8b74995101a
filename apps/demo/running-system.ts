import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Actor } from './cast.js';
import type { Answer, Step } from './step.js';

const devFile = z.object({ graphql: z.url(), explorer: z.url(), token: z.url() });

const answers = z.object({
  data: z.record(z.string(), z.looseObject({ id: z.string() }).nullable()).nullish(),
  errors: z.array(z.object({ extensions: z.looseObject({ code: z.string() }) })).optional(),
});

const enrollments = z.object({
  data: z.object({
    participant: z.object({
      timeline: z.object({ edges: z.array(z.object({ node: z.object({ occurredAt: z.string() }) })) }),
    }).nullable(),
  }),
});

/** Refusals that end by themselves: the same command is sent again. */
const passing = ['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED'];
const ATTEMPTS = 8;

/** The system as any application meets it: over HTTP, with a token per member. */
export class RunningSystem {
  private readonly tokens = new Map<string, Promise<string>>();

  private constructor(readonly addresses: z.output<typeof devFile>) {}

  /** @throws Error where no system of development runs on this folder */
  static async find(dataDir: string): Promise<RunningSystem> {
    const path = join(dataDir, 'dev.json');
    const text = await readFile(path, 'utf8').catch(() => {
      throw new Error(`There is no ${path}: start the system first, with npm start`);
    });
    return new RunningSystem(devFile.parse(JSON.parse(text)));
  }

  /** Of the issuer of development, asked once per member. */
  tokenOf({ claims }: Actor): Promise<string> {
    const known = this.tokens.get(claims.sub) ?? this.post(this.addresses.token, claims).then(async (response) => {
      const { access_token: token } = z.object({ access_token: z.string() }).parse(await response.json());
      return token;
    });
    this.tokens.set(claims.sub, known);
    return known;
  }

  /**
   * Sends a command, again and with the same id while the system says that it is a matter of time.
   * @throws Error naming the mutation and the code of the refusal
   */
  async send({ as, mutation, input }: Step, commandId: string): Promise<Answer> {
    const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
    const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { id } }`;
    const token = await this.tokenOf(as);
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.post(this.addresses.graphql, { query, variables: { input: { ...input, commandId } } }, token);
      const { data, errors: [error] = [] } = answers.parse(await response.json());
      const payload = data?.[mutation];
      if (payload) return payload;
      if (!error || !passing.includes(error.extensions.code) || attempt === ATTEMPTS) {
        throw new Error(`${mutation}, as ${as.role}, was refused: ${JSON.stringify(error?.extensions)}`);
      }
      await delay(50 * 2 ** attempt);
    }
  }

  /** When somebody was enrolled, as they see it themselves: where a part of their year was entered before. */
  async enrolledAt(person: Actor, participantId: string): Promise<string | undefined> {
    const query = `query($id: ID!) { participant(id: $id) {
      timeline(first: 1, filter: { types: ["ParticipantEnrolled"] }) { edges { node { occurredAt } } } } }`;
    const token = await this.tokenOf(person);
    const response = await this.post(this.addresses.graphql, { query, variables: { id: participantId } }, token);
    const { data: { participant } } = enrollments.parse(await response.json());
    return participant?.timeline.edges[0]?.node.occurredAt;
  }

  private async post(url: string, body: unknown, token?: string): Promise<Response> {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }).catch((error: unknown) => {
      throw new Error(`The system does not answer at ${url}`, { cause: error });
    });
  }
}
