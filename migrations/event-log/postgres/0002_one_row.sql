-- One event of one stream, as a lone caller appends it, takes a shorter way through `append`: the same lock, the
-- same comparison, the same row, without arrays taken apart and put together again.
create or replace function verbatim_log.append(
    in names text[], in keys bigint[], in heads bigint[], in binding boolean[], in categories bigint[],
    in recorded bigint,
    in streams bigint[], in steps bigint[], in ids uuid[], in types text[], in schemas bigint[],
    in accounts uuid[], in metadatas text[], in datas text[],
    in begins bigint[],
    out after bigint, out dated bigint, out actual_keys bigint[], out actual_heads bigint[]
) language plpgsql
set plan_cache_mode = force_generic_plan
as $$
declare
    found_keys bigint[];
    found_heads bigint[];
    head bigint;
begin
    perform pg_catalog.pg_advisory_xact_lock(8530219871234117);
    -- Each statement from here on sees what was committed before the lock was had.
    select e.position, e.recorded_at into after, dated
    from verbatim_log.event e order by e.position desc limit 1;
    after := coalesce(after, 0);
    -- Recorded times never go back, whichever node has the lock.
    dated := greatest(recorded, dated);

    if cardinality(ids) = 1 and keys[1] > 0 then
        select e.version into head from verbatim_log.event e
        where e.stream = keys[1] order by e.version desc limit 1;
        if head = heads[1] then
            insert into verbatim_log.event (position, stream, version, recorded_at, id, account, category,
                schema_version, name, type, metadata, data)
            values (after + 1, keys[1], head + 1, dated, ids[1], accounts[1], categories[1],
                schemas[1], names[1], types[1], metadatas[1], datas[1]);
            return;
        end if;
    end if;

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
