/** The schema `runtime`, in order: what consumers of the log remember. What was released is never edited. */
export const runtimeMigrations: readonly { name: string; sql: string }[] = [
  {
    name: '0001-checkpoint',
    sql: `
      create table runtime.checkpoint (
        consumer text primary key,
        -- Null: at the beginning.
        position text collate "C",
        updated_at timestamptz not null default now()
      );
    `,
  },
];
