/** PostgreSQL's immediate shutdown, for data that nobody wants. */
export function killPostgres(folder: string): Promise<void>;
/** Whether there is such a process, be it ours or not. */
export function isAlive(pid: number): boolean;
