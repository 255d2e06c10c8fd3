//! The bot router with a real log: it answers each message once, and not when an agent has taken the conversation.

use crate::support::{context, remove_tables};
use async_trait::async_trait;
use commands::Commands;
use commands::dry_run::{DryRun, Span};
use domain::bot::Playbook;
use domain::conversation::{Assign, Assignee, Opening, Receive, Requester, Sender};
use event_schemas::bot::{
    BotActions, BotConditions, BotRule, BotRuleDefined, BotSettings, BotSettingsDefined, BotTrigger,
    HandoffRule, HandoffRuleDefined, HandoffTrigger, InfoField,
};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    AccountId, Actor, BotRuleId, CatalogueEvent, ChannelId, Clock, ContactId, ConversationId, EventId,
    HandoffRuleId, MessageId, Metadata, NewEvent, Recorded, StreamId, TeamId, Timestamp, UserId, Version,
};
use event_store::intercepted::{Intercepted, Interceptor};
use event_store::sqlite::SqliteStore;
use event_store::{AppendError, EventStore, Expected};
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

type ConflictingLog = Intercepted<AnaIsFaster>;

/// An agent takes the conversation just before the bot's events are appended.
struct AnaIsFaster {
    assigns: AtomicBool,
}

#[async_trait]
impl Interceptor for AnaIsFaster {
    async fn before_append(
        &self,
        log: &dyn EventStore,
        stream: &StreamId,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        let is_the_bots = events.iter().any(|event| event.event_type == "BotEngaged");
        if is_the_bots && self.assigns.swap(false, Ordering::SeqCst) {
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
            log.append(stream, Expected::Any, vec![event]).await?;
        }
        Ok(())
    }
}

fn metadata(id: EventId, at: Timestamp) -> Metadata {
    Metadata {
        account_id: ACCOUNT,
        actor: Actor::system("test"),
        correlation_id: id.0,
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: at,
    }
}

struct Fixture {
    folder: TempDir,
    clock: Clock,
    log: Arc<ConflictingLog>,
    commands: Arc<Commands>,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(NOON);
    let log = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
    let log = Intercepted::new(log, AnaIsFaster { assigns: AtomicBool::new(false) });
    let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
    let commands = Arc::new(Commands::new(log.clone(), Arc::new(providers), clock.clone()));
    Fixture { folder, clock, log, commands }
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

impl Fixture {
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
        self.execute(id, command).await;
        id
    }

    async fn execute<C>(&self, id: ConversationId, command: C)
    where
        C: domain::Decide<domain::conversation::Conversation>,
        C::Rejection: std::fmt::Debug,
    {
        let context = commands::execute::Context::of(ACCOUNT, Actor::contact(), self.clock.fresh_id());
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

    /// Runs the bot router, with tables of this name, until it has read all events that are in the log now.
    async fn route(&self, checkpoint: &str) {
        let context = context(self.folder.path(), checkpoint, &self.commands).await;
        let router = BotRouter::open(&context).await.unwrap();
        let (watch, stop) = (router.watch().unwrap(), CancellationToken::new());
        let end = self.log.end().await.unwrap();
        let working = tokio::spawn(router.run(stop.clone(), Health::default()));
        eventually("the bot router has read the log", || async { watch.progress().position >= end }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
    }

    async fn answer(&self, id: ConversationId) {
        let command = domain::conversation::Send {
            message_id: self.clock.event_id().into(),
            sender: Sender {
                sender_type: SenderType::Agent,
                id: Some(UserId::from_u128(7)),
                name: Some("Ana".to_owned()),
            },
            body: Content::text("We look into it."),
            template: None,
            in_reply_to: None,
            metadata: serde_json::Map::new(),
            scheduled_at: None,
            reply_window: None,
            handoff: None,
            automatic_limit: None,
        };
        self.execute(id, command).await;
    }

    async fn expect_to_end(&self, id: ConversationId, with: &str) {
        let context = context(self.folder.path(), "silences", &self.commands).await;
        let inactivity = Inactivity::open(&context).await.unwrap();
        let stop = CancellationToken::new();
        let working = tokio::spawn(inactivity.run(stop.clone(), Health::default()));
        eventually(with, || async { self.history(id).await.last().is_some_and(|last| last == with) }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
    }
}

fn reply(text: &str) -> BotActions {
    BotActions { reply_text: Some(text.to_owned()), ..Default::default() }
}

#[tokio::test]
async fn a_message_is_answered_once_although_the_log_is_read_again() {
    let fixture = fixture().await;
    fixture.rule("refund", reply("Hello")).await;
    let id = fixture.receive("1", "refund").await;
    fixture.route("first").await;
    let answered = ["ConversationOpened", "MessageReceived", "BotEngaged", "MessageSent"];
    assert_eq!(fixture.history(id).await, answered);
    // A crash that lost the checkpoint, and rules that changed meanwhile.
    fixture.rule("REFUND", reply("Another")).await;
    fixture.route("second").await;
    assert_eq!(fixture.history(id).await, answered);
}

#[tokio::test]
async fn a_message_is_answered_by_the_rules_of_its_time_or_later_ones() {
    let fixture = fixture().await;
    let before = fixture.receive("1", "refund").await;
    fixture.route("router").await;
    assert_eq!(fixture.history(before).await, ["ConversationOpened", "MessageReceived"]);
    fixture.rule("refund", reply("Hello")).await;
    let after = fixture.receive("2", "refund").await;
    fixture.route("router").await;
    assert_eq!(fixture.history(before).await.len(), 2);
    assert_eq!(fixture.history(after).await.len(), 4);
}

/// Tables that were lost are like tables that were never there.
#[tokio::test]
async fn a_message_is_not_answered_by_a_younger_rule_when_the_log_is_read_again() {
    let fixture = fixture().await;
    let before = fixture.receive("1", "refund").await;
    fixture.rule("refund", reply("Hello")).await;
    let after = fixture.receive("2", "refund").await;
    fixture.route("lost").await;
    assert_eq!(fixture.history(before).await, ["ConversationOpened", "MessageReceived"]);
    assert_eq!(fixture.history(after).await.last().unwrap(), "MessageSent");
}

#[tokio::test]
async fn an_answer_is_not_appended_when_an_agent_takes_the_conversation() {
    let fixture = fixture().await;
    fixture.rule("refund", reply("Hello")).await;
    let id = fixture.receive("1", "refund").await;
    fixture.log.assigns.store(true, Ordering::SeqCst);
    fixture.route("router").await;
    assert!(!fixture.log.assigns.load(Ordering::SeqCst), "the bot tried to append its answer");
    assert_eq!(fixture.history(id).await, ["ConversationOpened", "MessageReceived", "Assigned"]);
}

#[tokio::test]
async fn a_conversation_expires_once_after_a_day_without_messages() {
    let fixture = fixture().await;
    let id = fixture.receive("1", "hello").await;
    fixture.clock.advance(Duration::from_secs(23 * 3600));
    fixture.receive("1", "still there").await;
    fixture.answer(id).await;
    fixture.clock.advance(Duration::from_secs(24 * 3600));
    fixture.expect_to_end(id, "Expired").await;
    let events = fixture.recorded(id).await;
    assert_eq!(events.last().unwrap().metadata.occurred_at, NOON + Duration::from_secs(47 * 3600));
    // Ten hours later, with empty tables.
    fixture.clock.advance(Duration::from_secs(10 * 3600));
    remove_tables(fixture.folder.path(), "silences", "silences").await;
    fixture.expect_to_end(id, "Expired").await;
    assert_eq!(fixture.history(id).await.len(), events.len());
    // The next message begins another conversation.
    assert!(
        fixture
            .commands
            .conversations
            .current(&StreamId::conversation(id))
            .await
            .unwrap()
            .state
            .live()
            .is_err()
    );
}

#[tokio::test]
async fn a_customer_who_waits_for_an_answer_is_not_closed_by_time() {
    let fixture = fixture().await;
    let waits = fixture.receive("1", "hello").await;
    let answered = fixture.receive("2", "hello").await;
    fixture.answer(answered).await;
    fixture.clock.advance(Duration::from_secs(30 * 3600));
    // Both are due; the second expires, and the first is looked at before it, because it is older.
    fixture.expect_to_end(answered, "Expired").await;
    assert_eq!(fixture.history(waits).await, ["ConversationOpened", "MessageReceived"]);
    // The answer comes, and then nothing for a day.
    fixture.answer(waits).await;
    fixture.clock.advance(Duration::from_secs(24 * 3600));
    fixture.expect_to_end(waits, "Expired").await;
}

#[tokio::test]
async fn a_resolved_conversation_closes_after_the_configured_time() {
    let fixture = fixture().await;
    let id = fixture.receive("1", "hello").await;
    let settings = BotSettings {
        expire_after_seconds: None,
        close_resolved_after_seconds: Some(60),
        ..BotSettings::usual(ACCOUNT)
    };
    fixture.define(CatalogueKind::BotSettings, BotSettingsDefined { bot_settings: settings }).await;
    fixture
        .execute(
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
    fixture.execute(id, domain::conversation::Resolve { reason: None }).await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.expect_to_end(id, "Closed").await;
}

#[tokio::test]
async fn conversations_that_the_bot_does_not_finish_are_handed_over() {
    let fixture = fixture().await;
    fixture.rule("refund", reply("Hello")).await;
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
    fixture.define(CatalogueKind::HandoffRules, HandoffRuleDefined { handoff_rule }).await;
    let id = fixture.receive("1", "refund").await;
    fixture.route("router").await;
    fixture.clock.advance(Duration::from_secs(60));
    fixture.expect_to_end(id, "HandoffRequested").await;
    let handoff = fixture.recorded(id).await.pop().unwrap();
    assert!(handoff.data.contains("Nothing happened for 60 seconds"), "{}", handoff.data);
    assert_eq!(handoff.metadata.occurred_at, NOON + Duration::from_secs(60));
}

impl Fixture {
    async fn dry_run(&self, playbook: Arc<Playbook>) -> DryRun {
        let span = Span { from: NOON, until: self.clock.now() + Duration::from_secs(1) };
        self.commands.dry_run(ACCOUNT, playbook, span, 5).await.unwrap()
    }

    /// Messages of a few customers while the bot answers, and an agent who takes one conversation.
    async fn several_conversations(&self) {
        self.rule("refund", BotActions { set_labels: Some(vec!["billing".to_owned()]), ..reply("Hello") })
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
                self.execute(id, assign).await;
            }
        }
    }
}

#[tokio::test]
async fn a_dry_run_of_the_live_rules_gives_the_live_bots_answers() {
    let fixture = fixture().await;
    fixture.several_conversations().await;
    let end = fixture.log.end().await.unwrap();
    let live = fixture.commands.playbook(ACCOUNT).await.unwrap();
    let report = fixture.dry_run(live.clone()).await;
    assert_eq!((report.messages, report.conversations), (8, 5));
    assert_eq!(report.in_all.would, report.in_all.did);
    assert_eq!(report.different.conversations, 0, "{report:#?}");
    assert_eq!((report.in_all.did.replies, report.in_all.did.questions), (3, 1), "{report:#?}");
    assert_eq!(report.rules.iter().map(|rule| rule.conversations).collect::<Vec<_>>(), [2, 1]);
    assert!(report.rules[0].examples[0].reason.contains("keyword 'refund'"));
    assert_eq!(fixture.log.end().await.unwrap(), end, "no event was appended");
    // The report is the same, byte for byte.
    let bytes = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::to_string(&fixture.dry_run(live).await).unwrap(), bytes);
}

#[tokio::test]
async fn a_dry_run_of_other_rules_compares_their_effects_with_the_live_bots() {
    let fixture = fixture().await;
    fixture.several_conversations().await;
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
    let report = fixture.dry_run(Arc::new(Playbook::compile([&rule], [], &usual, |_| None).unwrap())).await;
    let [orders] = &report.rules[..] else { panic!("{report:#?}") };
    assert_eq!((orders.conversations, orders.messages), (2, 2));
    assert_eq!(orders.changes.would.teams, [(team, 2)].into());
    assert_eq!(orders.changes.would.priorities, [(Priority::High, 2)].into());
    // The rules match two conversations. The live bot answered one and asked a question in the other.
    assert_eq!((orders.changes.did.replies, orders.changes.did.questions), (2, 1), "{orders:#?}");
    assert_eq!(report.in_all.would.replies, 0);
    let changed = &report.different.examples[0];
    assert_eq!(changed.conversation_id, ConversationId::of(CHANNEL, "1", 0));
    assert!(changed.outcomes.did.labels.contains("billing") && changed.outcomes.would.labels.is_empty());
}
