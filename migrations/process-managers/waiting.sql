-- The conversations whose customers wait for an answer, and when each is next to be looked at.
create table if not exists waiting (
    conversation_id bytea  not null primary key,
    account_id      bytea  not null,
    due_at          bigint
);
create index if not exists waiting_by_due on waiting (due_at) where due_at is not null;
create index if not exists waiting_by_account on waiting (account_id);
