-- The agent router's state, which follows from the log alone.
create table if not exists routing_parts (
    kind       bigint not null,
    account_id bytea  not null,
    id         bytea  not null,
    state      text   not null,
    primary key (kind, account_id, id)
);
