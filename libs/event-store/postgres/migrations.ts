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
      -- A batch of appends, at most one to a stream, numbered from 1. Of each event: whose append it belongs to, and its
      -- place in it, from 1. Metadata and data are JSON lines: quicker than arrays, whose elements are escaped again.
      -- Answers for each append the revision its stream was at (-1: no stream) and the position of its last event, null
      -- where it was refused.
      create function events.append(
        streams text[], expected bigint[], sizes int[],
        owners int[], places int[], ids uuid[], types text[], metadata text, data text
      ) returns table (actual bigint, last_position bigint) language plpgsql volatile as $append$
      declare
        head bigint;
      begin
        -- Held to commit: positions become visible in their order, so a reader never passes a gap that fills in later.
        perform pg_advisory_xact_lock(hashtextextended('events.append', 0));
        -- Statements from here on see all that was committed before the lock was had; one that waits and reads would not.
        select coalesce(max(position), 0) into head from events.event;
        return query
          with asked as (
            select a.nth, a.stream, a.expected, a.size, coalesce((
              select e.revision from events.event e where e.stream = a.stream order by e.revision desc limit 1
            ), -1) as actual
            from unnest(streams, expected, sizes) with ordinality a (stream, expected, size, nth)
          ), placed as (
            select asked.*, asked.actual = asked.expected as accepted,
              head + coalesce(sum(asked.size) filter (where asked.actual = asked.expected) over (
                order by asked.nth rows between unbounded preceding and 1 preceding
              ), 0)::bigint as base
            from asked
          ), written as (
            insert into events.event (position, stream, revision, event_id, type, metadata, data)
            select p.base + e.place, p.stream, p.expected + e.place, e.id, e.type, e.metadata::json, e.data::json
            from unnest(
              owners, places, ids, types, string_to_array(metadata, e'\\n'), string_to_array(data, e'\\n')
            ) e (owner, place, id, type, metadata, data)
            join placed p on p.nth = e.owner
            where p.accepted
          )
          select p.actual, case when p.accepted then p.base + p.size end from placed p order by p.nth;
        perform pg_notify('events_appended', '');
      end
      $append$;
    `,
  },
];
