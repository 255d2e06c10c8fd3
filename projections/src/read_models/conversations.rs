//! The tables that follow conversations: what one event moves in each of them.

use super::agent_seen::AgentSeenRow;
use super::assignments::AssignmentRow;
use super::contacts::{Contacts, Moved};
use super::inbox::ConversationRow;
use super::labels::LabelRow;
use super::messages::MessageRow;
use super::queue_entries::{Becomes, NO_TEAM, PaceRow, QueueEntryRow};
use super::registry::{Fold, TableSet, table_set};
use super::sla_timers::{ClocksRow, SlaTimerRow};
use super::tab_counts::{Moves, TabCountRow, Tabs};
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
use std::collections::HashMap;
use std::sync::Arc;

/// How many reported messages are looked for at once.
const REPORTS: [usize; 4] = [1, 4, 20, 100];

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
        }
    }
}

/// The fold of the tables that follow conversations. They share the work on each event.
pub struct Conversations {
    tables: Tables,
    /// The number of the conversation that is opened next. `None` when the table must be asked for it.
    next_seq: Option<i64>,
    /// The versions of outgoing messages, because reports name a message by its id alone.
    versions: HashMap<(ConversationId, MessageId), Version>,
    recent_versions: Cache<(ConversationId, MessageId), Version>,
    moves: Moves,
}

impl TableSet for Conversations {
    fn shapes() -> Vec<Shape> {
        Tables::shapes()
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        self.count(tx).await?;
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
        self.moves = Moves::default();
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
            moves: Moves::default(),
        }
    }

    async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        self.tables.contacts.load(page, tx).await?;
        let mut ids = Vec::new();
        for moved in self.tables.contacts.moves(page) {
            ids.extend(conversations_of(&moved, tx).await?);
        }
        let mut last = None;
        for happened in page {
            let Event::Conversation(event) = &happened.event else { continue };
            let Some(id) = happened.stream.as_conversation() else { continue };
            if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(_)) = event {
                self.tables.inbox.absent((id,));
            } else if last != Some(id) {
                ids.push((id,));
            }
            last = Some(id);
            if let ConversationEvent::Message(MessageEvent::MessageSent(sent)) = event {
                self.versions.insert((id, sent.message_id), happened.version);
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
        self.load_reported(page, tx).await?;
        self.load_queue_entries(page, tx).await?;
        self.load_assignments(page, tx).await
    }

    fn apply(&mut self, happened: &DecodedEvent) {
        match &happened.event {
            Event::Conversation(event) => self.apply_to_conversation(event, happened),
            Event::Contact(event) => {
                if let Some(moved) = self.tables.contacts.apply(event, happened) {
                    self.relink(&moved);
                }
            }
            Event::Agent(_) | Event::Catalogue(_) | Event::Inbound(_) => {}
        }
    }
}

impl Conversations {
    /// The messages that reports are about.
    async fn load_reported(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let (mut keys, mut unplaced) = (Vec::new(), Vec::new());
        for happened in page {
            let Event::Conversation(event) = &happened.event else { continue };
            let Some(message) = MessageRow::reported(event) else { continue };
            let Some(id) = happened.stream.as_conversation() else { continue };
            let Some(row) = self.tables.inbox.get(&(id,)) else { continue };
            let place = (id, message);
            if self.versions.contains_key(&place) {
                continue;
            }
            match self.recent_versions.get(&place) {
                Some(version) => {
                    self.versions.insert(place, *version);
                    keys.push((row.seq, *version));
                }
                None => unplaced.push((row.seq, place)),
            }
        }
        for some in unplaced.chunks(REPORTS[REPORTS.len() - 1]) {
            // Filled up with the last one, so that there are few statements to prepare.
            let size = REPORTS.into_iter().find(|size| *size >= some.len()).unwrap_or(some.len());
            let filled = || some.iter().chain(some.last().into_iter().cycle()).take(size);
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
                let places = some.iter().filter(|(seq, (_, id))| (*seq, *id) == (key.0, message));
                self.versions.extend(places.map(|(_, place)| (*place, key.1)));
                keys.push(key);
            }
        }
        self.tables.messages.load(tx, keys).await
    }

    /// The queue entries that this page may end, and the paces of the queues they leave.
    async fn load_queue_entries(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        use ConversationEvent as E;
        let (mut keys, mut paces) = (Vec::new(), Vec::new());
        for happened in page {
            let Event::Conversation(event) = &happened.event else { continue };
            if !QueueEntryRow::concerns(event) {
                continue;
            }
            let account = happened.metadata.account_id;
            let team = match event {
                E::Routing(RoutingEvent::Queued(queued)) => queued.team_id,
                E::Routing(RoutingEvent::Offered(offered)) => offered.team_id,
                E::Assignment(AssignmentEvent::Assigned(assigned)) => assigned.team_id,
                E::Routing(
                    RoutingEvent::OfferDeclined(_)
                    | RoutingEvent::OfferExpired(_)
                    | RoutingEvent::LeadNotified(_),
                )
                | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
                | E::Message(_)
                | E::Delivery(_)
                | E::Lifecycle(_)
                | E::Sla(_)
                | E::Bot(_)
                | E::Automation(_)
                | E::Details(_) => None,
            };
            paces.push((account, team.unwrap_or(NO_TEAM)));
            let Some(id) = happened.stream.as_conversation() else { continue };
            if let Some(row) = self.tables.inbox.get(&(id,)) {
                paces.push((account, row.team_id.unwrap_or(NO_TEAM)));
                keys.push((row.seq,));
            }
        }
        self.tables.queue_entries.load(tx, keys).await?;
        self.tables.paces.load(tx, paces).await
    }

    /// Moves a conversation into the queue, in it, or out of it.
    fn wait(&mut self, id: ConversationId, event: &ConversationEvent, happened: &DecodedEvent) {
        if !QueueEntryRow::concerns(event) {
            return;
        }
        let Some(conversation) = self.tables.inbox.get(&(id,)) else { return };
        let seq = conversation.seq;
        match QueueEntryRow::after(self.tables.queue_entries.get(&(seq,)), conversation, event, happened) {
            Becomes::AsItWas => {}
            Becomes::Waits(row) => self.tables.queue_entries.put(row),
            Becomes::Gone => self.tables.queue_entries.remove(&(seq,)),
            Becomes::Served(team) => {
                let (account, at) = (happened.metadata.account_id, happened.metadata.occurred_at);
                let team = team.unwrap_or(NO_TEAM);
                let pace = PaceRow::left(self.tables.paces.get(&(account, team)), account, team, at);
                self.tables.paces.put(pace);
                self.tables.queue_entries.remove(&(seq,));
            }
        }
    }

    /// The assignments that this page may end.
    async fn load_assignments(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let mut keys = Vec::new();
        for happened in page {
            if let Event::Conversation(event) = &happened.event
                && ends_assignment(event)
                && let Some(id) = happened.stream.as_conversation()
                && let Some(row) = self.tables.inbox.get(&(id,))
                && let Some(version) = row.assignment_version
            {
                keys.push((row.seq, version));
            }
        }
        self.tables.assignments.load(tx, keys).await
    }

    fn apply_to_conversation(&mut self, event: &ConversationEvent, happened: &DecodedEvent) {
        let Some(id) = happened.stream.as_conversation() else { return };
        let before = self.tables.inbox.get(&(id,)).map(|row| (Tabs::of(row), row.assignment_version));
        if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened)) = event {
            let Some(seq) = self.next_seq.as_mut() else { return };
            self.tables.inbox.put(ConversationRow::opened(*seq, opened, happened));
            self.tables.clocks.absent((*seq,));
            *seq += 1;
        }
        if let ConversationEvent::Sla(SlaEvent::SlaApplied(applied)) = event
            && let Some(row) = self.tables.inbox.change(&(id,))
        {
            row.sla_policy_id = Some(applied.policy.id);
        }
        self.tick(id, event, happened);
        let Some(row) = self.tables.inbox.change(&(id,)) else { return };
        row.apply(event, happened);
        if let Some(seen) = AgentSeenRow::after(event, row) {
            self.tables.seen.put(seen);
        }
        let (seq, account, after) = (row.seq, row.account_id, Tabs::of(row));
        self.moves.moved(account, before.map(|(place, _)| place), after);
        if ends_assignment(event)
            && let Some((_, Some(version))) = before
            && let Some(assignment) = self.tables.assignments.change(&(seq, version))
        {
            assignment.until_at = Some(happened.metadata.occurred_at);
        }
        if let ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) = event {
            self.tables.assignments.absent((seq, happened.version));
            self.tables.assignments.put(AssignmentRow::begun(seq, assigned, happened));
        }
        self.wait(id, event, happened);
        if let ConversationEvent::Details(DetailsEvent::LabelsChanged(change)) = event {
            self.label(account, seq, &change.removed, &change.added);
        }
        if let Some(message) = MessageRow::begun(seq, event, happened) {
            self.tables.messages.absent((seq, happened.version));
            self.tables.messages.put(message);
        } else if let Some(reported) = MessageRow::reported(event)
            && let Some(version) = self.versions.get(&(id, reported))
            && let Some(message) = self.tables.messages.change(&(seq, *version))
        {
            message.apply(event);
        }
    }

    /// Lets the clocks live through the event, and shows what they say afterwards.
    fn tick(&mut self, id: ConversationId, event: &ConversationEvent, happened: &DecodedEvent) {
        let key = (id,);
        let Some(row) = self.tables.inbox.get(&key) else { return };
        let (seq, account, policy) = (row.seq, row.account_id, row.sla_policy_id);
        let closed = row.status == Status::Closed;
        let stored = self.tables.clocks.get(&(seq,));
        if stored.is_none() && closed {
            // Whatever they had to tell was told before they were let go.
            return;
        }
        let before = stored.map(|row| row.clocks.0.clone()).unwrap_or_default();
        let mut after = before.clone();
        after.evolve(event, happened.metadata.occurred_at);
        if after == before {
            return;
        }
        if let Some(policy) = policy {
            self.show_timers(seq, account, policy, &before, &after);
        }
        if let Some(row) = self.tables.inbox.change(&key) {
            row.show_clocks(&after);
        }
        let over = closed
            || matches!(
                event,
                ConversationEvent::Lifecycle(LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_))
            );
        if over && after.next_alarm().is_none() {
            self.tables.clocks.remove(&(seq,));
        } else if let Some(row) = self.tables.clocks.change(&(seq,)) {
            row.clocks.0 = after;
        } else {
            self.tables.clocks.put(ClocksRow { conversation_seq: seq, clocks: Json(after) });
        }
    }

    fn show_timers(
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

    fn label(&mut self, account: AccountId, seq: i64, removed: &[String], added: &[String]) {
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

    /// Moves the conversations of an identifier that belongs to another contact now.
    fn relink(&mut self, moved: &Moved) {
        let theirs: Vec<_> = self
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
        for id in theirs {
            if let Some(row) = self.tables.inbox.change(&(id,)) {
                row.contact_id = moved.to;
            }
        }
    }

    /// Moves the counts. A count of nothing has no row, so that tables filled in pages of any size are alike.
    async fn count(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let moves = self.moves.take();
        self.tables.counts.load(tx, moves.iter().map(|(key, _)| key.clone())).await?;
        for (key, by) in moves {
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
        | E::Details(_) => false,
    }
}

/// The conversations of an identifier, as the tables have them before this page.
async fn conversations_of(moved: &Moved, tx: &mut Tx) -> Result<Vec<(ConversationId,)>, DbError> {
    const THEIRS: &str = "select id from conversations
        where account_id = $1 and contact_id = $2 and contact_identifier = $3 and channel_type = $4";
    let mut ids = Vec::new();
    for contact in &moved.from {
        let values = Values::default().with(&moved.account).with(contact).with(&moved.identifier);
        for row in tx.fetch_all(THEIRS, values.with(&moved.channel_type)).await? {
            ids.push((Columns::of(&row).take()?,));
        }
    }
    Ok(ids)
}
