/** The schema `events`, in order. What was released is never edited: a change is a new migration. */
export const eventStoreMigrations: readonly { name: string; sql: string }[] = [
  {
    name: '0001-event-log',
    sql: `
      -- Names the store, so that a position taken from another one is recognized.
      create table events.store (
        id text primary key check (id ~ '^[0-9a-f]{8}$'),
        single boolean not null unique default true check (single)
      );
      insert into events.store (id) values (left(gen_random_uuid()::text, 8));

      -- json, not jsonb: an event's text stays as it was written.
      create table events.event (
        position bigint primary key,
        stream text collate "C" not null,
        revision bigint not null,
        event_id uuid not null,
        type text not null,
        metadata json not null,
        data json not null,
        unique (stream, revision)
      );
    `,
  },
  {
    name: '0002-append',
    sql: `
      -- A batch of appends, at most one to a stream. Of each event: which append it belongs to, and its place in it, both
      -- from 1. Metadata and data are JSON lines, which are quicker to take apart than an array's literal. Answers for each
      -- append the revision its stream was at (-1: no stream) and the position of its last event, null where it was refused.
      create function events.append(
        streams text[], expected bigint[], sizes int[],
        owners int[], places int[], ids uuid[], types text[], metadata text, data text
      ) returns table (actual bigint, last_position bigint) language plpgsql volatile as $append$
      declare
        metadata_lines text[] := string_to_array(metadata, e'\\n');
        data_lines text[] := string_to_array(data, e'\\n');
        head bigint;
        actuals bigint[];
        bases bigint[];
      begin
        -- Held to commit: positions become visible in their order, so a reader never passes a gap that fills in later.
        perform pg_advisory_xact_lock(hashtextextended('events.append', 0));
        -- Statements from here on see all that was committed before the lock was had; one that waits and reads would not.
        select coalesce(max(position), 0) into head from events.event;
        select array_agg(coalesce(
          (select e.revision from events.event e where e.stream = asked.stream order by e.revision desc limit 1), -1
        ) order by asked.nth) into actuals
        from unnest(streams) with ordinality asked (stream, nth);
        for nth in 1 .. cardinality(streams) loop
          if actuals[nth] = expected[nth] then
            bases[nth] := head;
            head := head + sizes[nth];
          else
            bases[nth] := null;
          end if;
        end loop;
        insert into events.event (position, stream, revision, event_id, type, metadata, data)
        select bases[owners[n]] + places[n], streams[owners[n]], expected[owners[n]] + places[n],
          ids[n], types[n], metadata_lines[n]::json, data_lines[n]::json
        from generate_series(1, cardinality(ids)) n
        where bases[owners[n]] is not null;
        perform pg_notify('events_appended', '');
        return query select actuals[n], bases[n] + sizes[n] from generate_series(1, cardinality(streams)) n;
      end
      $append$;
    `,
  },
];
