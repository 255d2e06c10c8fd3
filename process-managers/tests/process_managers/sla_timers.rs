//! The SLA timers record each deadline exactly once.

use crate::support::context;
use commands::Commands;
use event_schemas::catalogue::{SlaPolicy, SlaTargets};
use event_schemas::conversation::{
    Closed, ConversationOpened, MarkedPending, MessageDelivered, MessageFailed, MessageReceived, MessageSent,
    PriorityChanged, ReopenCause, SlaApplied,
};
use event_schemas::message::{ChannelType, Content, Priority, SenderType, SlaMetric};
use event_schemas::{
    AccountId, Actor, ChannelId, Clock, ContactId, ConversationEvent, ConversationId, Event, LifecycleEvent,
    MessageId, Metadata, NewEvent, Recorded, SlaEvent, SlaPolicyId, StreamId, Timestamp, Version,
};
use event_store::sqlite::SqliteStore;
use event_store::{EventStore, Expected};
use follower::RunnerError;
use process_managers::{Health, ProcessManager, SlaTimers};
use providers::{Providers, Timeouts};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ACCOUNT: AccountId = AccountId::from_u128(0xacc);
const CHANNEL: ChannelId = ChannelId::from_u128(0xc4a);
const MINUTE: Duration = Duration::from_secs(60);

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap()
}

struct Fixture {
    dir: TempDir,
    clock: Clock,
    store: Arc<SqliteStore>,
}

/// Running SLA timers.
struct RunningTimers {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl RunningTimers {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

impl Fixture {
    async fn with(clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("events.db"), clock.clone()).await.unwrap();
        Self { dir, clock, store }
    }

    async fn at_noon() -> Self {
        Self::with(Clock::manual("2026-11-23T12:00:00Z".parse().unwrap())).await
    }

    /// SLA timers with their tables under this name, and a write side of their own.
    async fn start_timers(&self, name: &str) -> RunningTimers {
        let timeouts = Timeouts { connect: Duration::from_secs(2), answer: Duration::from_secs(2) };
        let providers = Providers::new([], timeouts, self.clock.clone()).unwrap();
        let commands = Arc::new(Commands::new(self.store.clone(), Arc::new(providers), self.clock.clone()));
        let context = context(self.dir.path(), name, &commands).await;
        let sla_timers = SlaTimers::open(&context).await.unwrap();
        let stop = CancellationToken::new();
        RunningTimers { task: tokio::spawn(sla_timers.run(stop.clone(), Health::default())), stop }
    }

    async fn append(&self, conversation: ConversationId, event: impl Into<ConversationEvent>) {
        self.append_at(conversation, event, self.clock.now()).await;
    }

    async fn append_at(
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
            request: None,
            credential: None,
            occurred_at: at,
        };
        let event = NewEvent::of::<ConversationEvent>(id, &event.into(), metadata);
        let stream = StreamId::conversation(conversation);
        self.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
    }

    /// A conversation with a target of one minute for the first response, and a warning after 50 s.
    async fn with_sla(&self, contact: &str) -> ConversationId {
        self.with_sla_of(contact, MINUTE).await
    }

    async fn with_sla_of(&self, contact: &str, span: Duration) -> ConversationId {
        let targets = |span| SlaTargets { first_response_seconds: Some(seconds(span)), ..Default::default() };
        let targets = [(Priority::Normal, targets(span)), (Priority::Low, targets(span * 10))];
        self.with_targets(contact, targets.into(), span / 6).await
    }

    async fn with_targets(
        &self,
        contact: &str,
        targets: BTreeMap<Priority, SlaTargets>,
        warn_before: Duration,
    ) -> ConversationId {
        let id = self.opened(contact).await;
        let policy = SlaPolicy {
            id: SlaPolicyId::from_u128(1),
            name: "A minute".into(),
            description: None,
            is_active: true,
            order: 0,
            channel_ids: vec![],
            team_ids: vec![],
            calendar_id: None,
            targets,
            warn_before_seconds: Some(seconds(warn_before)),
            pause_while_pending: true,
        };
        self.append(id, SlaApplied { policy, calendar: None }).await;
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
        self.append(id, opened).await;
        id
    }

    async fn answered(&self, conversation: ConversationId) -> MessageId {
        let message_id = MessageId::from(self.clock.event_id());
        let sent = MessageSent {
            message_id,
            to: None,
            sender_type: SenderType::Agent,
            sender_id: None,
            sender_name: None,
            body: Content::text("an answer"),
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Default::default(),
            scheduled_at: None,
        };
        self.append(conversation, sent).await;
        message_id
    }

    async fn failed(&self, conversation: ConversationId, message_id: MessageId) {
        let failed = MessageFailed {
            message_id,
            provider_message_id: None,
            time: self.clock.now(),
            code: "131026".to_owned(),
            reason: "Message undeliverable".to_owned(),
        };
        self.append(conversation, failed).await;
    }

    async fn delivered(&self, conversation: ConversationId, message_id: MessageId) {
        let provider_message_id = "wamid.1".to_owned();
        let delivered = MessageDelivered { message_id, provider_message_id, time: self.clock.now() };
        self.append(conversation, delivered).await;
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
        self.append(conversation, received).await;
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

    /// Warnings and breaches in the order of the log: the kind, and when it occurred.
    async fn alarms(&self, conversation: ConversationId) -> Vec<(&'static str, Timestamp)> {
        let alarms = |(event, recorded): (ConversationEvent, Recorded)| {
            let ConversationEvent::Sla(event) = event else { return None };
            match event {
                SlaEvent::SlaWarned(_) => Some(("warned", recorded.metadata.occurred_at)),
                SlaEvent::SlaBreached(breached) => {
                    assert_ne!(breached.metric, SlaMetric::Resolution);
                    assert_eq!(breached.due_at, recorded.metadata.occurred_at);
                    assert!(breached.detected_at >= breached.due_at);
                    Some(("breached", breached.due_at))
                }
                SlaEvent::SlaApplied(_) | SlaEvent::SlaRemoved(_) => None,
            }
        };
        self.history(conversation).await.into_iter().filter_map(alarms).collect()
    }

    async fn reopened(&self, conversation: ConversationId) -> usize {
        let woken = |event: &ConversationEvent| matches!(event, ConversationEvent::Lifecycle(LifecycleEvent::Reopened(reopened)) if reopened.cause == ReopenCause::SnoozeEnded);
        self.history(conversation).await.iter().filter(|(event, _)| woken(event)).count()
    }

    async fn wait_for_alarms(&self, conversation: ConversationId, count: usize) {
        eventually("the alarms are recorded", || async { self.alarms(conversation).await.len() >= count })
            .await;
    }

    /// Waits until a snooze that ends now is handled, so that everything due before it is handled too.
    async fn timers_are_handled(&self) {
        let contact = self.clock.fresh_id().to_string();
        let id = self.opened(&contact).await;
        let now = self.clock.now();
        self.append_at(id, MarkedPending { until: Some(now), reason: None }, now).await;
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
async fn a_warning_and_a_breach_are_dated_when_they_were_due() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let start = fixture.clock.now();
    let conversation = fixture.with_sla("customer").await;
    fixture.clock.advance(Duration::from_secs(49));
    fixture.timers_are_handled().await;
    assert_eq!(fixture.alarms(conversation).await, []);
    fixture.clock.advance(Duration::from_secs(1));
    fixture.wait_for_alarms(conversation, 1).await;
    fixture.clock.advance(Duration::from_secs(10));
    fixture.wait_for_alarms(conversation, 2).await;
    let (warned, due) = (start + Duration::from_secs(50), start + MINUTE);
    assert_eq!(fixture.alarms(conversation).await, [("warned", warned), ("breached", due)]);
    timers.stop().await;
}

#[tokio::test]
async fn an_answer_in_time_causes_no_alarm() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let conversation = fixture.with_sla("customer").await;
    fixture.clock.advance(Duration::from_secs(30));
    fixture.answered(conversation).await;
    fixture.clock.advance(MINUTE * 60);
    fixture.timers_are_handled().await;
    assert_eq!(fixture.alarms(conversation).await, []);
    timers.stop().await;
}

#[tokio::test]
async fn an_answer_that_failed_causes_the_alarms_as_if_it_had_not_been_sent() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let start = fixture.clock.now();
    let (soon, late) = (fixture.with_sla("soon").await, fixture.with_sla("late").await);
    let closed = fixture.with_sla("closed").await;
    for conversation in [soon, late, closed] {
        fixture.written(conversation).await;
    }
    fixture.clock.advance(Duration::from_secs(30));
    let (first, second) = (fixture.answered(soon).await, fixture.answered(late).await);
    let third = fixture.answered(closed).await;
    fixture.failed(soon, first).await;
    fixture.timers_are_handled().await;
    assert_eq!(fixture.alarms(soon).await, []);

    // The deadline passes, and only then the other answers are reported as failed.
    fixture.clock.advance(MINUTE);
    fixture.wait_for_alarms(soon, 2).await;
    fixture.append(closed, Closed { reason: None }).await;
    fixture.timers_are_handled().await;
    assert_eq!((fixture.alarms(late).await, fixture.alarms(closed).await), (Vec::new(), Vec::new()));
    fixture.failed(late, second).await;
    fixture.failed(closed, third).await;
    fixture.wait_for_alarms(late, 1).await;
    fixture.wait_for_alarms(closed, 1).await;
    let breached = ("breached", start + MINUTE);
    assert_eq!(fixture.alarms(soon).await, [("warned", start + Duration::from_secs(50)), breached]);
    assert_eq!(fixture.alarms(late).await, [breached]);
    assert_eq!(fixture.alarms(closed).await, [breached]);
    timers.stop().await;
}

/// While the failed answer counted as missing, its deadline passed and nothing further was due. The answer that arrived
/// after all begins the clock of the customer's next message.
#[tokio::test]
async fn an_answer_that_failed_and_arrived_wakes_the_timer_of_the_next_message() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let start = fixture.clock.now();
    let at = |second| start + Duration::from_secs(second);
    let targets = SlaTargets { next_response_seconds: Some(60), ..Default::default() };
    let targets = [(Priority::Normal, targets)].into();
    let conversation = fixture.with_targets("customer", targets, Duration::from_secs(10)).await;
    fixture.written(conversation).await;
    fixture.answered(conversation).await;
    fixture.clock.advance(Duration::from_secs(10));
    fixture.written(conversation).await;
    fixture.clock.advance(Duration::from_secs(10));
    let answer = fixture.answered(conversation).await;
    fixture.failed(conversation, answer).await;
    fixture.clock.advance(MINUTE);
    fixture.wait_for_alarms(conversation, 2).await;
    let missed = [("warned", at(60)), ("breached", at(70))];
    assert_eq!(fixture.alarms(conversation).await, missed);

    fixture.written(conversation).await;
    fixture.timers_are_handled().await;
    fixture.delivered(conversation, answer).await;
    fixture.timers_are_handled().await;
    fixture.clock.advance(MINUTE);
    fixture.wait_for_alarms(conversation, 4).await;
    let later = [("warned", at(130)), ("breached", at(140))];
    assert_eq!(fixture.alarms(conversation).await, [missed, later].concat());
    timers.stop().await;
}

#[tokio::test]
async fn ten_minutes_of_downtime_lose_and_repeat_no_alarm() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let start = fixture.clock.now();
    let silent = fixture.with_sla("never answered").await;
    let late = fixture.with_sla("the answer came late").await;
    let in_time = fixture.with_sla("the answer came in time").await;
    fixture.timers_are_handled().await;
    timers.stop().await;

    fixture.clock.advance(Duration::from_secs(60));
    fixture.answered(in_time).await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.answered(late).await;
    fixture.clock.advance(MINUTE * 8);

    for _restart in 0..3 {
        let timers = fixture.start_timers("alarms").await;
        fixture.wait_for_alarms(silent, 2).await;
        fixture.wait_for_alarms(late, 1).await;
        fixture.timers_are_handled().await;
        timers.stop().await;
    }
    let due = start + MINUTE;
    assert_eq!(
        fixture.alarms(silent).await,
        [("warned", start + Duration::from_secs(50)), ("breached", due)]
    );
    assert_eq!(fixture.alarms(late).await, [("breached", due)]);
    assert_eq!(fixture.alarms(in_time).await, []);
}

#[tokio::test]
async fn several_processes_record_each_alarm_once() {
    let fixture = Fixture::at_noon().await;
    // Two processes share their tables, and one has tables of its own.
    let timers = [
        fixture.start_timers("alarms").await,
        fixture.start_timers("alarms").await,
        fixture.start_timers("others").await,
    ];
    let mut conversations = Vec::new();
    for contact in 0..20 {
        conversations.push(fixture.with_sla(&contact.to_string()).await);
    }
    fixture.clock.advance(MINUTE);
    for conversation in &conversations {
        fixture.wait_for_alarms(*conversation, 2).await;
    }
    fixture.timers_are_handled().await;
    for timers in timers {
        timers.stop().await;
    }
    // A replay from the beginning of the log with empty tables.
    let replay = fixture.start_timers("new").await;
    fixture.timers_are_handled().await;
    replay.stop().await;
    for conversation in conversations {
        let alarms: Vec<_> = fixture.alarms(conversation).await.into_iter().map(|(what, _)| what).collect();
        assert_eq!(alarms, ["warned", "breached"]);
    }
}

#[tokio::test]
async fn a_target_that_changes_and_changes_back_is_warned_about_again() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let start = fixture.clock.now();
    let conversation = fixture.with_sla("customer").await;
    fixture.clock.advance(Duration::from_secs(55));
    fixture.wait_for_alarms(conversation, 1).await;
    fixture.append(conversation, PriorityChanged { old: Priority::Normal, new: Priority::Low }).await;
    fixture.append(conversation, PriorityChanged { old: Priority::Low, new: Priority::Normal }).await;
    fixture.wait_for_alarms(conversation, 2).await;
    fixture.timers_are_handled().await;
    let warned = start + Duration::from_secs(50);
    assert_eq!(fixture.alarms(conversation).await, [("warned", warned), ("warned", warned)]);
    timers.stop().await;
}

#[tokio::test]
async fn a_snooze_ends_once_unless_it_has_ended_before() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers("alarms").await;
    let (asleep, woken) = (fixture.opened("asleep").await, fixture.opened("woken").await);
    let until = Some(fixture.clock.now() + MINUTE);
    fixture.append(asleep, MarkedPending { until, reason: None }).await;
    fixture.append(woken, MarkedPending { until, reason: None }).await;
    fixture.written(woken).await;
    fixture.clock.advance(MINUTE);
    fixture.timers_are_handled().await;
    eventually("the end of the snooze", || async { fixture.reopened(asleep).await == 1 }).await;
    timers.stop().await;
    let again = fixture.start_timers("new").await;
    fixture.timers_are_handled().await;
    again.stop().await;
    assert_eq!(fixture.reopened(asleep).await, 1);
    assert_eq!(fixture.reopened(woken).await, 0);
}

#[tokio::test]
async fn many_deadlines_at_once_are_handled_with_the_system_clock() {
    let fixture = Fixture::with(Clock::System).await;
    let timers = fixture.start_timers("alarms").await;
    let start = fixture.clock.now();
    let mut conversations = Vec::new();
    for contact in 0..200 {
        conversations.push(fixture.opened(&contact.to_string()).await);
    }
    // All are snoozed until the same moment, which is late enough that all snoozes are appended before it.
    let until = fixture.clock.now() + fixture.clock.now().since(start) * 2;
    for conversation in &conversations {
        fixture.append(*conversation, MarkedPending { until: Some(until), reason: None }).await;
    }
    let mut late = Duration::ZERO;
    for conversation in conversations {
        eventually("the end of the snooze", || async { fixture.reopened(conversation).await == 1 }).await;
        let (_, last) = fixture.history(conversation).await.pop().unwrap();
        assert!(last.recorded_at >= until);
        late = late.max(last.recorded_at.since(until));
    }
    println!("the last of 200 that were due at once was recorded {late:?} after its deadline");
    timers.stop().await;
}
