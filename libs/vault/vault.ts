import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { QueryConfig } from 'pg';
import { randomId, SHREDDED, type Segment, type Shredded } from '@peerbridge/kernel';
import type { KeyEncryptionKeys } from './key-encryption-keys.js';
import { decrypt, encrypt, seal, unseal, type Ciphertext, type SealContext } from './sealing.js';
import type { SealedFields } from '@peerbridge/kernel';

/** Purposes of keys that belong to no person. */
const DEPLOYMENT = '00000000-0000-0000-0000-000000000000';
const BODY_HASH = 'bodyHash';

export const vaultMigrations = [
  {
    name: '001-keys',
    sql: `
      CREATE TABLE vault.key (
        key_id uuid PRIMARY KEY,
        participant_id uuid NOT NULL,
        segment text NOT NULL,
        kek_version int NOT NULL,
        nonce bytea NOT NULL,
        wrapped bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (participant_id, segment)
      )`,
  },
] as const;

/** Runs statements that each stand alone: a pool, a pipeline. */
interface Statements {
  query<Row extends object>(statement: QueryConfig): Promise<{ rows: Row[] }>;
}

interface DataKey {
  id: string;
  key: Buffer;
}

interface KeyRow {
  key_id: string;
  participant_id: string;
  segment: string;
  kek_version: number;
  nonce: Buffer;
  wrapped: Buffer;
}

/**
 * The keys of every person and segment, in schema `vault`, which is backed up on its own: destroying a key makes what it
 * sealed unreadable in the log, its backups and Kafka at once. Keys lie there wrapped; in memory they are kept unwrapped.
 */
export class Vault {
  private readonly byOwner = new Map<string, DataKey>();
  private readonly byId = new Map<string, DataKey>();
  /** Under way, by id: who comes meanwhile waits for the same. */
  private readonly lookUps = new Map<string, Promise<void>>();

  constructor(private readonly statements: Statements, private readonly keks: KeyEncryptionKeys) {}

  /** The same keys, looked up over other connections. */
  over(statements: Statements): Vault {
    return new Vault(statements, this.keks);
  }

  /** Seals one segment's fields of one event of one person, making the person's key for the segment where there is none. */
  async seal(participantId: string, context: SealContext, fields: object): Promise<SealedFields> {
    const { id, key } = await this.keyOf(participantId, context.segment);
    return seal(id, key, context, fields);
  }

  /** Opens many parts with one look-up of keys: in order, each the fields, or SHREDDED where its key is gone. */
  async open(parts: readonly Ciphertext[]): Promise<(Record<string, unknown> | Shredded)[]> {
    const missing = [...new Set(parts.map((part) => part.keyId))].filter((id) => !this.byId.has(id));
    const unasked = missing.filter((id) => !this.lookUps.has(id));
    if (unasked.length > 0) {
      const lookUp = this.lookUp(unasked).finally(() => unasked.forEach((id) => this.lookUps.delete(id)));
      unasked.forEach((id) => this.lookUps.set(id, lookUp));
    }
    await Promise.all(missing.map((id) => this.lookUps.get(id)!));
    return parts.map((part) => {
      const key = this.byId.get(part.keyId);
      return key ? unseal(key.key, part) : SHREDDED;
    });
  }

  private async lookUp(ids: readonly string[]): Promise<void> {
    const { rows } = await this.statements.query<KeyRow>({
      text: 'SELECT * FROM vault.key WHERE key_id = ANY($1)', values: [ids],
    });
    rows.forEach((row) => this.remember(row));
  }

  /** A keyed hash, so that what was sent cannot be guessed from the log. Hex. */
  async bodyHash(body: string): Promise<string> {
    const { key } = await this.keyOf(DEPLOYMENT, BODY_HASH);
    return createHmac('sha256', key).update(body).digest('hex');
  }

  /** A secret of this deployment for one use, the same in each of its processes. */
  async secret(use: string, bytes: number): Promise<Buffer> {
    const { key } = await this.keyOf(DEPLOYMENT, BODY_HASH);
    return Buffer.from(hkdfSync('sha256', key, '', use, bytes));
  }

  private async keyOf(participantId: string, segment: Segment | typeof BODY_HASH): Promise<DataKey> {
    const known = this.byOwner.get(`${participantId}/${segment}`);
    if (known) return known;
    const id = randomId();
    const wrapped = encrypt(this.keks.key(this.keks.current), randomBytes(32), Buffer.from(id));
    // Whoever comes first makes the key; everyone then reads the one that is there.
    await this.statements.query({
      text: `INSERT INTO vault.key (key_id, participant_id, segment, kek_version, nonce, wrapped) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (participant_id, segment) DO NOTHING`,
      values: [id, participantId, segment, this.keks.current, wrapped.nonce, wrapped.ciphertext],
    });
    const { rows } = await this.statements.query<KeyRow>({
      text: 'SELECT * FROM vault.key WHERE participant_id = $1 AND segment = $2', values: [participantId, segment],
    });
    return this.remember(rows[0]!);
  }

  private remember(row: KeyRow): DataKey {
    const key = decrypt(this.keks.key(row.kek_version), row.nonce, row.wrapped, Buffer.from(row.key_id));
    const dataKey = { id: row.key_id, key };
    this.byId.set(row.key_id, dataKey);
    this.byOwner.set(`${row.participant_id}/${row.segment}`, dataKey);
    return dataKey;
  }
}
