-- The event log in a schema of its own. A row is written once and never changed.
create schema verbatim_log;

-- One row: how the rest is to be read.
create table verbatim_log.log (
    format integer not null
);

create table verbatim_log.event (
    -- Grows in the order of the commits; handed out by `append` under a lock that lasts until the commit.
    position       bigint   primary key,
    -- The position of the stream's first event: a short key, so that the streams in use share the pages of
    -- the index below.
    stream         bigint   not null,
    version        bigint   not null,
    -- Microseconds since 1970-01-01T00:00:00Z.
    recorded_at    bigint   not null,
    id             uuid     not null,
    account        uuid     not null,
    -- The kind of stream, by number; 0 for one that this program does not know.
    category       smallint not null,
    schema_version integer  not null,
    -- The stream's name.
    name           text     not null,
    type           text     not null,
    -- JSON text, byte for byte as it was given.
    metadata       text     not null,
    data           text     not null,
    check ((version = 0) = (stream = position))
);

create unique index event_by_id on verbatim_log.event (id);
create unique index event_by_stream on verbatim_log.event (stream, version);
create unique index event_by_name on verbatim_log.event (name) where version = 0;
create index event_by_account on verbatim_log.event (account, position);
-- Conversations (1) are nearly the whole log; whoever reads only the rest need not pass over them.
create index event_elsewhere on verbatim_log.event (category, position) where category <> 1;

-- Appends the events of many callers at once. The lock is waited for and given up within this one call, so
-- that no node, however slow, holds up another for longer than a commit takes; it is held until the commit
-- can be seen, so that positions become visible in their order.
--
-- Streams are given by name, by key (0: not known) and by the last version they are believed to have (-1:
-- none). Where the belief is binding and wrong, the rows of that stream are left out, and their positions
-- with them. Answers after which position the rows begin and how they are dated, and if any belief was wrong, what
-- is the case.
create function verbatim_log.append(
    in names text[], in keys bigint[], in heads bigint[], in binding boolean[], in categories bigint[],
    in recorded bigint,
    -- One of each for every row: which of the streams above it is for, and its place among that stream's rows.
    in streams bigint[], in steps bigint[], in ids uuid[], in types text[], in schemas bigint[],
    in accounts uuid[], in metadatas text[], in datas text[],
    -- Each stream's first row.
    in begins bigint[],
    out after bigint, out dated bigint, out actual_keys bigint[], out actual_heads bigint[]
) language plpgsql
-- The arrays differ in length from call to call and the best plan never does.
set plan_cache_mode = force_generic_plan
as $$
declare
    found_keys bigint[];
    found_heads bigint[];
begin
    perform pg_catalog.pg_advisory_xact_lock(8530219871234117);
    -- Each statement from here on sees what was committed before the lock was had.
    select e.position, e.recorded_at into after, dated
    from verbatim_log.event e order by e.position desc limit 1;
    after := coalesce(after, 0);
    -- Recorded times never go back, whichever node has the lock.
    dated := greatest(recorded, dated);

    select array_agg(coalesce(head.stream, 0) order by s.n), array_agg(coalesce(head.version, -1) order by s.n)
    into found_keys, found_heads
    from unnest(names, keys) with ordinality as s (name, key, n)
    left join lateral (
        select e.stream, e.version from verbatim_log.event e
        where e.stream = case when s.key > 0 then s.key else (
            select f.stream from verbatim_log.event f where f.name = s.name and f.version = 0
        ) end
        order by e.version desc limit 1
    ) head on true;

    insert into verbatim_log.event (position, stream, version, recorded_at, id, account, category,
        schema_version, name, type, metadata, data)
    select after + r.n, case when found_keys[r.s] = 0 then after + begins[r.s] else found_keys[r.s] end,
        found_heads[r.s] + r.step, dated, r.id, r.account, categories[r.s],
        r.schema, names[r.s], r.type, r.metadata, r.data
    from unnest(streams, steps, ids, types, schemas, accounts, metadatas, datas) with ordinality
        as r (s, step, id, type, schema, account, metadata, data, n)
    where found_heads[r.s] = heads[r.s] or not binding[r.s];

    if found_keys <> keys or found_heads <> heads then
        actual_keys := found_keys;
        actual_heads := found_heads;
    end if;
end
$$;
