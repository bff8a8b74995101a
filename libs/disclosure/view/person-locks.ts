import type { Pool, PoolClient } from 'pg';
import { transaction } from '@peerbridge/projection';
import { unavailable } from '@peerbridge/kernel';

const LOCK_NOT_AVAILABLE = '55P03';
const key = 'hashtextextended($1, 7)';

/**
 * The revocation guarantee between processes. A delivery holds the person's lock shared while it decides and hands over;
 * a withdrawal, once the view shows it, takes and releases the lock exclusively: when it is acknowledged, every delivery
 * that had decided before is over. The locks live on database sessions: a process that dies lets go of them.
 */
export class PersonLocks {
  /**
   * @param deliveries a pool of its own: slow receivers take no connection that anything else needs
   * @param withdrawals another, with a bound on the wait for a connection
   * @param waitMs how long a withdrawal waits for deliveries to end
   */
  constructor(private readonly deliveries: Pool, private readonly withdrawals: Pool, private readonly waitMs: number) {}

  /** Holds the lock shared until the returned function is called. The decision comes in a later statement, never in this one. */
  async share(participantId: string): Promise<() => Promise<void>> {
    const client: PoolClient = await this.deliveries.connect();
    try {
      await client.query(`SELECT pg_advisory_lock_shared(${key})`, [participantId]);
    } catch (error) {
      client.release(true);
      throw error;
    }
    return async () => {
      try {
        await client.query(`SELECT pg_advisory_unlock_shared(${key})`, [participantId]);
        client.release();
      } catch {
        // A session that is gone holds nothing.
        client.release(true);
      }
    };
  }

  /** Waits until every delivery under way has ended. @throws DomainError UNAVAILABLE where that cannot be known in time */
  async drain(participantId: string): Promise<void> {
    let client: PoolClient | undefined;
    let broken = false;
    try {
      client = await this.withdrawals.connect();
      await transaction(client, async () => {
        await client!.query(`SET LOCAL lock_timeout = ${Math.round(this.waitMs)}`);
        await client!.query(`SELECT pg_advisory_xact_lock(${key})`, [participantId]);
      });
    } catch (error) {
      broken = (error as { code?: string }).code !== LOCK_NOT_AVAILABLE;
      throw unavailable('Recorded, but a delivery under way has not ended; repeat with the same commandId.', { recorded: true });
    } finally {
      client?.release(broken);
    }
  }
}
