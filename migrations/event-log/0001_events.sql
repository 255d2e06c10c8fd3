-- The event log. A row is written once and never changed.
create table event (
    -- Dense from 1, in the order of the commits.
    position       integer primary key,
    id             blob    not null,
    -- The position of the stream's first event: a short key, so that the streams in use share the pages of
    -- the index below, and a group of appends touches few of them.
    stream         integer not null,
    version        integer not null,
    -- The stream's name, with its first event only.
    name           text,
    -- The kind of stream, by number; 0 for one that this program does not know.
    category       integer not null,
    type           text    not null,
    schema_version integer not null,
    -- Microseconds since 1970-01-01T00:00:00Z.
    recorded_at    integer not null,
    account        blob    not null,
    -- JSON text, byte for byte as it was given.
    metadata       text    not null,
    data           text    not null,
    check ((version = 0) = (name is not null) and (version = 0) = (stream = position))
) strict;

create unique index event_by_id on event (id);
create unique index event_by_stream on event (stream, version);
create unique index event_by_name on event (name) where name is not null;
create index event_by_account on event (account, position);
-- Conversations (1) are nearly the whole log; whoever reads only the rest need not pass over them.
create index event_elsewhere on event (category, position) where category <> 1;
