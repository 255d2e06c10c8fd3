//! The SLA timers act on no deadline twice and miss none.

use crate::support::context;
use commands::Commands;
use event_schemas::catalogue::{SlaPolicy, SlaTargets};
use event_schemas::conversation::{
    ConversationOpened, MarkedPending, MessageReceived, MessageSent, PriorityChanged, ReopenCause, SlaApplied,
};
use event_schemas::message::{ChannelType, Content, Priority, SenderType, SlaMetric};
use event_schemas::{
    AccountId, Actor, ChannelId, Clock, ContactId, ConversationEvent, ConversationId, Event, LifecycleEvent,
    Metadata, NewEvent, Recorded, SlaEvent, SlaPolicyId, StreamId, Timestamp, Version,
};
use event_store::sqlite::SqliteStore;
use event_store::{EventStore, Expected};
use follower::RunnerError;
use process_managers::{Health, ProcessManager, SlaTimers};
use providers::{Providers, Timeouts};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ACCOUNT: AccountId = AccountId::from_u128(0xacc);
const CHANNEL: ChannelId = ChannelId::from_u128(0xc4a);
const MINUTE: Duration = Duration::from_secs(60);

struct Desk {
    dir: TempDir,
    clock: Clock,
    store: Arc<SqliteStore>,
}

/// Running SLA timers.
struct Ringing {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl Ringing {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

impl Desk {
    async fn with(clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("events.db"), clock.clone()).await.unwrap();
        Self { dir, clock, store }
    }

    async fn at_noon() -> Self {
        Self::with(Clock::manual("2026-11-23T12:00:00Z".parse().unwrap())).await
    }

    /// SLA timers with their tables under this name, and a write side of their own.
    async fn rings(&self, name: &str) -> Ringing {
        let timeouts = Timeouts { connect: Duration::from_secs(2), answer: Duration::from_secs(2) };
        let providers = Providers::new([], timeouts, self.clock.clone()).unwrap();
        let commands = Arc::new(Commands::new(self.store.clone(), Arc::new(providers), self.clock.clone()));
        let context = context(self.dir.path(), name, &commands).await;
        let sla_timers = SlaTimers::open(&context).await.unwrap();
        let stop = CancellationToken::new();
        Ringing { task: tokio::spawn(sla_timers.run(stop.clone(), Health::default())), stop }
    }

    async fn happens(&self, conversation: ConversationId, event: impl Into<ConversationEvent>) {
        self.happened(conversation, event, self.clock.now()).await;
    }

    async fn happened(
        &self,
        conversation: ConversationId,
        event: impl Into<ConversationEvent>,
        at: Timestamp,
    ) {
        let id = self.clock.event_id();
        let metadata = Metadata {
            account_id: ACCOUNT,
            actor: Actor::system("test"),
            correlation_id: id.0,
            causation_id: None,
            traceparent: None,
            occurred_at: at,
        };
        let event = NewEvent::of::<ConversationEvent>(id, &event.into(), metadata);
        let stream = StreamId::conversation(conversation);
        self.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
    }

    /// A conversation that is promised a first response within a minute, and a warning after 50 s.
    async fn promised(&self, contact: &str) -> ConversationId {
        self.promised_within(contact, MINUTE).await
    }

    async fn promised_within(&self, contact: &str, span: Duration) -> ConversationId {
        let id = self.opened(contact).await;
        let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap();
        let promise = |span| SlaTargets { first_response_seconds: Some(seconds(span)), ..Default::default() };
        let policy = SlaPolicy {
            id: SlaPolicyId::from_u128(1),
            name: "A minute".into(),
            description: None,
            is_active: true,
            order: 0,
            channel_ids: vec![],
            team_ids: vec![],
            calendar_id: None,
            targets: [(Priority::Normal, promise(span)), (Priority::Low, promise(span * 10))].into(),
            warn_before_seconds: Some(seconds(span / 6)),
            pause_while_pending: true,
        };
        self.happens(id, SlaApplied { policy, calendar: None }).await;
        id
    }

    async fn opened(&self, contact: &str) -> ConversationId {
        let id = ConversationId::of(CHANNEL, contact, 0);
        let opened = ConversationOpened {
            conversation_id: id,
            account_id: ACCOUNT,
            channel_id: CHANNEL,
            channel_type: ChannelType::Api,
            contact_id: ContactId::from_u128(1),
            contact_identifier: contact.into(),
            display_name: None,
            ordinal: 0,
            subject: None,
            priority: Priority::Normal,
            language: None,
            metadata: Default::default(),
        };
        self.happens(id, opened).await;
        id
    }

    async fn answered(&self, conversation: ConversationId) {
        let sent = MessageSent {
            message_id: self.clock.event_id().into(),
            to: None,
            sender_type: SenderType::Agent,
            sender_id: None,
            sender_name: None,
            body: Content::text("an answer"),
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Default::default(),
        };
        self.happens(conversation, sent).await;
    }

    async fn written(&self, conversation: ConversationId) {
        let received = MessageReceived {
            message_id: self.clock.event_id().into(),
            provider_message_id: None,
            body: Content::text("a question"),
            reply_to: None,
            sent_at: self.clock.now(),
            metadata: Default::default(),
        };
        self.happens(conversation, received).await;
    }

    async fn history(&self, conversation: ConversationId) -> Vec<(ConversationEvent, Recorded)> {
        let stream = StreamId::conversation(conversation);
        let recorded = self.store.read_stream(&stream, Version::FIRST, 1_000).await.unwrap();
        let event = |recorded| {
            let Event::Conversation(event) = Event::read(&recorded).unwrap() else { panic!("{recorded:?}") };
            (event, recorded)
        };
        recorded.into_iter().map(event).collect()
    }

    /// Warnings and breaches in the order they were told: what, and when it is dated.
    async fn told(&self, conversation: ConversationId) -> Vec<(&'static str, Timestamp)> {
        let notice = |(event, recorded): (ConversationEvent, Recorded)| {
            let ConversationEvent::Sla(event) = event else { return None };
            match event {
                SlaEvent::SlaWarned(_) => Some(("warned", recorded.metadata.occurred_at)),
                SlaEvent::SlaBreached(breached) => {
                    assert_eq!(breached.metric, SlaMetric::FirstResponse);
                    assert_eq!(breached.due_at, recorded.metadata.occurred_at);
                    assert!(breached.detected_at >= breached.due_at);
                    Some(("breached", breached.due_at))
                }
                SlaEvent::SlaApplied(_) => None,
            }
        };
        self.history(conversation).await.into_iter().filter_map(notice).collect()
    }

    async fn reopened(&self, conversation: ConversationId) -> usize {
        let woken = |event: &ConversationEvent| matches!(event, ConversationEvent::Lifecycle(LifecycleEvent::Reopened(reopened)) if reopened.cause == ReopenCause::SnoozeEnded);
        self.history(conversation).await.iter().filter(|(event, _)| woken(event)).count()
    }

    async fn tells(&self, conversation: ConversationId, count: usize) {
        eventually("so much told", || async { self.told(conversation).await.len() >= count }).await;
    }

    /// Something that is due now has been told, so whatever was due before would have been.
    async fn has_looked(&self) {
        let contact = self.clock.fresh_id().to_string();
        let id = self.opened(&contact).await;
        let now = self.clock.now();
        self.happened(id, MarkedPending { until: Some(now), reason: None }, now).await;
        eventually("the snooze's end", || async { self.reopened(id).await == 1 }).await;
    }
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test]
async fn a_deadline_is_warned_of_and_missed_at_its_own_time() {
    let desk = Desk::at_noon().await;
    let ringing = desk.rings("alarms").await;
    let start = desk.clock.now();
    let conversation = desk.promised("somebody").await;
    desk.clock.advance(Duration::from_secs(49));
    desk.has_looked().await;
    assert_eq!(desk.told(conversation).await, []);
    desk.clock.advance(Duration::from_secs(1));
    desk.tells(conversation, 1).await;
    desk.clock.advance(Duration::from_secs(10));
    desk.tells(conversation, 2).await;
    let (warned, due) = (start + Duration::from_secs(50), start + MINUTE);
    assert_eq!(desk.told(conversation).await, [("warned", warned), ("breached", due)]);
    ringing.stop().await;
}

#[tokio::test]
async fn an_answer_in_time_keeps_it_silent() {
    let desk = Desk::at_noon().await;
    let ringing = desk.rings("alarms").await;
    let conversation = desk.promised("somebody").await;
    desk.clock.advance(Duration::from_secs(30));
    desk.answered(conversation).await;
    desk.clock.advance(MINUTE * 60);
    desk.has_looked().await;
    assert_eq!(desk.told(conversation).await, []);
    ringing.stop().await;
}

#[tokio::test]
async fn ten_minutes_of_downtime_lose_nothing_and_double_nothing() {
    let desk = Desk::at_noon().await;
    let ringing = desk.rings("alarms").await;
    let start = desk.clock.now();
    let silent = desk.promised("nobody answered").await;
    let late = desk.promised("the answer came late").await;
    let in_time = desk.promised("the answer came in time").await;
    desk.has_looked().await;
    ringing.stop().await;

    desk.clock.advance(Duration::from_secs(60));
    desk.answered(in_time).await;
    desk.clock.advance(Duration::from_secs(60));
    desk.answered(late).await;
    desk.clock.advance(MINUTE * 8);

    for _restart in 0..3 {
        let ringing = desk.rings("alarms").await;
        desk.tells(silent, 2).await;
        desk.tells(late, 1).await;
        desk.has_looked().await;
        ringing.stop().await;
    }
    let due = start + MINUTE;
    assert_eq!(desk.told(silent).await, [("warned", start + Duration::from_secs(50)), ("breached", due)]);
    assert_eq!(desk.told(late).await, [("breached", due)]);
    assert_eq!(desk.told(in_time).await, []);
}

#[tokio::test]
async fn however_many_clocks_there_are_each_thing_is_told_once() {
    let desk = Desk::at_noon().await;
    // Two that share their tables, and one that has its own.
    let ringing = [desk.rings("alarms").await, desk.rings("alarms").await, desk.rings("others").await];
    let mut conversations = Vec::new();
    for contact in 0..20 {
        conversations.push(desk.promised(&contact.to_string()).await);
    }
    desk.clock.advance(MINUTE);
    for conversation in &conversations {
        desk.tells(*conversation, 2).await;
    }
    desk.has_looked().await;
    for ringing in ringing {
        ringing.stop().await;
    }
    // A replay from the beginning of the log, with tables that remember nothing.
    let replay = desk.rings("new").await;
    desk.has_looked().await;
    replay.stop().await;
    for conversation in conversations {
        let told: Vec<_> = desk.told(conversation).await.into_iter().map(|(what, _)| what).collect();
        assert_eq!(told, ["warned", "breached"]);
    }
}

#[tokio::test]
async fn a_promise_that_changes_to_and_fro_is_warned_of_anew() {
    let desk = Desk::at_noon().await;
    let ringing = desk.rings("alarms").await;
    let start = desk.clock.now();
    let conversation = desk.promised("somebody").await;
    desk.clock.advance(Duration::from_secs(55));
    desk.tells(conversation, 1).await;
    desk.happens(conversation, PriorityChanged { old: Priority::Normal, new: Priority::Low }).await;
    desk.happens(conversation, PriorityChanged { old: Priority::Low, new: Priority::Normal }).await;
    desk.tells(conversation, 2).await;
    desk.has_looked().await;
    let warned = start + Duration::from_secs(50);
    assert_eq!(desk.told(conversation).await, [("warned", warned), ("warned", warned)]);
    ringing.stop().await;
}

#[tokio::test]
async fn a_snooze_ends_once_and_only_if_it_still_lasts() {
    let desk = Desk::at_noon().await;
    let ringing = desk.rings("alarms").await;
    let (asleep, woken) = (desk.opened("asleep").await, desk.opened("woken").await);
    let until = Some(desk.clock.now() + MINUTE);
    desk.happens(asleep, MarkedPending { until, reason: None }).await;
    desk.happens(woken, MarkedPending { until, reason: None }).await;
    desk.written(woken).await;
    desk.clock.advance(MINUTE);
    desk.has_looked().await;
    eventually("the end of the snooze", || async { desk.reopened(asleep).await == 1 }).await;
    ringing.stop().await;
    let again = desk.rings("new").await;
    desk.has_looked().await;
    again.stop().await;
    assert_eq!(desk.reopened(asleep).await, 1);
    assert_eq!(desk.reopened(woken).await, 0);
}

#[tokio::test]
async fn a_rush_of_deadlines_is_told_by_the_real_clock() {
    let desk = Desk::with(Clock::System).await;
    let ringing = desk.rings("alarms").await;
    let start = desk.clock.now();
    let mut conversations = Vec::new();
    for contact in 0..200 {
        conversations.push(desk.opened(&contact.to_string()).await);
    }
    // All put aside until the same moment, far enough off for all of them to be written down.
    let until = desk.clock.now() + desk.clock.now().since(start) * 2;
    for conversation in &conversations {
        desk.happens(*conversation, MarkedPending { until: Some(until), reason: None }).await;
    }
    let mut late = Duration::ZERO;
    for conversation in conversations {
        eventually("the end of the snooze", || async { desk.reopened(conversation).await == 1 }).await;
        let (_, last) = desk.history(conversation).await.pop().unwrap();
        assert!(last.recorded_at >= until);
        late = late.max(last.recorded_at.since(until));
    }
    println!("the last of 200 that were due at once was told {late:?} after its time");
    ringing.stop().await;
}
