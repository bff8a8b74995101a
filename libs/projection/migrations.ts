import { viewMigrations } from './view.js';

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
  ...viewMigrations,
  {
    name: '011-published',
    sql: `
      -- By the relay, up to its position: counted here, for others show it and it has to outlive a restart.
      alter table runtime.checkpoint add published bigint not null default 0;
    `,
  },
  {
    name: '012-checkpoint-event',
    sql: `
      -- The event at the position. Null: not known, of a checkpoint that was written before.
      alter table runtime.checkpoint add event_id uuid;
    `,
  },
];
