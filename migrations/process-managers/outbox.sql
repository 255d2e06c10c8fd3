-- Outgoing messages that the log does not say the end of yet. What they say is in the log; here is only
-- when to try them next. The text serves SQLite and PostgreSQL alike: ids are their sixteen bytes, times
-- are microseconds.

create table if not exists outbox (
    -- Also the id of the event that sent it.
    message_id      bytea   not null primary key,
    account_id      bytea   not null,
    conversation_id bytea   not null,
    channel_id      bytea   not null,
    -- The event's place in its conversation: messages of one conversation go out in this order.
    version         bigint  not null,
    -- waiting: to be tried. attempting: a request is or was under way. unknown: nobody can say whether the
    -- provider took it; tried again once a status has had the time to come.
    state           text    not null,
    attempts        integer not null,
    queued_at       bigint  not null,
    next_attempt_at bigint  not null
);

create index if not exists outbox_by_conversation on outbox (conversation_id, version);
create index if not exists outbox_by_channel on outbox (channel_id, next_attempt_at)
    where state <> 'attempting';
