//! A log with rules and conversations, and process managers that a test runs step by step.

use crate::support::context;
use async_trait::async_trait;
use commands::Commands;
use commands::credentials::CredentialsKey;
use commands::execute::Context;
use domain::conversation::{Opening, Receive, RecordDelivery, Report, Send, Sender};
use event_schemas::automation::{
    Action, AutomationConditions, AutomationEvent, AutomationRule, AutomationRuleDefined,
};
use event_schemas::catalogue::{CatalogueKind, Channel, ChannelDefined, Credentials, Secret};
use event_schemas::conversation::{AssignStrategy, Assigned, AutomationRan};
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    AccountId, ActionEvent, Actor, AutomationRuleId, CatalogueEvent, ChannelId, Clock, ContactId,
    ConversationEvent, ConversationId, Event, EventId, MessageId, Metadata, NewEvent, Recorded, StreamId,
    Timestamp, UserId, Version,
};
use event_store::intercepted::{Intercepted, Interceptor};
use event_store::sqlite::SqliteStore;
use event_store::{AppendError, EventStore, Expected};
use process_managers::{Automation, BotRouter, Health, ProcessManager};
use providers::AllowedAddresses;
use providers::{Providers, Timeouts};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub const ACCOUNT: AccountId = AccountId::from_u128(1);
pub const CHANNEL: ChannelId = ChannelId::from_u128(2);
pub const ANA: UserId = UserId::from_u128(3);
pub const NOON: Timestamp = Timestamp::from_secs(1_795_262_400);
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub type ConflictingLog = Intercepted<AnaIsFaster>;

/// An agent takes the conversation just before a rule's events are appended.
pub struct AnaIsFaster {
    pub assigns: AtomicBool,
}

#[async_trait]
impl Interceptor for AnaIsFaster {
    async fn before_append(
        &self,
        log: &dyn EventStore,
        stream: &StreamId,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        let is_a_rules = events.iter().any(|event| event.event_type == "AutomationRan");
        if is_a_rules && self.assigns.swap(false, Ordering::SeqCst) {
            let id = EventId::caused(ACCOUNT, "ana takes it", 0);
            let event = NewEvent::of(id, &assigned_to_ana(), metadata(id, NOON, Actor::user(ANA, None)));
            log.append(stream, Expected::Any, vec![event]).await?;
        }
        Ok(())
    }
}

/// Ana takes the conversation.
pub fn assigned_to_ana() -> ConversationEvent {
    Assigned {
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
    }
    .into()
}

fn metadata(id: EventId, at: Timestamp, actor: Actor) -> Metadata {
    Metadata {
        account_id: ACCOUNT,
        actor,
        correlation_id: id.0,
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: at,
    }
}

pub struct Fixture {
    pub folder: TempDir,
    pub clock: Clock,
    pub log: Arc<ConflictingLog>,
    pub commands: Arc<Commands>,
}

pub async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(NOON);
    let log = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
    let log = Intercepted::new(log, AnaIsFaster { assigns: AtomicBool::new(false) });
    let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
    let mut commands = Commands::new(log.clone(), Arc::new(providers), clock.clone());
    commands.webhook_addresses = AllowedAddresses::Any;
    let fixture = Fixture { folder, clock, log, commands: Arc::new(commands) };
    let channel = Channel {
        id: CHANNEL,
        channel_type: ChannelType::WhatsApp,
        name: "Support".to_owned(),
        credentials: Credentials::default(),
        base_url: None,
        is_enabled: true,
    };
    fixture.define(CatalogueKind::Channels, ChannelDefined { channel }).await;
    fixture
}

pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// A rule on this event with these actions.
pub fn rule(id: u128, event: AutomationEvent, actions: impl Into<Vec<Action>>) -> AutomationRule {
    AutomationRule {
        id: AutomationRuleId::from_u128(id),
        name: format!("Rule {id}"),
        description: None,
        priority: i32::try_from(id).unwrap(),
        is_active: true,
        event,
        waiting_seconds: None,
        conditions: AutomationConditions::default(),
        actions: actions.into(),
        webhook_secret: Some(Secret(SECRET.to_owned())),
    }
}

pub fn note(text: &str) -> Action {
    Action::Note { text: text.to_owned() }
}

impl Fixture {
    pub async fn define(&self, kind: CatalogueKind, event: impl Into<CatalogueEvent>) {
        let id = self.clock.event_id();
        let event = NewEvent::of(id, &event.into(), metadata(id, self.clock.now(), Actor::system("test")));
        self.log.append(&StreamId::catalogue(kind, ACCOUNT), Expected::Any, vec![event]).await.unwrap();
    }

    /// Seals and opens secrets with this key alone, while no process manager works.
    pub fn use_key(&mut self, byte: u8) {
        let commands = Arc::get_mut(&mut self.commands).expect("the only user of the commands");
        commands.credential_keys =
            [CredentialsKey::new(&[byte; CredentialsKey::BYTES])].into_iter().collect();
    }

    pub async fn rule(&self, automation_rule: AutomationRule) {
        self.define(CatalogueKind::AutomationRules, AutomationRuleDefined { automation_rule }).await;
    }

    pub async fn receive(&self, from: &str, text: &str) -> ConversationId {
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
        self.execute(id, command, Actor::contact()).await;
        id
    }

    pub async fn answer(&self, id: ConversationId, text: &str) -> MessageId {
        let message_id = MessageId(self.clock.fresh_id());
        let command = Send {
            message_id,
            sender: Sender { sender_type: SenderType::Agent, id: Some(ANA), name: None },
            body: Content::text(text),
            template: None,
            in_reply_to: None,
            metadata: Default::default(),
            scheduled_at: None,
            reply_window: None,
            handoff: None,
            automatic_limit: None,
        };
        self.execute(id, command, Actor::user(ANA, None)).await;
        message_id
    }

    /// The provider reports that the message failed.
    pub async fn fail(&self, id: ConversationId, message_id: MessageId) {
        let report = Report::Failed { code: "131026".to_owned(), reason: "Message undeliverable".to_owned() };
        let time = self.clock.now();
        let command = RecordDelivery { message_id, provider_message_id: None, time, report };
        self.execute(id, command, Actor::system("test")).await;
    }

    pub async fn execute<C>(&self, id: ConversationId, command: C, actor: Actor)
    where
        C: domain::Decide<domain::conversation::Conversation>,
        C::Rejection: std::fmt::Debug,
    {
        let context = Context::of(ACCOUNT, actor, self.clock.fresh_id());
        self.commands.conversations.execute(&StreamId::conversation(id), &command, &context).await.unwrap();
    }

    /// Appends an event without a command.
    pub async fn append_event(&self, id: ConversationId, event: impl Into<ConversationEvent>, actor: Actor) {
        let event_id = self.clock.event_id();
        let event = NewEvent::of(event_id, &event.into(), metadata(event_id, self.clock.now(), actor));
        self.log.append(&StreamId::conversation(id), Expected::Any, vec![event]).await.unwrap();
    }

    pub async fn recorded(&self, id: ConversationId) -> Vec<Recorded> {
        self.log.read_stream(&StreamId::conversation(id), Version::FIRST, 1_000).await.unwrap()
    }

    pub async fn history(&self, id: ConversationId) -> Vec<String> {
        self.recorded(id).await.into_iter().map(|event| event.event_type.into_owned()).collect()
    }

    pub async fn count(&self, id: ConversationId, event_type: &str) -> usize {
        self.history(id).await.into_iter().filter(|recorded| recorded == event_type).count()
    }

    /// The rule runs, with their causes.
    pub async fn runs(&self, id: ConversationId) -> Vec<AutomationRan> {
        let ran = |recorded: Recorded| {
            let Ok(Event::Conversation(ConversationEvent::Automation(ActionEvent::AutomationRan(ran)))) =
                Event::read(&recorded)
            else {
                return None;
            };
            // A timer's cause is the message since which the customer waits; it is no event of the rule.
            assert!(recorded.metadata.causation_id.is_some());
            assert!(ran.event_id.is_none() || recorded.metadata.causation_id == ran.event_id);
            Some(ran)
        };
        self.recorded(id).await.into_iter().filter_map(ran).collect()
    }

    /// Runs the automation until it has read all events that are in the log now.
    pub async fn run_automation(&self, checkpoint: &str) {
        let context = context(self.folder.path(), checkpoint, &self.commands).await;
        let automation = Automation::open(&context).await.unwrap();
        let (watch, stop) = (automation.watch().unwrap(), CancellationToken::new());
        let end = self.log.end().await.unwrap();
        let working = tokio::spawn(automation.run(stop.clone(), Health::default()));
        eventually("the automation has read the log", || async { watch.progress().position >= end }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
    }

    /// Runs the bot router until it has read all events that are in the log now.
    pub async fn run_bot(&self, checkpoint: &str) {
        let context = context(self.folder.path(), checkpoint, &self.commands).await;
        let router = BotRouter::open(&context).await.unwrap();
        let (watch, stop) = (router.watch().unwrap(), CancellationToken::new());
        let end = self.log.end().await.unwrap();
        let working = tokio::spawn(router.run(stop.clone(), Health::default()));
        eventually("the bot router has read the log", || async { watch.progress().position >= end }).await;
        stop.cancel();
        working.await.unwrap().unwrap();
    }
}
