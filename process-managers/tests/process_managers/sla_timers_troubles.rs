//! The SLA timers while a conversation is pending, when the disk is full and when they are killed.

use crate::support::context;
use commands::Commands;
use commands::execute::Context;
use domain::Decide;
use domain::conversation::{Conversation, MarkPending, Open, Opening, Rejection, Reopen, Send, Sender};
use event_schemas::catalogue::{SlaPolicy, SlaTargets};
use event_schemas::conversation::{ReopenCause, SlaApplied, SlaBreached};
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    AccountId, Actor, ChannelId, Clock, ContactId, ConversationEvent, ConversationId, Event, Recorded,
    SlaEvent, SlaPolicyId, StreamId, Version,
};
use event_store::EventStore;
use event_store::sqlite::{Fault, SqliteStore};
use follower::table::Values;
use follower::{Db, RunnerError, Watch};
use process_managers::{Health, ProcessManager, SlaTimers};
use providers::{Providers, Timeouts};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ACCOUNT: AccountId = AccountId::from_u128(0xacc);
const CHANNEL: ChannelId = ChannelId::from_u128(0xc4a);
const SECOND: Duration = Duration::from_secs(1);

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

struct Fixture {
    dir: TempDir,
    clock: Clock,
    store: Arc<SqliteStore>,
    commands: Arc<Commands>,
}

/// Running SLA timers, with a runtime of their own that can be dropped.
struct RunningTimers {
    db: Db,
    watch: Watch,
    health: Health,
    stop: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
    runtime: Runtime,
}

impl RunningTimers {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        self.runtime.shutdown_background();
    }

    /// Drops the runtime, so that no task is finished.
    async fn kill(self) {
        self.runtime.shutdown_background();
        assert!(self.task.await.is_err_and(|end| end.is_cancelled()));
    }
}

impl Fixture {
    async fn with(clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("events.db"), clock.clone()).await.unwrap();
        let commands = Self::write_side(&store, &clock);
        Self { dir, clock, store, commands }
    }

    async fn at_noon() -> Self {
        Self::with(Clock::manual("2026-11-23T12:00:00Z".parse().unwrap())).await
    }

    fn write_side(store: &Arc<SqliteStore>, clock: &Clock) -> Arc<Commands> {
        let timeouts = Timeouts { connect: SECOND, answer: SECOND };
        let providers = Providers::new([], timeouts, clock.clone()).unwrap();
        Arc::new(Commands::new(store.clone(), Arc::new(providers), clock.clone()))
    }

    /// Starts SLA timers with a write side of their own, as in another process.
    async fn start_timers(&self) -> RunningTimers {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = self.dir.path().to_owned();
        let commands = Self::write_side(&self.store, &self.clock);
        let open = async move {
            let context = context(&folder, "alarms", &commands).await;
            (SlaTimers::open(&context).await.unwrap(), context.tables("alarm-clock").await.unwrap())
        };
        let (sla_timers, db) = runtime.spawn(open).await.unwrap();
        let (watch, health, stop) =
            (sla_timers.watch().unwrap(), Health::default(), CancellationToken::new());
        let task = runtime.spawn(sla_timers.run(stop.clone(), health.clone()));
        RunningTimers { db, watch, health, stop, task, runtime }
    }

    /// Waits until the log is read to its end and no timer is due.
    async fn settled(&self, timers: &RunningTimers) {
        eventually("no timer is due", || async {
            let end = self.store.end().await.unwrap();
            let followed = timers.watch.position() == end;
            const DUE: &str = "select count(*) from alarms where due_at <= $1";
            let values = Values::default().with(&self.clock.now());
            let due = timers.db.readers().fetch_one(DUE, values).await.unwrap().number(0).unwrap();
            followed && due == 0 && self.store.end().await.unwrap() == end
        })
        .await;
    }

    async fn execute(&self, id: ConversationId, command: impl Decide<Conversation, Rejection = Rejection>) {
        let context = Context::of(ACCOUNT, Actor::system("test"), self.clock.fresh_id());
        self.commands.conversations.execute(&StreamId::conversation(id), &command, &context).await.unwrap();
    }

    /// A conversation with a target of so many seconds for the first response.
    async fn with_sla(&self, contact: &str, seconds: u32) -> ConversationId {
        let targets = SlaTargets { first_response_seconds: Some(seconds), ..Default::default() };
        let policy = SlaPolicy {
            id: SlaPolicyId::from_u128(1),
            name: "Soon".into(),
            description: None,
            is_active: true,
            order: 0,
            channel_ids: vec![],
            team_ids: vec![],
            calendar_id: None,
            targets: [(Priority::Normal, targets)].into(),
            warn_before_seconds: None,
            pause_while_pending: true,
        };
        let opening = Opening {
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
            sla: Some(SlaApplied { policy, calendar: None }),
        };
        let id = opening.conversation_id();
        self.execute(id, Open { opening }).await;
        id
    }

    async fn answer(&self, id: ConversationId) {
        let answer = Send {
            message_id: self.clock.event_id().into(),
            sender: Sender { sender_type: SenderType::Agent, id: None, name: None },
            body: Content::text("an answer"),
            template: None,
            in_reply_to: None,
            metadata: Default::default(),
            scheduled_at: None,
            reply_window: None,
            handoff: None,
            automatic_limit: None,
        };
        self.execute(id, answer).await;
    }

    async fn breaches(&self, id: ConversationId) -> Vec<(SlaBreached, Recorded)> {
        let stream = StreamId::conversation(id);
        let recorded = self.store.read_stream(&stream, Version::FIRST, 1_000).await.unwrap();
        let breach = |recorded| {
            let Event::Conversation(ConversationEvent::Sla(SlaEvent::SlaBreached(breach))) =
                Event::read(&recorded).unwrap()
            else {
                return None;
            };
            Some((breach, recorded))
        };
        recorded.into_iter().filter_map(breach).collect()
    }

    async fn one_breach(&self, id: ConversationId) -> (SlaBreached, Recorded) {
        let [breach] = self.breaches(id).await.try_into().unwrap();
        breach
    }
}

#[tokio::test]
async fn a_breach_says_when_it_was_due_and_when_it_was_detected() {
    let fixture = Fixture::at_noon().await;
    let start = fixture.clock.now();
    let conversation = fixture.with_sla("customer", 60).await;
    fixture.clock.advance(SECOND * 75);
    let timers = fixture.start_timers().await;
    fixture.settled(&timers).await;
    let (breach, recorded) = fixture.one_breach(conversation).await;
    assert_eq!((breach.due_at, breach.detected_at), (start + SECOND * 60, start + SECOND * 75));
    assert_eq!(recorded.metadata.occurred_at, start + SECOND * 60);
    assert_eq!(recorded.recorded_at, start + SECOND * 75);
    assert_eq!(recorded.metadata.actor, Actor::system("sla-timers"));
    timers.stop().await;
}

#[tokio::test]
async fn the_sla_clock_pauses_while_a_conversation_is_pending() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers().await;
    let start = fixture.clock.now();
    let conversation = fixture.with_sla("customer", 60).await;
    fixture.clock.advance(SECOND * 30);
    fixture.execute(conversation, MarkPending { until: None, reason: None }).await;
    fixture.clock.advance(SECOND * 1_000);
    fixture.settled(&timers).await;
    assert_eq!(fixture.breaches(conversation).await, []);

    fixture.execute(conversation, Reopen { cause: ReopenCause::Agent, reason: None }).await;
    fixture.clock.advance(SECOND * 29);
    fixture.settled(&timers).await;
    assert_eq!(fixture.breaches(conversation).await, []);
    fixture.clock.advance(SECOND);
    fixture.settled(&timers).await;
    assert_eq!(fixture.one_breach(conversation).await.0.due_at, start + SECOND * 1_060);
    timers.stop().await;
}

#[tokio::test]
async fn an_answer_at_the_deadline_is_in_time() {
    let fixture = Fixture::at_noon().await;
    let conversation = fixture.with_sla("customer", 60).await;
    fixture.clock.advance(SECOND * 60);
    fixture.answer(conversation).await;
    fixture.clock.advance(SECOND * 60);
    let timers = fixture.start_timers().await;
    fixture.settled(&timers).await;
    assert_eq!(fixture.breaches(conversation).await, []);
    timers.stop().await;
}

#[tokio::test]
async fn a_full_disk_delays_a_breach_which_is_then_recorded_once() {
    let fixture = Fixture::at_noon().await;
    let timers = fixture.start_timers().await;
    let start = fixture.clock.now();
    let conversation = fixture.with_sla("customer", 60).await;
    fixture.settled(&timers).await;
    fixture.store.pretend(Some(Fault::ReadOnly));
    fixture.clock.advance(SECOND * 60);
    eventually("an error is reported", || async { timers.health.error().is_some() }).await;
    fixture.clock.advance(SECOND * 60);
    fixture.store.pretend(None);
    fixture.settled(&timers).await;
    let (breach, _) = fixture.one_breach(conversation).await;
    assert_eq!((breach.due_at, breach.detected_at), (start + SECOND * 60, start + SECOND * 120));
    eventually("no error is reported", || async { timers.health.error().is_none() }).await;
    timers.stop().await;
}

#[tokio::test]
async fn after_a_kill_the_remaining_breaches_are_recorded_and_none_twice() {
    let fixture = Fixture::at_noon().await;
    let mut conversations = Vec::new();
    for contact in 0..150 {
        conversations.push(fixture.with_sla(&contact.to_string(), 60).await);
    }
    let before = fixture.store.end().await.unwrap();
    let timers = fixture.start_timers().await;
    fixture.settled(&timers).await;
    fixture.clock.advance(SECOND * 60);
    eventually("the first breach is recorded", || async { fixture.store.end().await.unwrap() > before })
        .await;
    timers.kill().await;

    let again = fixture.start_timers().await;
    fixture.settled(&again).await;
    for conversation in conversations {
        fixture.one_breach(conversation).await;
    }
    again.stop().await;
}

#[tokio::test]
async fn a_breach_is_recorded_with_the_system_clock() {
    let fixture = Fixture::with(Clock::System).await;
    let timers = fixture.start_timers().await;
    let mut conversations = Vec::new();
    for contact in 0..20 {
        conversations.push(fixture.with_sla(&contact.to_string(), 1).await);
    }
    let mut slowest = Duration::ZERO;
    for conversation in conversations {
        eventually("a breach", || async { !fixture.breaches(conversation).await.is_empty() }).await;
        let (breach, recorded) = fixture.one_breach(conversation).await;
        assert!(breach.detected_at >= breach.due_at);
        slowest = slowest.max(recorded.recorded_at.since(breach.due_at));
    }
    println!("the slowest of 20 breaches was in the log {slowest:?} after its deadline");
    timers.stop().await;
}
