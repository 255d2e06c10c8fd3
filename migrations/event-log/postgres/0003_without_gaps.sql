-- The log has no gap: rows that are left out leave no positions behind either. So whoever knows where the log
-- ends may try the next position without asking: it is taken or it is the next.
--
-- Appending is called by another name from here on, so that a node of the program before cannot go on leaving
-- gaps; it says that the log is out of reach until it is restarted with this program.
drop function verbatim_log.append;

-- Appends the events of many callers at once. The lock is waited for and given up within this one call, so
-- that no node, however slow, holds up another for longer than a commit takes; it is held until the commit
-- can be seen, so that positions become visible in their order.
--
-- Streams are given by name, by key (0: not known) and by the last version they are believed to have (-1:
-- none). Where the belief is binding and wrong, the rows of that stream are left out and those behind them move
-- up. Answers after which position the rows begin and how they are dated, and if any belief was wrong, what is
-- the case.
create function verbatim_log.append_group(
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

    if found_keys = keys and found_heads = heads then
        insert into verbatim_log.event (position, stream, version, recorded_at, id, account, category,
            schema_version, name, type, metadata, data)
        select after + r.n, case when keys[r.s] = 0 then after + begins[r.s] else keys[r.s] end,
            heads[r.s] + r.step, dated, r.id, r.account, categories[r.s],
            r.schema, names[r.s], r.type, r.metadata, r.data
        from unnest(streams, steps, ids, types, schemas, accounts, metadatas, datas) with ordinality
            as r (s, step, id, type, schema, account, metadata, data, n);
        return;
    end if;

    actual_keys := found_keys;
    actual_heads := found_heads;
    insert into verbatim_log.event (position, stream, version, recorded_at, id, account, category,
        schema_version, name, type, metadata, data)
    select after + r.place, case when found_keys[r.s] = 0 then after + min(r.place) over (partition by r.s)
            else found_keys[r.s] end,
        found_heads[r.s] + r.step, dated, r.id, r.account, categories[r.s],
        r.schema, names[r.s], r.type, r.metadata, r.data
    from (
        select row_number() over (order by given.n) as place, given.*
        from unnest(streams, steps, ids, types, schemas, accounts, metadatas, datas) with ordinality
            as given (s, step, id, type, schema, account, metadata, data, n)
        where found_heads[given.s] = heads[given.s] or not binding[given.s]
    ) as r;
end
$$;
