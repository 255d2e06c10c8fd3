-- The indexes that lists are read by. They are built when a generation has caught up with the log: sorting
-- once is several times quicker than keeping them in order all the way.

create index if not exists conversations_by_status
    on conversations (account_id, status, last_message_at, seq);
create index if not exists conversations_by_assignee
    on conversations (account_id, assignee_id, status, last_message_at, seq);
create index if not exists conversations_by_team
    on conversations (account_id, team_id, status, last_message_at, seq) where team_id is not null;
create index if not exists conversations_by_channel
    on conversations (account_id, channel_id);
create index if not exists conversations_by_updated
    on conversations (account_id, updated_at);
create index if not exists conversations_by_change
    on conversations (account_id, changed, seq);
create index if not exists conversations_by_created
    on conversations (account_id, status, created_at, seq);
create index if not exists conversations_by_priority
    on conversations (account_id, status, priority, seq);
create index if not exists conversations_by_unanswered
    on conversations (account_id, status, unanswered_since, seq) where unanswered_since is not null;
create index if not exists unassigned_conversations_by_unanswered
    on conversations (account_id, status, unanswered_since, seq) where assignee_id is null and unanswered_since is not null;
create index if not exists conversations_by_sla
    on conversations (account_id, status, sla_due_at, seq) where sla_due_at is not null;
create index if not exists messages_as_they_were_said
    on messages (conversation_seq, said_at, version);
create index if not exists messages_by_search_no
    on messages (search_no);
create index if not exists conversations_by_search_no
    on conversations (search_no);
create index if not exists contact_identifiers_by_search_no
    on contact_identifiers (search_no);
create index if not exists sla_timers_by_due
    on sla_timers (account_id, due_at, conversation_seq, metric) where due_at is not null;
create index if not exists contacts_by_created
    on contacts (account_id, created_at, id);
create index if not exists contact_identifiers_by_contact
    on contact_identifiers (account_id, contact_id);
create index if not exists contact_identifiers_by_created
    on contact_identifiers (account_id, created_at, id);
create index if not exists catalogue_items_by_account
    on catalogue_items (account_id, kind, sort_key, id);
create index if not exists webhook_rejections_by_time
    on webhook_rejections (account_id, received_at, id);
create index if not exists audit_entries_by_time
    on audit_entries (account_id, at, id);
