//! The tables of conversations, and the fold that applies each event to all of them.

use super::agent_seen::AgentSeenRow;
use super::assignments::AssignmentRow;
use super::contacts::{Contacts, IdentifierMove};
use super::inbox::ConversationRow;
use super::labels::LabelRow;
use super::messages::MessageRow;
use super::queue_entries::{NO_TEAM, PaceRow, QueueChange, QueueEntryRow};
use super::registry::{Fold, TableSet, table_set};
use super::search::SearchIndex;
use super::sla_timers::{ClocksRow, SlaTimerRow};
use super::tab_counts::{CountChanges, TabCountRow, Tabs};
use domain::sla::Clocks;
use event_schemas::message::Status;
use event_schemas::{
    AccountId, AssignmentEvent, ConversationEvent, ConversationId, DetailsEvent, Event, LifecycleEvent,
    MessageEvent, MessageId, RoutingEvent, SlaEvent, Version,
};
use follower::db::{AssertSqlSafe, DbError, Tx};
use follower::runner::DecodedEvent;
use follower::table::{Columns, Json, Rows, Shape, Values};
use quick_cache::unsync::Cache;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The numbers of messages that one statement can look up. The set is small, so that few statements are prepared.
const LOOKUP_SIZES: [usize; 4] = [1, 4, 20, 100];

table_set! {
    struct Tables {
        contacts: Contacts,
        inbox: Rows<ConversationRow>,
        seen: Rows<AgentSeenRow>,
        labels: Rows<LabelRow>,
        messages: Rows<MessageRow>,
        assignments: Rows<AssignmentRow>,
        clocks: Rows<ClocksRow>,
        timers: Rows<SlaTimerRow>,
        counts: Rows<TabCountRow>,
        queue_entries: Rows<QueueEntryRow>,
        paces: Rows<PaceRow>,
        search: SearchIndex,
    }
}

impl Tables {
    /// Tables with a cache of one row are only written.
    fn caching(conversations: usize) -> Self {
        Self {
            contacts: Contacts::default(),
            inbox: Rows::new(conversations),
            seen: Rows::new(1),
            labels: Rows::new(1),
            messages: Rows::new(conversations),
            assignments: Rows::new(conversations / 4),
            clocks: Rows::new(conversations),
            timers: Rows::new(1),
            counts: Rows::new(2_000),
            queue_entries: Rows::new(conversations / 8),
            paces: Rows::new(256),
            search: SearchIndex::default(),
        }
    }
}

/// The fold of the tables of conversations. They share the work on each event.
pub struct Conversations {
    tables: Tables,
    /// The number of the conversation that is opened next. `None` when it must be read from the table.
    next_seq: Option<i64>,
    /// The versions of outgoing messages, and of received ones that their page changes. Delivery reports and changes
    /// name a message by its id alone.
    versions: HashMap<(ConversationId, MessageId), Version>,
    recent_versions: Cache<(ConversationId, MessageId), Version>,
    count_changes: CountChanges,
}

impl TableSet for Conversations {
    fn shapes() -> Vec<Shape> {
        Tables::shapes()
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        self.update_counts(tx).await?;
        self.tables.inbox.finish(|row| row.list_json = row.to_list_json());
        self.tables.write(tx).await
    }

    fn committed(&mut self) {
        for (message, version) in self.versions.drain() {
            self.recent_versions.insert(message, version);
        }
        self.tables.committed();
    }

    fn reset(&mut self) {
        self.next_seq = None;
        self.versions.clear();
        self.recent_versions.clear();
        self.count_changes = CountChanges::default();
        self.tables.reset();
    }
}

impl Fold for Conversations {
    fn caching(conversations: usize) -> Self {
        Self {
            tables: Tables::caching(conversations),
            next_seq: None,
            versions: HashMap::new(),
            recent_versions: Cache::new(conversations),
            count_changes: CountChanges::default(),
        }
    }

    async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        self.tables.contacts.load(page, tx).await?;
        self.tables.search.load(page, tx).await?;
        let mut ids = Vec::new();
        for moved in self.tables.contacts.possible_moves(page) {
            ids.extend(conversations_of(&moved, tx).await?);
        }
        let changed = changed_received(page);
        let mut last = None;
        for decoded in page {
            let Event::Conversation(event) = &decoded.event else { continue };
            let Some(id) = decoded.stream.as_conversation() else { continue };
            if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(_)) = event {
                self.tables.inbox.absent((id,));
            } else if last != Some(id) {
                ids.push((id,));
            }
            last = Some(id);
            if let ConversationEvent::Message(MessageEvent::MessageSent(sent)) = event {
                self.versions.insert((id, sent.message_id), decoded.version);
            }
            if let ConversationEvent::Message(MessageEvent::MessageReceived(received)) = event
                && changed.contains(&received.message_id)
            {
                self.versions.insert((id, received.message_id), decoded.version);
            }
        }
        if self.next_seq.is_none() {
            const LAST: &str = "select coalesce(max(seq), 0) from conversations";
            let row = tx.fetch_one(LAST, Values::default()).await?;
            self.next_seq = Some(Columns::of(&row).take::<i64>()? + 1);
        }
        self.tables.inbox.load(tx, ids.iter().copied()).await?;
        let numbers: Vec<_> = ids.iter().filter_map(|id| Some((self.tables.inbox.get(id)?.seq,))).collect();
        self.tables.clocks.load(tx, numbers).await?;
        self.load_changed_messages(page, tx).await?;
        self.load_queue_entries(page, tx).await?;
        self.load_assignments(page, tx).await
    }

    fn apply(&mut self, decoded: &DecodedEvent) {
        match &decoded.event {
            Event::Conversation(event) => self.apply_to_conversation(event, decoded),
            Event::Contact(event) => {
                if let Some(moved) = self.tables.contacts.apply(event, decoded, &mut self.tables.search) {
                    self.relink(&moved);
                }
            }
            Event::Agent(_)
            | Event::Catalogue(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_)
            | Event::Bulk(_) => {}
        }
    }
}

impl Conversations {
    /// Loads the messages that delivery events, edits, deletions and reactions refer to.
    async fn load_changed_messages(
        &mut self,
        page: &[Arc<DecodedEvent>],
        tx: &mut Tx,
    ) -> Result<(), DbError> {
        let (mut keys, mut unknown) = (Vec::new(), Vec::new());
        for decoded in page {
            let Event::Conversation(event) = &decoded.event else { continue };
            let Some(message) = MessageRow::changed_by(event) else { continue };
            let Some(id) = decoded.stream.as_conversation() else { continue };
            let Some(row) = self.tables.inbox.get(&(id,)) else { continue };
            let message = (id, message);
            if self.versions.contains_key(&message) {
                continue;
            }
            match self.recent_versions.get(&message) {
                Some(version) => {
                    self.versions.insert(message, *version);
                    keys.push((row.seq, *version));
                }
                None => unknown.push((row.seq, message)),
            }
        }
        for chunk in unknown.chunks(LOOKUP_SIZES[LOOKUP_SIZES.len() - 1]) {
            // The last message is repeated until the chunk has one of the sizes.
            let size = LOOKUP_SIZES.into_iter().find(|size| *size >= chunk.len()).unwrap_or(chunk.len());
            let filled = || chunk.iter().chain(chunk.last().into_iter().cycle()).take(size);
            let mut values = Values::default();
            for (seq, _) in filled() {
                values.put(seq);
            }
            for (_, (_, message)) in filled() {
                values.put(message);
            }
            let (numbers, ids) = (tx.engine().list(0, size), tx.engine().list(size, size));
            let sql = format!(
                "select conversation_seq, version, id from messages
                 where conversation_seq in ({numbers}) and id in ({ids})"
            );
            for row in tx.fetch_all(AssertSqlSafe(sql), values).await? {
                let mut columns = Columns::of(&row);
                let key: (i64, Version) = (columns.take()?, columns.take()?);
                let message: MessageId = columns.take()?;
                let found = chunk.iter().filter(|(seq, (_, id))| (*seq, *id) == (key.0, message));
                self.versions.extend(found.map(|(_, message)| (*message, key.1)));
                keys.push(key);
            }
        }
        self.tables.messages.load(tx, keys).await
    }

    /// Loads the queue entries that this page may change or remove, and the paces of their queues.
    async fn load_queue_entries(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        use ConversationEvent as E;
        let (mut keys, mut paces) = (Vec::new(), Vec::new());
        for decoded in page {
            let Event::Conversation(event) = &decoded.event else { continue };
            if !QueueEntryRow::concerns(event) {
                continue;
            }
            let account = decoded.metadata.account_id;
            let team = match event {
                E::Routing(RoutingEvent::Queued(queued)) => queued.team_id,
                E::Routing(RoutingEvent::Offered(offered)) => offered.team_id,
                E::Assignment(AssignmentEvent::Assigned(assigned)) => assigned.team_id,
                E::Routing(
                    RoutingEvent::OfferDeclined(_)
                    | RoutingEvent::OfferExpired(_)
                    | RoutingEvent::LeadNotified(_)
                    | RoutingEvent::QueueTimedOut(_),
                )
                | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
                | E::Message(_)
                | E::Delivery(_)
                | E::Lifecycle(_)
                | E::Sla(_)
                | E::Bot(_)
                | E::Automation(_)
                | E::Schedule(_)
                | E::Details(_) => None,
            };
            paces.push((account, team.unwrap_or(NO_TEAM)));
            let Some(id) = decoded.stream.as_conversation() else { continue };
            if let Some(row) = self.tables.inbox.get(&(id,)) {
                paces.push((account, row.team_id.unwrap_or(NO_TEAM)));
                keys.push((row.seq,));
            }
        }
        self.tables.queue_entries.load(tx, keys).await?;
        self.tables.paces.load(tx, paces).await
    }

    /// Adds, changes or removes the conversation's queue entry.
    fn update_queue_entry(&mut self, id: ConversationId, event: &ConversationEvent, decoded: &DecodedEvent) {
        if !QueueEntryRow::concerns(event) {
            return;
        }
        let Some(conversation) = self.tables.inbox.get(&(id,)) else { return };
        let seq = conversation.seq;
        match QueueEntryRow::after(self.tables.queue_entries.get(&(seq,)), conversation, event, decoded) {
            QueueChange::Unchanged => {}
            QueueChange::Waiting(row) => self.tables.queue_entries.put(row),
            QueueChange::Removed => self.tables.queue_entries.remove(&(seq,)),
            QueueChange::Assigned(team) => {
                let (account, at) = (decoded.metadata.account_id, decoded.metadata.occurred_at);
                let team = team.unwrap_or(NO_TEAM);
                let pace = PaceRow::left(self.tables.paces.get(&(account, team)), account, team, at);
                self.tables.paces.put(pace);
                self.tables.queue_entries.remove(&(seq,));
            }
        }
    }

    /// Loads the assignments that this page may end.
    async fn load_assignments(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let mut keys = Vec::new();
        for decoded in page {
            if let Event::Conversation(event) = &decoded.event
                && ends_assignment(event)
                && let Some(id) = decoded.stream.as_conversation()
                && let Some(row) = self.tables.inbox.get(&(id,))
                && let Some(version) = row.assignment_version
            {
                keys.push((row.seq, version));
            }
        }
        self.tables.assignments.load(tx, keys).await
    }

    fn apply_to_conversation(&mut self, event: &ConversationEvent, decoded: &DecodedEvent) {
        let Some(id) = decoded.stream.as_conversation() else { return };
        let before = self.tables.inbox.get(&(id,)).map(|row| (Tabs::of(row), row.assignment_version));
        if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened)) = event {
            let Some(seq) = self.next_seq.as_mut() else { return };
            let contact_id = self.tables.contacts.contact_of_opened(opened);
            let mut row = ConversationRow { contact_id, ..ConversationRow::opened(*seq, opened, decoded) };
            row.search_no = self.tables.search.add_conversation(&row);
            self.tables.inbox.put(row);
            self.tables.clocks.absent((*seq,));
            *seq += 1;
        }
        if let ConversationEvent::Sla(SlaEvent::SlaApplied(applied)) = event
            && let Some(row) = self.tables.inbox.change(&(id,))
        {
            row.sla_policy_id = Some(applied.policy.id);
        }
        self.update_clocks(id, event, decoded);
        let Some(row) = self.tables.inbox.change(&(id,)) else { return };
        row.apply(event, decoded);
        if let Some(seen) = AgentSeenRow::after(event, row) {
            self.tables.seen.put(seen);
        }
        let (seq, account, after) = (row.seq, row.account_id, Tabs::of(row));
        self.count_changes.moved(account, before.map(|(tabs, _)| tabs), after);
        if ends_assignment(event)
            && let Some((_, Some(version))) = before
            && let Some(assignment) = self.tables.assignments.change(&(seq, version))
        {
            assignment.until_at = Some(decoded.metadata.occurred_at);
        }
        if let ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) = event {
            self.tables.assignments.absent((seq, decoded.version));
            self.tables.assignments.put(AssignmentRow::begun(seq, assigned, decoded));
        }
        self.update_queue_entry(id, event, decoded);
        if let ConversationEvent::Details(DetailsEvent::LabelsChanged(change)) = event {
            self.update_labels(account, seq, &change.removed, &change.added);
        }
        self.update_messages(id, event, decoded);
    }

    /// Adds the event's message, or changes the one that it names; and the words by which they are found.
    fn update_messages(&mut self, id: ConversationId, event: &ConversationEvent, decoded: &DecodedEvent) {
        let Some(conversation) = self.tables.inbox.get(&(id,)) else { return };
        if changes_words(event) {
            self.tables.search.change_conversation(conversation);
        }
        let seq = conversation.seq;
        if let Some(mut message) = MessageRow::begun(seq, event, decoded) {
            message.search_no = self.tables.search.add_message(&message, conversation);
            self.tables.messages.absent((seq, decoded.version));
            self.tables.messages.put(message);
        } else if let Some(changed) = MessageRow::changed_by(event)
            && let Some(version) = self.versions.get(&(id, changed))
            && let Some(message) = self.tables.messages.change(&(seq, *version))
        {
            message.apply(event);
            if let ConversationEvent::Message(
                MessageEvent::MessageEdited(_) | MessageEvent::MessageRevoked(_),
            ) = event
            {
                self.tables.search.change_message(message, conversation);
            }
        }
    }

    /// Applies the event to the SLA clocks, and writes their state to the SLA timers and the inbox row.
    fn update_clocks(&mut self, id: ConversationId, event: &ConversationEvent, decoded: &DecodedEvent) {
        let key = (id,);
        let Some(row) = self.tables.inbox.get(&key) else { return };
        let (seq, account, policy) = (row.seq, row.account_id, row.sla_policy_id);
        let closed = row.status == Status::Closed;
        let stored = self.tables.clocks.get(&(seq,));
        if stored.is_none() && closed {
            // The clocks were removed because no event can change them any more. Their timers are written.
            return;
        }
        let before = stored.map(|row| row.clocks.0.clone()).unwrap_or_default();
        let mut after = before.clone();
        after.evolve(event, decoded.metadata.occurred_at);
        if after == before {
            return;
        }
        if let Some(policy) = policy {
            self.write_timers(seq, account, policy, &before, &after);
        }
        if let Some(row) = self.tables.inbox.change(&key) {
            row.set_clocks(&after);
        }
        let over = closed
            || matches!(
                event,
                ConversationEvent::Lifecycle(LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_))
            );
        if over && after.next_alarm().is_none() && !after.is_unsettled() {
            self.tables.clocks.remove(&(seq,));
        } else if let Some(row) = self.tables.clocks.change(&(seq,)) {
            row.clocks.0 = after;
        } else {
            self.tables.clocks.put(ClocksRow { conversation_seq: seq, clocks: Json(after) });
        }
    }

    /// Writes the SLA timers that changed.
    fn write_timers(
        &mut self,
        seq: i64,
        account: AccountId,
        policy: event_schemas::SlaPolicyId,
        before: &Clocks,
        after: &Clocks,
    ) {
        let were: Vec<_> = before.timers().collect();
        for timer in after.timers() {
            if !were.contains(&timer) {
                self.tables.timers.put(SlaTimerRow::of(seq, account, policy, &timer));
            }
        }
        for timer in were {
            if after.timers().all(|now| now.metric != timer.metric) {
                self.tables.timers.remove(&(seq, timer.metric));
            }
        }
    }

    fn update_labels(&mut self, account: AccountId, seq: i64, removed: &[String], added: &[String]) {
        for label in removed {
            self.tables.labels.remove(&(account, label.clone(), seq));
        }
        for label in added {
            self.tables.labels.put(LabelRow {
                account_id: account,
                label: label.clone(),
                conversation_seq: seq,
            });
        }
    }

    /// Assigns the conversations of an identifier to the contact to which the identifier belongs now.
    fn relink(&mut self, moved: &IdentifierMove) {
        let ids: Vec<_> = self
            .tables
            .inbox
            .iter()
            .filter(|row| {
                row.account_id == moved.account
                    && row.contact_identifier == moved.identifier
                    && row.channel_type == moved.channel_type
                    && row.contact_id != moved.to
                    && moved.from.contains(&row.contact_id)
            })
            .map(|row| row.id)
            .collect();
        for id in ids {
            if let Some(row) = self.tables.inbox.change(&(id,)) {
                row.contact_id = moved.to;
            }
        }
    }

    /// Changes the tab counts. A count of 0 has no row, so that tables filled in pages of any size are equal.
    async fn update_counts(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let changes = self.count_changes.take();
        self.tables.counts.load(tx, changes.iter().map(|(key, _)| key.clone())).await?;
        for (key, by) in changes {
            let count = self.tables.counts.get(&key).map_or(0, |row| row.count) + by;
            if count == 0 {
                self.tables.counts.remove(&key);
            } else {
                let (account_id, tab, subject, status) = key;
                self.tables.counts.put(TabCountRow { account_id, tab, subject, status, count });
            }
        }
        Ok(())
    }
}

/// The messages that edits, deletions and reactions of this page change.
fn changed_received(page: &[Arc<DecodedEvent>]) -> HashSet<MessageId> {
    let changed = page.iter().filter_map(|decoded| match &decoded.event {
        Event::Conversation(event @ ConversationEvent::Message(_)) => MessageRow::changed_by(event),
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Agent(_)
        | Event::Catalogue(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Account(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => None,
    });
    changed.collect()
}

/// Whether the event changes words by which the conversation itself is found.
fn changes_words(event: &ConversationEvent) -> bool {
    matches!(
        event,
        ConversationEvent::Details(DetailsEvent::SubjectChanged(_) | DetailsEvent::DisplayNameChanged(_))
    )
}

fn ends_assignment(event: &ConversationEvent) -> bool {
    use ConversationEvent as E;
    match event {
        E::Assignment(AssignmentEvent::Assigned(_) | AssignmentEvent::Unassigned(_))
        | E::Lifecycle(LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_)) => true,
        E::Assignment(AssignmentEvent::AssignmentDropped(_))
        | E::Lifecycle(
            LifecycleEvent::ConversationOpened(_)
            | LifecycleEvent::MarkedPending(_)
            | LifecycleEvent::Resolved(_)
            | LifecycleEvent::Reopened(_),
        )
        | E::Message(_)
        | E::Delivery(_)
        | E::Routing(_)
        | E::Sla(_)
        | E::Bot(_)
        | E::Automation(_)
        | E::Schedule(_)
        | E::Details(_) => false,
    }
}

/// The conversations of an identifier in the tables before this page.
async fn conversations_of(moved: &IdentifierMove, tx: &mut Tx) -> Result<Vec<(ConversationId,)>, DbError> {
    const CONVERSATIONS: &str = "select id from conversations
        where account_id = $1 and contact_id = $2 and contact_identifier = $3 and channel_type = $4";
    let mut ids = Vec::new();
    for contact in &moved.from {
        let values = Values::default().with(&moved.account).with(contact).with(&moved.identifier);
        for row in tx.fetch_all(CONVERSATIONS, values.with(&moved.channel_type)).await? {
            ids.push((Columns::of(&row).take()?,));
        }
    }
    Ok(ids)
}
