-- The event log. A row is written once and never changed.
create table event (
    -- Dense from 1, in the order of the commits.
    position       integer primary key,
    id             blob    not null,
    stream         text    not null,
    version        integer not null,
    type           text    not null,
    schema_version integer not null,
    -- Microseconds since 1970-01-01T00:00:00Z.
    recorded_at    integer not null,
    account        blob    not null,
    -- JSON text, byte for byte as it was given.
    metadata       text    not null,
    data           text    not null,
    -- The kind of stream: what comes before the first '-'.
    category       text generated always as (substr(stream, 1, instr(stream, '-') - 1)) virtual
) strict;

create unique index event_by_id on event (id);
create unique index event_by_stream on event (stream, version);
create index event_by_account on event (account, position);
-- Conversations are nearly the whole log; whoever reads only the rest need not pass over them.
create index event_elsewhere on event (category, position) where category <> 'conversation';
