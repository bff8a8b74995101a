import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from './random.js';
import { aHash } from './story.js';
import { memberIdIn, type Client, type Payload, type TestSystem } from './system.js';

/** A command that the system said it has. */
export interface Acknowledged extends Payload {
  name: string;
  commandId: string;
  memberId: string;
  participantId: string;
  by: Client;
  input: Record<string, unknown>;
}

/** Where the commands go. */
type Answering = Pick<TestSystem, 'dev' | 'as' | 'token'>;

interface Peer {
  client: Client;
  random: Random;
  person?: Person;
}

interface Person {
  id: string;
  client: Client;
  /** The referral's id, once drafted, and what comes next in its life. */
  referral?: { id: string; next: (typeof referralSteps)[number] | 'nothing' };
  maySend: boolean;
}

const referralSteps = ['sendReferral', 'acceptReferral', 'startReferral', 'deliverReferral'] as const;
const HOUR_MS = 3_600_000;

/**
 * Peers at work, each with people of their own: enrollments, contacts, consents and the steps of referrals, one after the
 * other, as fast as they are acknowledged. What is not acknowledged is sent again, with the same commandId, until it is.
 */
export class WriteLoad {
  readonly acknowledged: Acknowledged[] = [];
  private working = false;
  private workers: Promise<void>[] = [];
  private readonly peers: Peer[] = [];

  private constructor(private readonly system: Answering) {}

  static async of(system: Answering, random: Random, size: number): Promise<WriteLoad> {
    const load = new WriteLoad(system);
    for (let nth = 0; nth < size; nth += 1) {
      const token = await system.token({
        sub: `peer-${randomUUID()}`, role: 'peer', org_id: system.dev.organizations['OrgR'], name: `Peer ${nth}`,
      });
      load.peers.push({ client: system.as(token), random: random.fork() });
    }
    return load;
  }

  start(): void {
    this.working = true;
    this.workers = this.peers.map(async (peer) => {
      while (this.working) await this.step(peer);
    });
    // Seen by `finish`, which may be called later.
    for (const worker of this.workers) worker.catch(() => undefined);
  }

  /** Everybody ends what they are at: nothing sent is without its answer. @throws Error where something was refused */
  async finish(): Promise<void> {
    this.working = false;
    await Promise.all(this.workers);
  }

  private async step(peer: Peer): Promise<void> {
    const { client, random, person } = peer;
    if (!person || random.next() < 0.1) {
      peer.person = await this.enroll(client);
      return;
    }
    const kind = random.next();
    if (kind < 0.5) await this.logContact(client, person, random);
    else if (kind < 0.65 || !person.maySend) await this.grant(person);
    else await this.refer(client, person, random);
  }

  private async enroll(peer: Client): Promise<Person> {
    const id = randomUUID();
    const token = await this.untilAnswered(() => this.system.token({
      sub: `person-${id}`, role: 'person', participant_id: id, org_id: this.system.dev.organizations['OrgR'], name: 'Jordan',
    }));
    await this.send(peer, id, 'enrollParticipant', { participantId: id, preferredName: 'Jordan', language: 'en' });
    return { id, client: this.system.as(token), maySend: false };
  }

  private async logContact(peer: Client, { id }: Person, random: Random): Promise<void> {
    const endedAt = Date.now() - random.between(1, 40) * HOUR_MS;
    await this.send(peer, id, 'logPeerContact', {
      participantId: id, startedAt: new Date(endedAt - HOUR_MS / 2).toISOString(), endedAt: new Date(endedAt).toISOString(),
      modality: 'phone', supportTypes: ['emotional'], summary: 'We talked about the week.',
    });
  }

  private async grant(person: Person): Promise<void> {
    const { id, client } = person;
    const now = new Date().toISOString();
    await this.send(client, id, 'grantConsent', {
      participantId: id, kind: 'named', discloser: this.system.dev.organizations['OrgR'],
      recipients: [{ orgId: this.system.dev.organizations['OrgH'] }], segments: ['identity', 'housing'], purposes: ['COC'],
      formHash: aHash, formVersion: '2026-01', signature: { method: 'electronic', signer: id, capacity: 'self' },
      signedAt: now, effectiveFrom: now, expiry: { event: 'discharge' }, statements: ['rightToRevoke'],
    });
    person.maySend = true;
  }

  private async refer(peer: Client, person: Person, random: Random): Promise<void> {
    const { id, referral } = person;
    if (!referral) {
      const drafted = await this.send(peer, id, 'draftReferral', {
        participantId: id, needCategory: 'housing', targetOrganizationId: this.system.dev.organizations['OrgH'],
        sharedFields: ['preferredName'],
      });
      person.referral = { id: drafted.id, next: 'sendReferral' };
    } else if (referral.next !== 'nothing') {
      const by = referral.next === 'sendReferral' ? peer : this.system.as('housing');
      await this.send(by, id, referral.next, { referralId: referral.id });
      referral.next = referralSteps[referralSteps.indexOf(referral.next) + 1] ?? 'nothing';
    } else {
      // Open until it is confirmed: there is no second one meanwhile.
      await this.logContact(peer, person, random);
    }
  }

  private async send(by: Client, participantId: string, name: string, input: Record<string, unknown>): Promise<Payload> {
    const commandId = randomUUID();
    return this.untilAnswered(async () => {
      const { data, errors } = await by.command(name, { commandId, ...input });
      const payload = data?.[name];
      const code = errors?.[0]?.extensions.code;
      if (payload) {
        this.acknowledged.push({ ...payload, name, commandId, memberId: memberIdIn(by.token), participantId, by, input });
        return payload;
      }
      if (code === 'UNAVAILABLE' || code === 'TIMEOUT') throw new NotNow();
      throw new Refused(`${name} was refused: ${JSON.stringify(errors)}`);
    });
  }

  /** Whoever cannot be reached, or cannot answer now, is asked again. */
  private async untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof Refused) throw error;
        await delay(30);
      }
    }
  }
}

class NotNow extends Error {}
class Refused extends Error {}
