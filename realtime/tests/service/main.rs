//! The service over real connections: wrong packets of clients, and faults around them. The
//! agents' tables are in SQLite, and the test appends the events itself.

#![allow(clippy::unwrap_used)] // helper functions of tests, which Clippy does not know as tests

mod faults;
mod fuzz;
#[path = "../../../tests/support/raw_socket.rs"]
mod raw_socket;
mod rule;
mod socket_io;

use event_schemas::conversation::{ConversationOpened, MessageReceived};
use event_schemas::message::{ChannelType, Content, Priority};
use event_schemas::{
    AccountId, Actor, ChannelId, Clock, ContactIdentifierId, ConversationEvent, ConversationId, Events,
    MessageId, Metadata, NewEvent, StreamId, Timestamp, UserId,
};
use event_store::sqlite::SqliteStore;
use event_store::{EventStore, Expected};
use gate::{AuthConfig, Authenticator, Claims, Role, issue_token};
use projections::generations::Generations;
use projections::{ReadSide, Tables};
use raw_socket::{Pushed, RawSocket};
use realtime::presence::{PresenceReport, Report, Reports};
use realtime::{Limits, Realtime, Settings};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SECRET: &str = "a secret of at least thirty-two bytes";
const NOW: Timestamp = Timestamp::from_secs(1_795_222_800);

const ACCOUNT: AccountId = AccountId::from_u128(0xacc1);
const OTHER_ACCOUNT: AccountId = AccountId::from_u128(0xacc2);
const ANA: UserId = UserId::from_u128(0xa6e1);

/// The running service. Its tasks end with the test.
pub struct Service {
    _folder: tempfile::TempDir,
    pub port: u16,
    pub store: Arc<dyn EventStore>,
    pub tables: Tables,
    pub generations: Generations,
    pub clock: Clock,
    pub reports: Arc<PresenceReports>,
    pub stop: CancellationToken,
}

impl Service {
    pub async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let auth = AuthConfig { secret: Some(SECRET.to_owned()), ..AuthConfig::default() };
        Self::of(limits, auth).await
    }

    pub async fn of(limits: Limits, auth: AuthConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn EventStore> =
            SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
        let generations = Generations::new(folder.path().to_owned());
        let side = ReadSide::open(store.clone(), generations.clone(), |_| {}).await.unwrap();
        let (tables, stop) = (side.tables(), CancellationToken::new());
        tokio::spawn(side.run(stop.clone()));
        let (clock, reports) = (Clock::manual(NOW), Arc::<PresenceReports>::default());
        let settings = Settings {
            authenticator: Authenticator::new(auth, clock.clone()).unwrap(),
            allows_origin: Box::new(|_| true),
            most_connections: 100,
            clock: clock.clone(),
            reports: Reports { every: Duration::from_secs(600), report: reports.of_agents() },
            limits,
            token_check: Duration::from_millis(20),
            contract: None,
        };
        let log = store.clone().into();
        let (realtime, router) = Realtime::open(log, tables.clone(), settings, stop.clone()).await.unwrap();
        tokio::spawn(realtime.run(None, stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { _folder: folder, port, store, tables, generations, clock, reports, stop }
    }

    /// A token that is accepted for this time, without what is granted for the difference of clocks.
    pub fn token_for(&self, account: AccountId, user: UserId, lifetime: Duration) -> String {
        let claims = Claims::of(user, account, Role::Agent).named("Ana");
        issue_token(SECRET, claims, self.clock.now(), lifetime).unwrap()
    }

    pub fn token(&self) -> String {
        self.token_for(ACCOUNT, ANA, Duration::from_secs(3600))
    }

    /// A client of an agent of the account, up to date.
    pub async fn agent(&self) -> RawSocket {
        RawSocket::connected(self.port, &self.token()).await
    }

    pub async fn append<E: Events>(&self, account: AccountId, stream: StreamId, events: Vec<E>) {
        let metadata = Metadata {
            account_id: account,
            actor: Actor::system("test"),
            correlation_id: Uuid::from_u128(1),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: NOW,
        };
        let new = |event| NewEvent::of(self.clock.event_id(), &event, metadata.clone());
        let events = events.into_iter().map(new).collect();
        self.store.append(&stream, Expected::Any, events).await.unwrap();
    }

    /// Opens a conversation with the customer of this number.
    pub async fn open_conversation(&self, account: AccountId, number: &str) -> ConversationId {
        let id = ConversationId(self.clock.fresh_id());
        let opened = ConversationOpened {
            conversation_id: id,
            account_id: account,
            channel_id: ChannelId::from_u128(0xc4a1),
            channel_type: ChannelType::WhatsApp,
            contact_id: ContactIdentifierId::of(account, "whatsapp", number).own_contact(),
            contact_identifier: number.to_owned(),
            display_name: None,
            ordinal: 0,
            subject: None,
            priority: Priority::Normal,
            language: None,
            metadata: Default::default(),
        };
        self.append(account, StreamId::conversation(id), vec![ConversationEvent::from(opened)]).await;
        id
    }

    /// The customer writes these messages at once.
    pub async fn write(&self, account: AccountId, id: ConversationId, texts: Vec<String>) {
        let received = |text| {
            let message = MessageReceived {
                message_id: MessageId(self.clock.fresh_id()),
                provider_message_id: None,
                body: Content::text(text),
                reply_to: None,
                sent_at: NOW,
                metadata: Default::default(),
            };
            ConversationEvent::from(message)
        };
        let events = texts.into_iter().map(received).collect();
        self.append(account, StreamId::conversation(id), events).await;
    }
}

/// The presence that agents report.
pub struct PresenceReports {
    pub heartbeats: AtomicUsize,
    /// The reports of a presence that an agent chose, which wait until the test takes them.
    pub chosen: AtomicUsize,
    pub taken: Semaphore,
}

impl Default for PresenceReports {
    fn default() -> Self {
        Self { heartbeats: AtomicUsize::new(0), chosen: AtomicUsize::new(0), taken: Semaphore::new(0) }
    }
}

impl PresenceReports {
    fn of_agents(self: &Arc<Self>) -> Report {
        let reports = self.clone();
        Box::new(move |_, report| {
            let reports = reports.clone();
            Box::pin(async move {
                if report == PresenceReport::Heartbeat {
                    reports.heartbeats.fetch_add(1, Ordering::SeqCst);
                } else {
                    reports.chosen.fetch_add(1, Ordering::SeqCst);
                    reports.taken.acquire().await.unwrap().forget();
                }
                Ok(json!({}))
            })
        })
    }
}

/// Waits until it is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < raw_socket::DEADLINE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asserts that the client gets what happens now, and returns all that it got.
pub async fn assert_served(service: &Service, client: &mut RawSocket) -> Vec<Pushed> {
    let number = service.clock.fresh_id().simple().to_string();
    service.open_conversation(ACCOUNT, &number).await;
    let mut got: Vec<Pushed> = Vec::new();
    while got.last().is_none_or(|pushed| pushed.object["contact_identifier"] != *number) {
        got.push(client.pushed().await.unwrap_or_else(|| panic!("closed: {}", client.reason)));
    }
    got
}
