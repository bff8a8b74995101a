/** PostgreSQL's immediate shutdown, for data that nobody wants. */
export function killPostgres(folder: string): Promise<void>;
