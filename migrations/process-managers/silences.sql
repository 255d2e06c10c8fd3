-- The conversations that are not over, and when the silence of each is next to be looked at.
create table if not exists silences (
    conversation_id bytea  not null primary key,
    account_id      bytea  not null,
    due_at          bigint
);
create index if not exists silences_by_due on silences (due_at) where due_at is not null;
create index if not exists silences_by_account on silences (account_id);
