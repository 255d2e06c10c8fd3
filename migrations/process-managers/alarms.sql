-- The conversations that the alarm clock keeps an eye on, and when each is next to be looked at.
create table if not exists alarms (
    conversation_id bytea  not null primary key,
    account_id      bytea  not null,
    due_at          bigint
);
create index if not exists alarms_by_due on alarms (due_at) where due_at is not null;
