//! The bot at work on a real log: once for each message, and never when a person was faster.

use crate::support::{context, lose};
use async_trait::async_trait;
use commands::Commands;
use commands::dry_run::{DryRun, Span};
use domain::bot::Playbook;
use domain::conversation::{Assign, Assignee, Opening, Receive, Requester};
use event_schemas::bot::{
    BotActions, BotConditions, BotRule, BotRuleDefined, BotSettings, BotSettingsDefined, BotTrigger,
    HandoffRule, HandoffRuleDefined, HandoffTrigger, InfoField,
};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{ChannelType, Content, Priority};
use event_schemas::{
    AccountId, Actor, BotRuleId, CatalogueEvent, ChannelId, Clock, ContactId, ConversationId, EventId,
    HandoffRuleId, MessageId, Metadata, NewEvent, Position, Recorded, StreamId, TeamId, Timestamp, UserId,
    Version,
};
use event_store::sqlite::SqliteStore;
use event_store::{
    AppendError, Appended, EventStore, Expected, Filter, Page, ReadError, Unavailable, Waiter,
};
use process_managers::{BotRouter, Health, Inactivity, ProcessManager};
use providers::{Providers, Timeouts};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const ACCOUNT: AccountId = AccountId::from_u128(1);
const CHANNEL: ChannelId = ChannelId::from_u128(2);
const ANA: UserId = UserId::from_u128(3);
const NOON: Timestamp = Timestamp::from_secs(1_795_262_400);

/// The log, in which an agent takes a conversation at the very moment the bot is about to answer.
struct Interloper {
    log: Arc<SqliteStore>,
    takes: AtomicBool,
}

#[async_trait]
impl EventStore for Interloper {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let is_the_bots = events.iter().any(|event| event.event_type == "BotEngaged");
        if is_the_bots && self.takes.swap(false, Ordering::SeqCst) {
            let assigned = event_schemas::conversation::Assigned {
                assignee_id: Some(ANA),
                assignee_name: None,
                team_id: None,
                strategy: Some(AssignStrategy::Claimed),
                route_by: None,
                assigned_by: Some(ANA),
                reason: None,
                decision: None,
                overridden: None,
                offer_id: None,
            };
            let event = event_schemas::ConversationEvent::from(assigned);
            let id = EventId::caused(ACCOUNT, "ana takes it", 0);
            let event = NewEvent::of(id, &event, metadata(id, NOON));
            self.log.append(stream, Expected::Any, vec![event]).await?;
        }
        self.log.append(stream, expected, events).await
    }
    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        self.log.import(events).await
    }
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }
    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.log.read_all(after, filter, limit).await
    }
    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.log.find(id).await
    }
    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        self.log.stream_version(stream).await
    }
    async fn end(&self) -> Result<Option<Position>, ReadError> {
        self.log.end().await
    }
    fn waiter(&self) -> Waiter {
        self.log.waiter()
    }
    async fn check(&self) -> Result<(), Unavailable> {
        self.log.check().await
    }
    async fn close(&self) {
        self.log.close().await;
    }
}

fn metadata(id: EventId, at: Timestamp) -> Metadata {
    Metadata {
        account_id: ACCOUNT,
        actor: Actor::system("test"),
        correlation_id: id.0,
        causation_id: None,
        traceparent: None,
        occurred_at: at,
    }
}

struct Desk {
    folder: TempDir,
    clock: Clock,
    log: Arc<Interloper>,
    commands: Arc<Commands>,
}

async fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(NOON);
    let log = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
    let log = Arc::new(Interloper { log, takes: AtomicBool::new(false) });
    let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
    let commands = Arc::new(Commands::new(log.clone(), Arc::new(providers), clock.clone()));
    Desk { folder, clock, log, commands }
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

impl Desk {
    async fn define(&self, kind: CatalogueKind, event: impl Into<CatalogueEvent>) {
        let event = event.into();
        let id = self.clock.event_id();
        let event = NewEvent::of(id, &event, metadata(id, self.clock.now()));
        let stream = StreamId::catalogue(kind, ACCOUNT);
        self.log.append(&stream, Expected::Any, vec![event]).await.unwrap();
    }

    async fn rule(&self, keyword: &str, actions: BotActions) {
        let bot_rule = BotRule {
            id: BotRuleId(self.clock.fresh_id()),
            name: keyword.to_owned(),
            priority: 1,
            is_active: true,
            trigger_type: BotTrigger::Keyword,
            conditions: BotConditions { keywords: Some(vec![keyword.to_owned()]), ..Default::default() },
            actions,
            run_once: true,
        };
        self.define(CatalogueKind::BotRules, BotRuleDefined { bot_rule }).await;
    }

    async fn receive(&self, from: &str, text: &str) -> ConversationId {
        let id = ConversationId::of(CHANNEL, from, 0);
        let command = Receive {
            opening: Opening {
                account_id: ACCOUNT,
                channel_id: CHANNEL,
                channel_type: ChannelType::WhatsApp,
                contact_id: ContactId::from_u128(1),
                contact_identifier: from.to_owned(),
                display_name: None,
                ordinal: 0,
                subject: None,
                priority: Priority::Normal,
                language: None,
                metadata: Default::default(),
                sla: None,
            },
            message_id: MessageId(self.clock.fresh_id()),
            provider_message_id: None,
            body: Content::text(text),
            reply_to: None,
            sent_at: self.clock.now(),
            metadata: Default::default(),
        };
        self.ask(id, command).await;
        id
    }

    async fn ask<C>(&self, id: ConversationId, command: C)
    where
        C: domain::Decide<domain::conversation::Conversation>,
        C::Rejection: std::fmt::Debug,
    {
        let context = commands::execute::Context {
            account: ACCOUNT,
            actor: Actor::contact(),
            correlation_id: self.clock.fresh_id(),
            causation_id: None,
            traceparent: None,
            occurred_at: None,
            key: None,
            if_match: None,
        };
        self.commands.conversations.execute(&StreamId::conversation(id), &command, &context).await.unwrap();
    }

    async fn history(&self, id: ConversationId) -> Vec<String> {
        let stream = StreamId::conversation(id);
        let recorded = self.log.read_stream(&stream, Version::FIRST, 1_000).await.unwrap();
        recorded.into_iter().map(|event| event.event_type.into_owned()).collect()
    }

    async fn recorded(&self, id: ConversationId) -> Vec<Recorded> {
        self.log.read_stream(&StreamId::conversation(id), Version::FIRST, 1_000).await.unwrap()
    }

    /// The router until it has come past everything that is in the log now, with a checkpoint of this name.
    async fn route(&self, checkpoint: &str) {
        let context = context(self.folder.path(), checkpoint, &self.commands).await;
        let router = BotRouter::open(&context).await.unwrap();
        let (watch, stop) = (router.watch().unwrap(), CancellationToken::new());
        let end = self.log.end().await.unwrap();
        let working = tokio::spawn(router.run(stop.clone(), Health::default()));
        eventually("the router is through", || async { watch.progress().position >= end }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
    }

    async fn expect_to_end(&self, id: ConversationId, with: &str) {
        let context = context(self.folder.path(), "silences", &self.commands).await;
        let silence = Inactivity::open(&context).await.unwrap();
        let stop = CancellationToken::new();
        let working = tokio::spawn(silence.run(stop.clone(), Health::default()));
        eventually(with, || async { self.history(id).await.last().is_some_and(|last| last == with) }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
    }
}

fn says(text: &str) -> BotActions {
    BotActions { reply_text: Some(text.to_owned()), ..Default::default() }
}

#[tokio::test]
async fn a_message_is_answered_once_however_often_it_is_looked_at() {
    let desk = desk().await;
    desk.rule("refund", says("Hello")).await;
    let id = desk.receive("1", "refund").await;
    desk.route("first").await;
    let answered = ["ConversationOpened", "MessageReceived", "BotEngaged", "MessageSent"];
    assert_eq!(desk.history(id).await, answered);
    // A crash that forgot how far it had come, and rules that changed meanwhile.
    desk.rule("REFUND", says("Another")).await;
    desk.route("second").await;
    assert_eq!(desk.history(id).await, answered);
}

#[tokio::test]
async fn a_message_is_answered_by_the_rules_of_its_time_or_later() {
    let desk = desk().await;
    let before = desk.receive("1", "refund").await;
    desk.route("router").await;
    assert_eq!(desk.history(before).await, ["ConversationOpened", "MessageReceived"]);
    desk.rule("refund", says("Hello")).await;
    let after = desk.receive("2", "refund").await;
    desk.route("router").await;
    assert_eq!(desk.history(before).await.len(), 2);
    assert_eq!(desk.history(after).await.len(), 4);
}

#[tokio::test]
async fn an_answer_on_its_way_is_held_back_when_a_person_takes_the_conversation() {
    let desk = desk().await;
    desk.rule("refund", says("Hello")).await;
    let id = desk.receive("1", "refund").await;
    desk.log.takes.store(true, Ordering::SeqCst);
    desk.route("router").await;
    assert!(!desk.log.takes.load(Ordering::SeqCst), "the bot came to answer");
    assert_eq!(desk.history(id).await, ["ConversationOpened", "MessageReceived", "Assigned"]);
}

#[tokio::test]
async fn nobody_says_anything_for_a_day_and_the_conversation_expires_once() {
    let desk = desk().await;
    let id = desk.receive("1", "hello").await;
    desk.clock.advance(Duration::from_secs(23 * 3600));
    desk.receive("1", "still there").await;
    desk.clock.advance(Duration::from_secs(24 * 3600));
    desk.expect_to_end(id, "Expired").await;
    let events = desk.recorded(id).await;
    assert_eq!(events.last().unwrap().metadata.occurred_at, NOON + Duration::from_secs(47 * 3600));
    // Ten hours later, and by a process that knows nothing of the first.
    desk.clock.advance(Duration::from_secs(10 * 3600));
    lose(desk.folder.path(), "silences", "silences").await;
    desk.expect_to_end(id, "Expired").await;
    assert_eq!(desk.history(id).await.len(), events.len());
    // The next message begins another.
    assert!(
        desk.commands.conversations.current(&StreamId::conversation(id)).await.unwrap().state.live().is_err()
    );
}

#[tokio::test]
async fn a_resolved_conversation_closes_after_the_configured_time() {
    let desk = desk().await;
    let id = desk.receive("1", "hello").await;
    let settings = BotSettings {
        expire_after_seconds: None,
        close_resolved_after_seconds: Some(60),
        ..BotSettings::usual(ACCOUNT)
    };
    desk.define(CatalogueKind::BotSettings, BotSettingsDefined { bot_settings: settings }).await;
    desk.ask(
        id,
        Assign {
            assignee: Some(Assignee { id: ANA, name: None }),
            team_id: None,
            strategy: Some(AssignStrategy::Claimed),
            route_by: None,
            by: Requester { user: Some(ANA), may_take_over: false },
            reason: None,
        },
    )
    .await;
    desk.ask(id, domain::conversation::Resolve { reason: None }).await;
    desk.clock.advance(Duration::from_secs(60));
    desk.expect_to_end(id, "Closed").await;
}

#[tokio::test]
async fn what_the_bot_leaves_lying_goes_to_people() {
    let desk = desk().await;
    desk.rule("refund", says("Hello")).await;
    let handoff_rule = HandoffRule {
        id: HandoffRuleId::from_u128(1),
        name: "A minute".to_owned(),
        trigger_type: HandoffTrigger::Timeout,
        trigger_value: Some("60".to_owned()),
        priority: 0,
        target_team_id: None,
        message_template: None,
        is_active: true,
    };
    desk.define(CatalogueKind::HandoffRules, HandoffRuleDefined { handoff_rule }).await;
    let id = desk.receive("1", "refund").await;
    desk.route("router").await;
    desk.clock.advance(Duration::from_secs(60));
    desk.expect_to_end(id, "HandoffRequested").await;
    let handoff = desk.recorded(id).await.pop().unwrap();
    assert!(handoff.data.contains("Nothing happened for 60 seconds"), "{}", handoff.data);
    assert_eq!(handoff.metadata.occurred_at, NOON + Duration::from_secs(60));
}

impl Desk {
    async fn dry_run(&self, playbook: Arc<Playbook>) -> DryRun {
        let span = Span { from: NOON, until: self.clock.now() + Duration::from_secs(1) };
        self.commands.dry_run(ACCOUNT, playbook, span, 5).await.unwrap()
    }

    /// A few customers who say this and that while the bot works, and an agent who takes one of them.
    async fn a_busy_day(&self) {
        self.rule("refund", BotActions { set_labels: Some(vec!["billing".to_owned()]), ..says("Hello") })
            .await;
        self.rule(
            "order",
            BotActions {
                collect_info: Some(vec![InfoField::Named("order".to_owned())]),
                ..Default::default()
            },
        )
        .await;
        for (from, text) in [
            ("1", "a refund"),
            ("2", "an order"),
            ("3", "nothing of that"),
            ("4", "refund my order"),
            ("2", "A-17"),
            ("1", "refund!"),
            ("5", "a human please"),
            ("4", "thanks"),
        ] {
            self.clock.advance(Duration::from_secs(30));
            let id = self.receive(from, text).await;
            self.route("router").await;
            if from == "3" {
                let by = Requester { user: Some(ANA), may_take_over: false };
                let assignee = Some(Assignee { id: ANA, name: None });
                let assign = Assign {
                    assignee,
                    team_id: None,
                    strategy: Some(AssignStrategy::Claimed),
                    route_by: None,
                    by,
                    reason: None,
                };
                self.ask(id, assign).await;
            }
        }
    }
}

#[tokio::test]
async fn a_dry_run_of_the_live_rules_finds_what_the_live_bot_did() {
    let desk = desk().await;
    desk.a_busy_day().await;
    let end = desk.log.end().await.unwrap();
    let live = desk.commands.playbook(ACCOUNT).await.unwrap();
    let report = desk.dry_run(live.clone()).await;
    assert_eq!((report.messages, report.conversations), (8, 5));
    assert_eq!(report.in_all.would, report.in_all.did);
    assert_eq!(report.different.conversations, 0, "{report:#?}");
    assert_eq!((report.in_all.did.replies, report.in_all.did.questions), (3, 1), "{report:#?}");
    assert_eq!(report.rules.iter().map(|rule| rule.conversations).collect::<Vec<_>>(), [2, 1]);
    assert!(report.rules[0].examples[0].reason.contains("keyword 'refund'"));
    assert_eq!(desk.log.end().await.unwrap(), end, "nothing was written");
    // The same bytes every time.
    let bytes = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::to_string(&desk.dry_run(live).await).unwrap(), bytes);
}

#[tokio::test]
async fn a_dry_run_of_other_rules_says_what_would_have_changed_beside_what_was() {
    let desk = desk().await;
    desk.a_busy_day().await;
    let team = TeamId::from_u128(9);
    let rule = BotRule {
        id: BotRuleId::from_u128(1),
        name: "Orders".to_owned(),
        priority: 0,
        is_active: true,
        trigger_type: BotTrigger::Keyword,
        conditions: BotConditions { keywords: Some(vec!["order".to_owned()]), ..Default::default() },
        actions: BotActions {
            assign_team_id: Some(team),
            set_priority: Some(Priority::High),
            ..Default::default()
        },
        run_once: true,
    };
    let usual = BotSettings::usual(ACCOUNT);
    let report = desk.dry_run(Arc::new(Playbook::compile([&rule], [], &usual, |_| None).unwrap())).await;
    let [orders] = &report.rules[..] else { panic!("{report:#?}") };
    assert_eq!((orders.conversations, orders.messages), (2, 2));
    assert_eq!(orders.changes.would.teams, [(team, 2)].into());
    assert_eq!(orders.changes.would.priorities, [(Priority::High, 2)].into());
    // In the two conversations it would have touched, the live bot greeted one and asked the other.
    assert_eq!((orders.changes.did.replies, orders.changes.did.questions), (2, 1), "{orders:#?}");
    assert_eq!(report.in_all.would.replies, 0);
    let changed = &report.different.examples[0];
    assert_eq!(changed.conversation_id, ConversationId::of(CHANNEL, "1", 0));
    assert!(changed.outcomes.did.labels.contains("billing") && changed.outcomes.would.labels.is_empty());
}
