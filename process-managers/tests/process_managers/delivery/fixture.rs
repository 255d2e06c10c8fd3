//! A log, a fake provider, and conversations with messages to send.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::support::{self, context_with};
use commands::Commands;
use event_schemas::catalogue::{CatalogueKind, Channel, ChannelDefined, ChannelRetired, Secret};
use event_schemas::conversation::{
    ConversationOpened, MessageDispatched, MessageFailed, MessageSent, NoteAdded,
};
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    AccountId, Actor, CatalogueEvent, ChannelId, Clock, ContactId, ConversationEvent, ConversationId,
    DeliveryEvent, Event, EventId, Events, MessageId, Metadata, NewEvent, StreamId, Timestamp, UserId,
    Version,
};
use event_store::sqlite::SqliteStore;
use event_store::{EventStore, Expected};
use follower::RunnerError;
use follower::outbox::JobTable;
use process_managers::delivery::{OutgoingMessage, Settings};
use process_managers::{Delivery, Health, ProcessManager, Schedule};
use providers::{AllowedAddresses, Connections, Providers, Timeouts};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const ACCOUNT: AccountId = AccountId::from_u128(0xacc);

/// Short waits for fast tests.
pub fn fast_settings() -> Settings {
    Settings {
        schedule: Schedule {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
            attempts: 5,
        },
        give_up_after: Duration::from_secs(3600),
        grace: Duration::from_millis(100),
        per_channel: 4,
    }
}

/// Polls until the condition holds, at most 20 s.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

pub struct Fixture {
    pub dir: TempDir,
    pub fake: FakeWhatsApp,
    pub store: Arc<SqliteStore>,
    pub commands: Arc<Commands>,
    pub clock: Clock,
}

/// A running delivery.
pub struct RunningDelivery {
    pub outbox: JobTable<OutgoingMessage>,
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<(), RunnerError>>,
}

impl RunningDelivery {
    pub async fn until_empty(&self) {
        eventually("an empty outbox", || async { self.outbox.is_empty().await.unwrap() }).await;
    }

    /// Waits for this many requests first, because the outbox is also empty before the first message arrives.
    pub async fn until_empty_after(&self, requests: usize, fixture: &Fixture) {
        fixture.requests_reach(requests).await;
        self.until_empty().await;
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Aborts the task, so that no attempt is finished.
    pub async fn kill(self) {
        self.task.abort();
        let _aborted = self.task.await;
    }
}

impl Fixture {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::System;
        let store = SqliteStore::open(dir.path().join("events.db"), clock.clone()).await.unwrap();
        let timeouts = Timeouts { connect: Duration::from_secs(2), answer: Duration::from_secs(60) };
        let addresses = AllowedAddresses::Any;
        let connections = Connections { timeouts, addresses, ..Connections::default() };
        let providers = Providers::new([], connections, clock.clone()).unwrap();
        let commands = Arc::new(Commands::new(store.clone(), Arc::new(providers), clock.clone()));
        Self { dir, fake: FakeWhatsApp::start().await, store, commands, clock }
    }

    pub async fn open(&self, settings: Settings) -> RunningDelivery {
        let settings = process_managers::Settings { delivery: settings, ..support::settings() };
        let context = context_with(self.dir.path(), "delivery", &self.commands, settings).await;
        let delivery = Delivery::open(&context).await.unwrap();
        let (outbox, stop) = (delivery.outbox(), CancellationToken::new());
        RunningDelivery { outbox, task: tokio::spawn(delivery.run(stop.clone(), Health::default())), stop }
    }

    pub async fn append<E: Events>(&self, stream: &StreamId, id: EventId, event: E, at: Timestamp) {
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
        let event = NewEvent::of(id, &event, metadata);
        self.store.append(stream, Expected::Any, vec![event]).await.unwrap();
    }

    async fn append_now<E: Events>(&self, stream: &StreamId, event: E) {
        self.append(stream, self.clock.event_id(), event, self.clock.now()).await;
    }

    /// A channel with this number.
    pub async fn channel(&self, number: u128) -> ChannelId {
        let credentials = [("phone_number_id", number.to_string()), ("access_token", "EAAJB".into())];
        let channel = Channel {
            id: ChannelId::from_u128(number),
            channel_type: ChannelType::WhatsApp,
            name: format!("Number {number}"),
            credentials: credentials.map(|(name, word)| (name.to_owned(), Secret(word))).into(),
            base_url: Some(self.fake.base_url.clone()),
            is_enabled: true,
        };
        self.append_now(&Self::channels(), CatalogueEvent::from(ChannelDefined { channel })).await;
        ChannelId::from_u128(number)
    }

    pub async fn retire(&self, id: ChannelId) {
        self.append_now(&Self::channels(), CatalogueEvent::from(ChannelRetired { id })).await;
    }

    fn channels() -> StreamId {
        StreamId::catalogue(CatalogueKind::Channels, ACCOUNT)
    }

    pub async fn conversation(&self, channel: ChannelId, contact: &str) -> ConversationId {
        let id = ConversationId::of(channel, contact, 0);
        let opened = ConversationOpened {
            conversation_id: id,
            account_id: ACCOUNT,
            channel_id: channel,
            channel_type: ChannelType::WhatsApp,
            contact_id: ContactId::from_u128(1),
            contact_identifier: contact.into(),
            display_name: None,
            ordinal: 0,
            subject: None,
            priority: Priority::Normal,
            language: None,
            metadata: Default::default(),
        };
        self.append_now(&StreamId::conversation(id), ConversationEvent::from(opened)).await;
        id
    }

    pub async fn say(&self, conversation: ConversationId, text: &str) -> MessageId {
        self.say_at(conversation, text, self.clock.now()).await
    }

    pub async fn say_at(&self, conversation: ConversationId, text: &str, at: Timestamp) -> MessageId {
        let id = self.clock.event_id();
        let message = MessageSent {
            message_id: id.into(),
            to: None,
            sender_type: SenderType::Agent,
            sender_id: Some(UserId::from_u128(1)),
            sender_name: None,
            body: Content::text(text),
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Default::default(),
            scheduled_at: None,
        };
        self.append(&StreamId::conversation(conversation), id, ConversationEvent::from(message), at).await;
        id.into()
    }

    pub async fn note(&self, conversation: ConversationId, text: &str) {
        let id = self.clock.event_id();
        let note = NoteAdded {
            message_id: id.into(),
            author_id: UserId::from_u128(1),
            author_name: None,
            content: text.into(),
            mentions: vec![],
        };
        let stream = StreamId::conversation(conversation);
        self.append(&stream, id, ConversationEvent::from(note), self.clock.now()).await;
    }

    /// Appends the event that a status webhook of the provider causes.
    pub async fn status_says_dispatched(&self, conversation: ConversationId, message: MessageId) {
        let dispatched = MessageDispatched {
            message_id: message,
            provider_message_id: "wamid.by-status".into(),
            time: self.clock.now(),
        };
        self.append_now(&StreamId::conversation(conversation), ConversationEvent::from(dispatched)).await;
    }

    async fn history(&self, conversation: ConversationId) -> Vec<ConversationEvent> {
        let stream = StreamId::conversation(conversation);
        let recorded = self.store.read_stream(&stream, Version::FIRST, 10_000).await.unwrap();
        let event = |recorded| {
            let Event::Conversation(event) = Event::read(&recorded).unwrap() else { panic!("{recorded:?}") };
            event
        };
        recorded.into_iter().map(event).collect()
    }

    pub async fn dispatched(&self, conversation: ConversationId) -> Vec<MessageDispatched> {
        let dispatched = |event| {
            let ConversationEvent::Delivery(DeliveryEvent::MessageDispatched(dispatched)) = event else {
                return None;
            };
            Some(dispatched)
        };
        self.history(conversation).await.into_iter().filter_map(dispatched).collect()
    }

    pub async fn failed(&self, conversation: ConversationId) -> Vec<MessageFailed> {
        let failed = |event| {
            let ConversationEvent::Delivery(DeliveryEvent::MessageFailed(failed)) = event else {
                return None;
            };
            Some(failed)
        };
        self.history(conversation).await.into_iter().filter_map(failed).collect()
    }

    pub async fn requests_reach(&self, count: usize) {
        eventually("the requests have arrived", || async { self.fake.how_many_requests() >= count }).await;
    }
}
