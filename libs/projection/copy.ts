import type { ClientBase, Connection, Submittable } from 'pg';
import type { AnyTable, ColumnType } from './table.js';

/** What of pg's connection speaks the COPY protocol; its types leave it out. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/**
 * Copies rows of several tables in a transaction, sent as one: the server works through it while this process goes on with
 * something else, for it takes rows from what follows the statement that asks for them.
 */
export class Copying {
  private readonly statements: readonly string[];
  private readonly chunks: readonly Buffer[];

  constructor(schema: string, parts: readonly { table: AnyTable; rows: readonly object[] }[]) {
    this.statements = parts.map(({ table }) =>
      `COPY ${schema}.${table.name} (${Object.keys(table.columns).join(', ')}) FROM STDIN`);
    this.chunks = parts.map(({ table, rows }) => Buffer.from(copyText(table, rows)));
  }

  /** @param options.commit whether the transaction ends with it. Where this fails, the caller rolls back */
  run(client: ClientBase, { commit }: { commit: boolean }): Promise<void> {
    const text = ['BEGIN', ...this.statements, ...(commit ? ['COMMIT'] : [])].join('; ');
    return new Promise((resolve, reject) => {
      client.query(new CopyRequest(text, this.chunks, (error) => (error ? reject(error) : resolve())));
    });
  }
}

/** As pg's client runs it: one request, at whose end the server is ready for another. */
class CopyRequest implements Submittable {
  /** @param callback is public, for the client puts its time limit around it */
  constructor(
    private readonly text: string, private readonly chunks: readonly Buffer[], public callback: (error?: Error) => void,
  ) {}

  submit(connection: Connection): void {
    const { stream } = connection;
    const copying = connection as unknown as CopyConnection;
    stream.cork();
    copying.query(this.text);
    for (const chunk of this.chunks) {
      copying.sendCopyFromChunk(chunk);
      copying.endCopyFrom();
    }
    stream.uncork();
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback();
  }

  handleCopyInResponse(): void {}
  handleCommandComplete(): void {}
}

/** Rows in PostgreSQL's text format for COPY: a line each, columns between tabs. */
export function copyText(table: AnyTable, rows: readonly object[]): string {
  const columns = Object.entries(table.columns);
  const line = (row: Record<string, unknown>) => columns.map(([name, type]) => copyValue(row[name], type)).join('\t');
  return (rows as readonly Record<string, unknown>[]).map((row) => `${line(row)}\n`).join('');
}

function copyValue(value: unknown, type: ColumnType): string {
  if (value === null || value === undefined) return '\\N';
  switch (type) {
    case 'uuid': case 'integer': case 'boolean': case 'date': case 'position': case 'instant': return String(value);
    case 'text': return escaped(String(value));
    case 'jsonb': return escaped(JSON.stringify(value));
    case 'text[]': case 'uuid[]': return escaped(`{${(value as readonly string[]).map(quoted).join(',')}}`);
  }
}

const quoted = (element: string): string => `"${element.replace(/["\\]/g, '\\$&')}"`;

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const escaped = (text: string): string =>
  (/[\\\n\r\t]/.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => escapes[character]!) : text);
