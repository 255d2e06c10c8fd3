//! Every process manager acts on what is present, and sends nothing for what is past.

use crate::support::settings;
use commands::Commands;
use commands::past::record_move;
use event_schemas::log::MoveKind;
use event_schemas::{
    AccountId, Actor, ChannelId, Clock, ConversationId, Event, EventId, Metadata, NewEvent, Recorded,
    StreamId, Timestamp, Version,
};
use event_store::sqlite::SqliteStore;
use event_store::{Expected, Filter};
use follower::{DecodedLog, Location};
use process_managers::ProcessManagers;
use providers::{Providers, Timeouts};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const ACCOUNT: AccountId = AccountId::from_u128(1);
const CHANNEL: ChannelId = ChannelId::from_u128(2);
const NOON: Timestamp = Timestamp::from_secs(1_795_262_400);

/// A log with something to do for every process manager.
struct Log {
    folder: TempDir,
    clock: Clock,
    commands: Arc<Commands>,
}

impl Log {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(NOON);
        let store = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
        let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
        let commands = Arc::new(Commands::new(store, Arc::new(providers), clock.clone()));
        let log = Self { folder, clock, commands };
        log.define().await;
        log
    }

    async fn append(&self, stream: StreamId, event_type: &'static str, data: Value) -> EventId {
        let id = self.clock.event_id();
        let metadata = Metadata {
            account_id: ACCOUNT,
            actor: Actor::system("test"),
            correlation_id: id.0,
            causation_id: None,
            traceparent: None,
            occurred_at: self.clock.now(),
            request: None,
            credential: None,
        };
        let (_, schema_version) = Event::types().find(|(name, _)| *name == event_type).unwrap();
        // An event of a message has the message's id. What is scheduled is not a message yet.
        let message = data["message_id"].as_str().filter(|_| event_type != "MessageScheduled");
        let id = message.map_or(id, |id| EventId(id.parse().unwrap()));
        let event =
            NewEvent { id, event_type: event_type.into(), schema_version, metadata, data: data.to_string() };
        self.commands.store.append(&stream, Expected::Any, vec![event]).await.unwrap();
        id
    }

    async fn catalogue(&self, kind: &str, event_type: &'static str, data: Value) {
        self.append(StreamId::named(format!("catalogue-{kind}-{ACCOUNT}")), event_type, data).await;
    }

    async fn define(&self) {
        let id = || self.clock.fresh_id();
        // Without an address its messages are delivered at once.
        let channel = json!({ "id": CHANNEL, "channel_type": "api", "name": "Shop" });
        self.catalogue("channels", "ChannelDefined", json!({ "channel": channel })).await;
        let bot_rule = json!({
            "id": id(), "name": "Refunds", "priority": 1, "trigger_type": "keyword",
            "conditions": { "keywords": ["refund"] }, "actions": { "reply_text": "By the bot" },
        });
        self.catalogue("bot_rules", "BotRuleDefined", json!({ "bot_rule": bot_rule })).await;
        let handoff_rule = json!({
            "id": id(), "name": "Inactive", "trigger_type": "timeout", "trigger_value": "1",
            "message_template": "By inactivity",
        });
        self.catalogue("handoff_rules", "HandoffRuleDefined", json!({ "handoff_rule": handoff_rule })).await;
        let queue = json!({
            "id": id(), "name": "All", "strategy": "manual_queue", "announcement": "By the agent router",
        });
        self.catalogue("queues", "QueueDefined", json!({ "queue": queue })).await;
        let rules = [
            ("message_received", None, json!({ "keywords": ["help"] }), "By automation"),
            ("waiting_longer_than", Some(1), json!({ "priorities": ["high"] }), "By unanswered"),
        ];
        for (event, waiting, conditions, text) in rules {
            let rule = json!({
                "id": id(), "name": text, "priority": 1, "event": event, "waiting_seconds": waiting,
                "conditions": conditions, "actions": [{ "type": "reply", "text": text }],
            });
            self.catalogue("automation_rules", "AutomationRuleDefined", json!({ "automation_rule": rule }))
                .await;
        }
    }

    async fn open(&self, contact: &str) -> StreamId {
        let conversation_id = ConversationId::of(CHANNEL, contact, 0);
        let stream = StreamId::conversation(conversation_id);
        let opened = json!({
            "conversation_id": conversation_id, "account_id": ACCOUNT, "channel_id": CHANNEL,
            "channel_type": "api", "contact_id": self.clock.fresh_id(), "contact_identifier": contact,
            "ordinal": 0, "priority": if contact == "4" { "high" } else { "normal" },
        });
        self.append(stream.clone(), "ConversationOpened", opened).await;
        stream
    }

    async fn receive(&self, contact: &str, text: &str, sent_at: Timestamp) -> StreamId {
        let stream = self.open(contact).await;
        let message = json!({
            "message_id": self.clock.fresh_id(), "content": text, "content_type": "text", "sent_at": sent_at,
        });
        self.append(stream.clone(), "MessageReceived", message).await;
        stream
    }

    /// Something to do for every process manager, one second before it is due.
    async fn happen(&self) {
        let now = self.clock.now();
        self.receive("1", "I want a refund", now).await;
        self.receive("2", "help me", now).await;
        let inactive = self.receive("3", "hello", now).await;
        self.append(inactive, "BotEngaged", json!({})).await;
        let with_sla = self.receive("4", "hello", now).await;
        let targets = json!({ "high": { "first_response_seconds": 1 } });
        let policy = json!({ "id": self.clock.fresh_id(), "name": "Fast", "targets": targets });
        self.append(with_sla, "SlaApplied", json!({ "policy": policy })).await;
        let answered = self.open("5").await;
        let sent = json!({
            "message_id": self.clock.fresh_id(), "sender_type": "agent", "content": "By an agent",
            "content_type": "text", "to": { "channel_id": CHANNEL, "contact_identifier": "5" },
        });
        self.append(answered.clone(), "MessageSent", sent).await;
        let webhook = json!({
            "webhook_id": self.clock.fresh_id(), "url": "https://example.com", "macro_id": self.clock.fresh_id(),
        });
        self.append(answered.clone(), "WebhookRequested", webhook).await;
        let scheduled = json!({
            "message_id": self.clock.fresh_id(), "send_at": now + Duration::from_secs(1), "reason": "send_later",
            "if_written": "send", "sender_id": self.clock.fresh_id(), "content": "By schedule",
            "content_type": "text",
        });
        self.append(answered, "MessageScheduled", scheduled).await;
    }

    async fn events(&self) -> Vec<Recorded> {
        self.commands.store.read_all(None, &Filter::all(), 1_000).await.unwrap().events
    }

    /// Runs all process managers until the condition holds.
    async fn run_until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let location = Location::from(self.folder.path().join("tables"));
        let log = DecodedLog::shared(Arc::clone(&self.commands.store));
        let managers = ProcessManagers::new(location, log, Arc::clone(&self.commands), settings());
        let stop = CancellationToken::new();
        let working = tokio::spawn(managers.run(stop.clone()));
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds(self).await {
            if Instant::now() > deadline {
                let log: Vec<_> = self.events().await.into_iter().map(|event| event.event_type).collect();
                panic!("still not: {what}: {log:?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        working.await.unwrap();
    }
}

/// The process managers that send something. Bulk actions send nothing, and do what was accepted however late it is.
fn senders() -> impl Iterator<Item = &'static str> {
    process_managers::names().filter(|manager| *manager != "bulk-actions")
}

/// Whether a process manager has done something that others notice: a message, a request, an alarm. Every one needs
/// a line here, and something to do in [`Log::happen`].
fn has_acted(manager: &str, events: &[Recorded]) -> bool {
    let has = |event_type: &str, words: &str| {
        events.iter().any(|event| event.event_type == event_type && event.data.contains(words))
    };
    match manager {
        "outbound-delivery" => has("MessageDispatched", ""),
        "outgoing-webhooks" => has("WebhookFailed", "no_secret"),
        "sla-timers" => has("SlaBreached", ""),
        "bot-router" => has("MessageSent", "By the bot"),
        "agent-router" => has("MessageSent", "By the agent router"),
        "inactivity" => has("MessageSent", "By inactivity"),
        "automation" => has("MessageSent", "By automation"),
        "unanswered" => has("MessageSent", "By unanswered"),
        "scheduled-messages" => has("MessageSent", "By schedule"),
        other => panic!("what does {other} send, and what does it do when the trigger is past?"),
    }
}

/// Whether everything is recorded that is recorded late, and nothing is sent for it.
fn is_recorded_late(events: &[Recorded], code: &str) -> bool {
    let has = |event_type: &str, words: &str| {
        events.iter().any(|event| event.event_type == event_type && event.data.contains(words))
    };
    has("SlaBreached", "")
        && has("HandoffRequested", "timeout")
        && has("Queued", "")
        && has("ScheduledMessageHeld", "overdue")
        && has("MessageFailed", code)
        && (has("WebhookFailed", code) || has("WebhookFailed", "too_old"))
}

#[tokio::test]
async fn every_process_manager_acts_on_what_is_present() {
    let log = Log::new().await;
    log.happen().await;
    log.clock.advance(Duration::from_secs(30));
    log.run_until("all have acted", async |log| {
        let events = log.events().await;
        senders().all(|manager| has_acted(manager, &events))
    })
    .await;
    let events = log.events().await;
    let own = |event: &&Recorded| event.metadata.actor.name.as_deref() != Some("test");
    for event in events.iter().filter(own) {
        let cause =
            event.metadata.causation_id.unwrap_or_else(|| panic!("{} has no cause", event.event_type));
        let cause = events.iter().find(|earlier| earlier.id == cause).unwrap();
        assert_eq!(cause.stream, event.stream, "{}", event.event_type);
        assert!(cause.position < event.position, "{}", event.event_type);
    }
}

/// A message of today is answered, and no other, although it comes after them.
async fn only_the_present_is_answered(log: &Log, code: &str) {
    log.run_until("recorded late", async |log| is_recorded_late(&log.events().await, code)).await;
    log.clock.advance(Duration::from_secs(30));
    let present = log.receive("9", "help, a refund", log.clock.now()).await;
    let answers = async |log: &Log| {
        let events = log.commands.store.read_stream(&present, Version::FIRST, 100).await.unwrap();
        ["bot-router", "automation"].iter().all(|manager| has_acted(manager, &events))
    };
    log.run_until("the present is answered", answers).await;
    let past: Vec<_> = log.events().await.into_iter().filter(|event| event.stream != present).collect();
    for manager in senders().filter(|manager| *manager != "sla-timers") {
        assert!(!has_acted(manager, &past), "{manager} acted on the past");
    }
}

#[tokio::test]
async fn no_process_manager_sends_anything_after_a_pause_of_days() {
    let log = Log::new().await;
    log.happen().await;
    log.clock.advance(Duration::from_secs(3 * 24 * 3600));
    only_the_present_is_answered(&log, "gave_up").await;
}

#[tokio::test]
async fn no_process_manager_sends_anything_for_events_before_a_move_of_the_log() {
    let log = Log::new().await;
    log.happen().await;
    log.clock.advance(Duration::from_secs(30));
    let last = log.events().await.pop().unwrap().id;
    for _ in 0..2 {
        record_move(&*log.commands.store, &log.clock, MoveKind::Import, last).await.unwrap();
    }
    let moves = log.commands.store.read_stream(&StreamId::log_moves(), Version::FIRST, 10).await.unwrap();
    assert_eq!(moves.len(), 1);
    only_the_present_is_answered(&log, "log_moved").await;
}

#[tokio::test]
async fn a_message_that_was_said_long_ago_is_not_answered_when_it_is_received_late() {
    let log = Log::new().await;
    let late = log.receive("1", "help, a refund", NOON - Duration::from_secs(30 * 3600)).await;
    let present = log.receive("2", "help, a refund", NOON).await;
    let answers = async |log: &Log| {
        let events = log.commands.store.read_stream(&present, Version::FIRST, 100).await.unwrap();
        ["bot-router", "automation"].iter().all(|manager| has_acted(manager, &events))
    };
    log.run_until("the present is answered", answers).await;
    let events = log.commands.store.read_stream(&late, Version::FIRST, 100).await.unwrap();
    assert!(events.iter().all(|event| event.event_type != "MessageSent"));
}
