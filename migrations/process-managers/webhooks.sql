-- Webhooks that the log does not say the end of yet. What they say is in the log; here is only when to try
-- them next.
create table if not exists webhooks (
    webhook_id      bytea   not null primary key,
    account_id      bytea   not null,
    conversation_id bytea   not null,
    -- The event that asks for it.
    event_id        bytea   not null,
    -- Whom it goes to: a program that is slow or down keeps up nobody but itself.
    host            text    not null,
    attempts        integer not null,
    next_attempt_at bigint  not null
);
create index if not exists webhooks_by_host on webhooks (host, next_attempt_at);
