import { SHREDDED, type Caller } from '@peerbridge/kernel';
import type { Ciphertext, Vault } from '@peerbridge/vault';
import { canBeNamed } from '../policy/index.js';
import { perTurn, type Statements } from './view-reader.js';

export const memberNameMigrations = [
  {
    name: '012-member-name',
    sql: `
      -- As their last token says it. Told anew by the next one: nothing is lost where this is.
      CREATE TABLE runtime.member_name (
        member_id uuid PRIMARY KEY,
        sealed jsonb NOT NULL,
        -- Until when that token is valid: an older one that is still in use says nothing.
        until timestamptz NOT NULL
      )`,
  },
] as const;

interface NameRow {
  member_id: string;
  sealed: Ciphertext;
}

/** Connections, and the keys looked up over them. */
interface Over {
  statements: Statements;
  vault: Vault;
}

/**
 * What workers and kin are called now, as their tokens say; sealed, each under a key of the member's own. It stands beside the
 * log: whether somebody may be named to somebody is decided by the log alone.
 */
export class MemberNames {
  constructor(private readonly over: { reads: Over; writes: Over }) {}

  /** A token that is valid until then (milliseconds since the epoch) says what its bearer is called. */
  async tell({ memberId, role, name }: Caller, until: number): Promise<void> {
    if (name === undefined || !canBeNamed(role) || await this.of(memberId) === name) return;
    const { statements, vault } = this.over.writes;
    const context = { eventId: memberId, type: 'MemberName', schemaVersion: 1, segment: 'team' } as const;
    const sealed = { ...context, ...await vault.seal(memberId, context, { name }) };
    await statements.query({
      text: `INSERT INTO runtime.member_name AS known (member_id, sealed, until) VALUES ($1, $2, $3)
        ON CONFLICT (member_id) DO UPDATE SET sealed = excluded.sealed, until = excluded.until
        WHERE known.until <= excluded.until`,
      values: [memberId, JSON.stringify(sealed), new Date(until).toISOString()],
    });
  }

  /** Undefined where no token has said so yet. */
  of(memberId: string): Promise<string | undefined> {
    return this.names.load(memberId);
  }

  private readonly names = perTurn<string, string | undefined>(async (ids) => {
    const { statements, vault } = this.over.reads;
    const { rows } = await statements.query<NameRow>({
      text: 'SELECT member_id, sealed FROM runtime.member_name WHERE member_id = ANY($1::uuid[])', values: [ids],
    });
    const opened = await vault.open(rows.map(({ sealed }) => sealed));
    const found = new Map(rows.map(({ member_id: id }, index) => [id, opened[index]!]));
    return ids.map((id) => {
      const fields = found.get(id);
      return fields === undefined || fields === SHREDDED ? undefined : fields['name'] as string;
    });
  });
}
