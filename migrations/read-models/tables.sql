-- The tables of one generation of read models. The text serves SQLite and PostgreSQL alike: ids are their
-- sixteen bytes, times are microseconds, JSON is text.

-- `seq` counts the conversations in the order in which they were opened. What belongs to a conversation is
-- keyed by it, so that neighbours in time are neighbours in the file; an id would scatter them.
create table if not exists conversations (
    seq                      integer not null primary key,
    search_no                bigint  not null,
    id                       bytea   not null unique,
    account_id               bytea   not null,
    channel_id               bytea   not null,
    channel_type             text    not null,
    contact_id               bytea   not null,
    contact_identifier       text    not null,
    display_name             text,
    ordinal                  integer not null,
    assignee_id              bytea,
    assignee_name            text,
    team_id                  bytea,
    status                   text    not null,
    priority                 integer not null,
    subject                  text,
    language                 text,
    labels                   text    not null,
    bot_context              text,
    handoff_requested        boolean not null,
    handoff_agent_id         bytea,
    handoff_reason           text,
    metadata                 text,
    created_at               bigint  not null,
    updated_at               bigint  not null,
    first_reply_at           bigint,
    resolved_at              bigint,
    closed_at                bigint,
    expired_at               bigint,
    snoozed_until            bigint,
    last_message_at          bigint  not null,
    last_message_preview     text,
    last_message_sender_type text,
    last_message_id          bytea,
    last_message_said_at     bigint,
    unanswered_since         bigint,
    message_count            integer not null,
    received_count           integer not null,
    sent_count               integer not null,
    note_count               integer not null,
    reopened_count           integer not null,
    assignment_version       bigint,
    sla_policy_id            bytea,
    sla_metric               text,
    sla_due_at               bigint,
    sla_state                text,
    sla_breached_count       integer not null,
    version                  bigint  not null,
    position                 text    not null,
    changed                  bigint  not null,
    -- The row as a list shows it, in JSON: a page of them is one value instead of two thousand.
    list_json                text    not null
);

-- Kept from the beginning, because linking an identifier moves its conversations.
create index if not exists conversations_by_contact
    on conversations (account_id, contact_id);

create table if not exists conversation_labels (
    account_id       bytea   not null,
    label            text    not null,
    conversation_seq integer not null,
    primary key (account_id, label, conversation_seq)
);

create table if not exists agent_seen (
    conversation_seq integer not null,
    agent_id         bytea   not null,
    received         integer not null,
    primary key (conversation_seq, agent_id)
);

create table if not exists messages (
    conversation_seq    integer not null,
    version             bigint  not null,
    id                  bytea   not null,
    sender_type         text    not null,
    sender_id           bytea,
    sender_name         text,
    is_private          boolean not null,
    content             text    not null,
    content_type        text    not null,
    attachments         text,
    details             text,
    edited_at           bigint,
    revoked_at          bigint,
    reactions           text,
    template            text,
    mentions            text,
    metadata            text,
    provider_message_id text,
    reply_to            text,
    in_reply_to         bytea,
    delivery            text,
    dispatched_at       bigint,
    delivered_at        bigint,
    read_at             bigint,
    failed_at           bigint,
    error_code          text,
    error_reason        text,
    sent_at             bigint  not null,
    said_at             bigint  not null,
    created_at          bigint  not null,
    search_no           bigint  not null,
    primary key (conversation_seq, version)
);

create table if not exists assignments (
    conversation_seq integer not null,
    version          bigint  not null,
    assignee_id      bytea,
    assignee_name    text,
    team_id          bytea,
    strategy         text    not null,
    assigned_by      bytea,
    reason           text,
    decision         text,
    overridden       text,
    from_at          bigint  not null,
    until_at         bigint,
    primary key (conversation_seq, version)
);

create table if not exists sla_clocks (
    conversation_seq integer not null primary key,
    clocks           text    not null
);

create table if not exists sla_timers (
    conversation_seq integer not null,
    metric           text    not null,
    account_id       bytea   not null,
    policy_id        bytea   not null,
    generation       integer not null,
    state            text    not null,
    started_at       bigint  not null,
    due_at           bigint,
    warn_at          bigint,
    warned           boolean not null,
    remaining        bigint,
    ended_at         bigint,
    primary key (conversation_seq, metric)
);

create table if not exists tab_counts (
    account_id bytea   not null,
    tab        text    not null,
    subject    text    not null,
    status     text    not null,
    count      integer not null,
    primary key (account_id, tab, subject, status)
);

create table if not exists contacts (
    account_id   bytea  not null,
    id           bytea  not null,
    display_name text,
    created_at   bigint not null,
    updated_at   bigint not null,
    primary key (account_id, id)
);

create table if not exists contact_identifiers (
    id           bytea  not null primary key,
    account_id   bytea  not null,
    contact_id   bytea  not null,
    channel_type text   not null,
    identifier   text   not null,
    display_name text,
    metadata     text   not null,
    search_no    bigint not null,
    created_at   bigint not null,
    updated_at   bigint not null,
    version      bigint not null
);

-- How many documents of each kind an account has in the search index. Their numbers begin with the account's.
create table if not exists search_accounts (
    account_id    bytea  not null primary key,
    number        bigint not null,
    messages      bigint not null,
    conversations bigint not null,
    identifiers   bigint not null
);

-- What accounts have defined, of every kind. `item` is JSON without secrets.
create table if not exists catalogue_items (
    kind       text   not null,
    id         bytea  not null,
    account_id bytea  not null,
    sort_key   text   not null,
    item       text   not null,
    created_at bigint not null,
    updated_at bigint not null,
    version    bigint not null,
    primary key (kind, id)
);

create table if not exists agents (
    account_id    bytea  not null,
    user_id       bytea  not null,
    name          text   not null,
    email         text,
    registered_at bigint not null,
    removed_at    bigint,
    primary key (account_id, user_id)
);

create table if not exists agent_preferences (
    account_id  bytea  not null,
    user_id     bytea  not null,
    preferences text   not null,
    created_at  bigint not null,
    updated_at  bigint not null,
    version     bigint not null,
    primary key (account_id, user_id)
);

create table if not exists agent_availability (
    account_id       bytea   not null,
    user_id          bytea   not null,
    presence         text    not null,
    presence_since   bigint  not null,
    presence_until   bigint,
    active           integer not null,
    idle_since       bigint,
    last_assigned_at bigint,
    primary key (account_id, user_id)
);

create table if not exists queue_entries (
    conversation_seq integer not null primary key,
    conversation_id  bytea   not null,
    account_id       bytea   not null,
    team_id          bytea,
    priority         integer not null,
    queued_since     bigint  not null,
    queued_at        bigint,
    offer_id         bytea,
    offered_to       text    not null,
    offer_until      bigint
);

create index if not exists queue_entries_by_account
    on queue_entries (account_id, priority, queued_since);

create table if not exists queue_paces (
    account_id   bytea  not null,
    team_id      bytea  not null,
    last_left_at bigint not null,
    gap          bigint,
    primary key (account_id, team_id)
);

create table if not exists webhook_rejections (
    id           bytea  not null primary key,
    account_id   bytea  not null,
    channel_id   bytea  not null,
    channel_type text   not null,
    reason       text   not null,
    body         text   not null,
    body_base64  text,
    received_at  bigint not null
);

-- The fields of each item, person and key after its last change, as JSON.
create table if not exists audit_items (
    account_id bytea not null,
    kind       text  not null,
    item_id    bytea not null,
    fields     text  not null,
    primary key (account_id, kind, item_id)
);

create table if not exists audit_entries (
    id              bytea  not null primary key,
    account_id      bytea  not null,
    at              bigint not null,
    actor_type      text   not null,
    actor_id        bytea,
    actor_name      text,
    credential_type text,
    credential_id   bytea,
    kind            text   not null,
    action          text   not null,
    event_type      text   not null,
    item_id         bytea  not null,
    item_name       text,
    changes         text   not null
);

-- Messages that wait for their time, or are held. `message` is JSON.
create table if not exists scheduled_messages (
    id              bytea  not null primary key,
    account_id      bytea  not null,
    conversation_id bytea  not null,
    sender_id       bytea  not null,
    message         text   not null,
    created_at      bigint not null,
    send_at         bigint not null,
    if_written      text   not null,
    held_at         bigint,
    held_because    text,
    held_detail     text
);

create index if not exists scheduled_messages_by_conversation on scheduled_messages (conversation_id);
create index if not exists scheduled_messages_by_sender on scheduled_messages (account_id, sender_id);

-- What this file is: the shape of its tables, and whether its indexes are built.
create table if not exists generation (
    name  text   not null primary key,
    value bigint not null
);
