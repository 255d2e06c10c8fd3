-- Outgoing webhooks whose end is not in the log. What they say is in the log; here is only when each is tried next.
create table if not exists outgoing_webhooks (
    webhook_id      bytea   not null primary key,
    account_id      bytea   not null,
    conversation_id bytea   not null,
    -- The event that requests it.
    event_id        bytea   not null,
    -- The host that is called; calls to one host share its limits.
    host            text    not null,
    -- waiting: to be tried. attempting: a call is or was under way. unknown: the process ended during a call.
    state           text    not null,
    attempts        integer not null,
    next_attempt_at bigint  not null
);
create index if not exists outgoing_webhooks_by_host on outgoing_webhooks (host, next_attempt_at)
    where state <> 'attempting';

-- Versions before this one kept them in a table without `state`. What is left in it is taken over once.
create table if not exists webhooks (
    webhook_id      bytea   not null primary key,
    account_id      bytea   not null,
    conversation_id bytea   not null,
    event_id        bytea   not null,
    host            text    not null,
    attempts        integer not null,
    next_attempt_at bigint  not null
);
insert into outgoing_webhooks
    (webhook_id, account_id, conversation_id, event_id, host, state, attempts, next_attempt_at)
select webhook_id, account_id, conversation_id, event_id, host, 'waiting', attempts, next_attempt_at
from webhooks where true on conflict (webhook_id) do nothing;
drop table webhooks;
