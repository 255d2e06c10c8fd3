//! The kept state against a state that is folded from the beginning of the log.

#![allow(clippy::unwrap_used)]

use super::*;
use domain::routing::Part;
use event_schemas::agent::{
    AgentRegistered, CapacityReleased, CapacityReserved, Preferences, PreferencesChanged, WentOffline,
    WentOnline,
};
use event_schemas::catalogue::{CatalogueKind, Team, TeamDefined};
use event_schemas::conversation::{
    AssignStrategy, Assigned, Closed, ConversationOpened, MessageReceived, OfferDeclined, Offered,
    PriorityChanged, Queued, Resolved,
};
use event_schemas::message::{ChannelType, Content, Priority};
use event_schemas::routing::{Queue, QueueDefined, RoutingStrategy};
use event_schemas::{
    CatalogueEvent, ChannelId, ContactId, ConversationEvent, ConversationId, Events, MessageId, Metadata,
    NewEvent, OfferId, QueueId, TeamId,
};
use event_store::sqlite::SqliteStore;
use event_store::{EventStore, Expected};
use follower::table::Values;
use follower::{Db, Location, Sizes};
use providers::{Providers, Timeouts};
use serde_json::Map;
use std::path::Path;
use test_engines::Postgres;

/// Random numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

const BEGAN: i64 = 1_767_607_200;

/// A log with random events of three accounts, of which the last configures routing late.
struct Log {
    store: Arc<SqliteStore>,
    random: Random,
    written: u64,
    opened: BTreeSet<ConversationId>,
}

impl Log {
    async fn open(folder: &Path, seed: u64) -> Self {
        let store = SqliteStore::open(folder.join("events.db"), Clock::System).await.unwrap();
        Self { store, random: Random(seed), written: 0, opened: BTreeSet::new() }
    }

    fn decoded(&self) -> DecodedLog {
        let store: Arc<dyn EventStore> = self.store.clone();
        DecodedLog::shared(store)
    }

    async fn append(&mut self, stream: StreamId, account: AccountId, event: &impl Events) {
        self.written += 1;
        let id = EventId::caused(account, &format!("event {}", self.written), 0);
        let metadata = Metadata {
            account_id: account,
            actor: Actor::system("test"),
            correlation_id: id.0,
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: Timestamp::from_secs(BEGAN + self.written as i64 * 7),
        };
        self.store.append(&stream, Expected::Any, vec![NewEvent::of(id, event, metadata)]).await.unwrap();
    }

    async fn catalogue(&mut self, account: AccountId, kind: CatalogueKind, event: CatalogueEvent) {
        self.append(StreamId::catalogue(kind, account), account, &event).await;
    }

    async fn write(&mut self, events: u64) {
        for _ in 0..events {
            let number = self.random.below(3);
            let account = AccountId::from_u128(u128::from(number) + 1);
            let user = UserId::from_u128(u128::from(self.random.below(6)) + 0xA0);
            let conversation = u128::from(number * 1_000 + self.random.below(12) + self.written / 20);
            let id = ConversationId::from_u128(0xC000 + conversation);
            let team =
                (self.random.below(3) > 0).then(|| TeamId::from_u128(u128::from(self.random.below(2)) + 7));
            match self.random.below(24) {
                0 => {
                    let team = Team {
                        id: team.unwrap_or(TeamId::from_u128(7)),
                        name: format!("Team {}", self.written),
                        member_ids: vec![user],
                        ..team_of()
                    };
                    self.catalogue(account, CatalogueKind::Teams, TeamDefined { team }.into()).await;
                }
                // The third account has a queue only after a while.
                1 if number < 2 || self.written > 150 => {
                    let queue = queue(team, self.random.below(4));
                    self.catalogue(account, CatalogueKind::Queues, QueueDefined { queue }.into()).await;
                }
                2..=4 => {
                    let event = self.agent_event(account, user, id);
                    self.append(StreamId::agent(user), account, &event).await;
                }
                _ => {
                    let event = self.conversation_event(account, id, user, team);
                    self.append(StreamId::conversation(id), account, &event).await;
                }
            }
        }
    }

    fn agent_event(
        &mut self,
        account_id: AccountId,
        user_id: UserId,
        conversation_id: ConversationId,
    ) -> AgentEvent {
        match self.random.below(6) {
            0 | 1 => AgentRegistered { account_id, user_id, name: format!("{user_id}"), email: None }.into(),
            2 => {
                let auto_accept = self.random.below(2) == 0;
                let preferences = Preferences { auto_accept, ..Preferences::default() };
                PreferencesChanged { user_id, account_id: Some(account_id), preferences }.into()
            }
            3 => WentOnline {
                user_id,
                account_id: Some(account_id),
                until: Timestamp::from_secs(BEGAN + 1_000_000),
            }
            .into(),
            4 => CapacityReserved {
                user_id,
                account_id,
                conversation_id,
                conversation_version: event_schemas::Version(1),
                overridden: None,
                counted: false,
                renewed: false,
            }
            .into(),
            _other => match self.random.below(2) {
                0 => CapacityReleased { user_id, account_id, conversation_id }.into(),
                _other => WentOffline {
                    user_id,
                    account_id: Some(account_id),
                    cause: event_schemas::agent::PresenceCause::Chosen,
                }
                .into(),
            },
        }
    }

    fn conversation_event(
        &mut self,
        account_id: AccountId,
        conversation_id: ConversationId,
        user: UserId,
        team_id: Option<TeamId>,
    ) -> ConversationEvent {
        let offer_id = OfferId::from_u128(u128::from(self.written));
        // A conversation is opened once.
        let kind = if self.opened.insert(conversation_id) { 0 } else { 3 + self.random.below(9) };
        match kind {
            0..=2 => ConversationOpened {
                conversation_id,
                account_id,
                channel_id: ChannelId::from_u128(5),
                channel_type: ChannelType::WhatsApp,
                contact_id: ContactId::from_u128(6),
                contact_identifier: "1".to_owned(),
                display_name: None,
                ordinal: 0,
                subject: None,
                priority: Priority::Normal,
                language: None,
                metadata: Map::new(),
            }
            .into(),
            3..=5 => MessageReceived {
                message_id: MessageId::from_u128(u128::from(self.written)),
                provider_message_id: None,
                body: Content::text("Hello"),
                reply_to: None,
                sent_at: Timestamp::from_secs(BEGAN),
                metadata: Map::new(),
            }
            .into(),
            6 | 7 => Assigned {
                assignee_id: (self.random.below(3) > 0).then_some(user),
                assignee_name: None,
                team_id,
                strategy: Some(AssignStrategy::RoundRobin),
                route_by: None,
                assigned_by: None,
                reason: None,
                decision: Some(Default::default()),
                offer_id: None,
                overridden: None,
            }
            .into(),
            8 => match self.random.below(2) {
                0 => Closed { reason: None }.into(),
                _other => Resolved { reason: None }.into(),
            },
            9 => PriorityChanged { old: Priority::Normal, new: Priority::Urgent }.into(),
            10 => Queued {
                team_id,
                position: 1,
                reason: "no agent".to_owned(),
                decision: None,
                queued_since: Timestamp::from_secs(BEGAN),
            }
            .into(),
            _other => match self.random.below(2) {
                0 => Offered {
                    offer_id,
                    agent_ids: vec![user],
                    team_id,
                    strategy: AssignStrategy::RoundRobin,
                    until: Timestamp::from_secs(BEGAN + 500_000),
                    queued_since: Timestamp::from_secs(BEGAN),
                    decision: Default::default(),
                }
                .into(),
                _other => OfferDeclined { offer_id, agent_id: user }.into(),
            },
        }
    }
}

fn team_of() -> Team {
    Team {
        id: TeamId::from_u128(7),
        name: String::new(),
        description: None,
        member_ids: Vec::new(),
        lead_id: None,
    }
}

fn queue(team_id: Option<TeamId>, strategy: u64) -> Queue {
    Queue {
        id: QueueId::from_u128(team_id.map_or(1, |team| team.0.as_u128())),
        name: format!("Queue {strategy}"),
        team_id,
        strategy: match strategy {
            0 => RoutingStrategy::RoundRobin,
            1 => RoutingStrategy::ManualQueue,
            2 => RoutingStrategy::RingAll,
            _other => RoutingStrategy::LeastBusy,
        },
        penalties: Default::default(),
        max_waiting: None,
        overflow_team_id: None,
        offer_seconds: Queue::OFFER_SECONDS,
        ask_again_seconds: Queue::ASK_AGAIN_SECONDS,
        when_offline: Queue::WHEN_OFFLINE,
        give_back_seconds: Queue::GIVE_BACK_SECONDS,
        announcement: None,
        timeout_seconds: None,
    }
}

async fn tables(folder: &Path) -> Db {
    Location::from(folder).tables(kept::NAME, Sizes::small(), "").await.unwrap()
}

/// A router that reads small pages, with its tables in this folder.
async fn router(log: &Log, folder: &Path) -> AgentRouter {
    router_with(log, tables(folder).await).await
}

async fn router_with(log: &Log, tables: Db) -> AgentRouter {
    let store: Arc<dyn EventStore> = log.store.clone();
    let providers = Providers::new([], Timeouts::default(), Clock::System).unwrap();
    let commands = Arc::new(Commands::new(store, Arc::new(providers), Clock::System));
    let past = commands.past().await.unwrap();
    AgentRouter {
        commands,
        side_effects: SideEffects {
            manager: AgentRouter::NAME,
            past,
            history: crate::history::History::default(),
            clock: Clock::System,
        },
        log: log.decoded(),
        kept: Kept::open(tables).await.unwrap(),
        folded: None,
        kept_at: Instant::now(),
        after: None,
        page: 16,
        last_appended: None,
    }
}

impl AgentRouter {
    async fn read_all(&mut self) -> &mut Folded {
        // A router that finds that another one has kept its state continues with the next call.
        while self.folded.is_none() || self.after < self.log.store().end().await.unwrap() {
            self.catch_up(&CancellationToken::new()).await.unwrap();
        }
        self.folded.as_mut().unwrap()
    }
}

/// Every part as JSON, and the actions that are due.
fn shown(folded: &Folded) -> (Vec<(Part, serde_json::Value)>, String) {
    let mut state = folded.state.clone();
    let parts = state.all_parts().unwrap();
    let parts = parts.into_iter().map(|(part, json)| (part, serde_json::from_str(&json).unwrap())).collect();
    let now = Timestamp::from_secs(BEGAN + 100_000);
    (parts, format!("{:?} {:#?}", folded.routing_accounts, state.plan(now, 7)))
}

/// The state of a router that folds the log from its beginning.
async fn from_the_beginning(log: &Log) -> (Vec<(Part, serde_json::Value)>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut router = router(log, folder.path()).await;
    shown(router.read_all().await)
}

#[tokio::test]
async fn a_kept_state_equals_one_that_is_folded_from_the_beginning() {
    for seed in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path(), seed).await;
        let mut running = router(&log, folder.path()).await;
        for _ in 0..12 {
            let events = log.random.below(40);
            log.write(events).await;
            running.read_all().await;
            if log.random.below(2) == 0 {
                running.keep().await.unwrap();
            }
            if log.random.below(2) == 0 {
                // A kill: the events since the state was kept are read again.
                running = router(&log, folder.path()).await;
                let kept = shown(running.read_all().await);
                let whole = from_the_beginning(&log).await;
                assert_eq!(kept.0, whole.0, "seed {seed}");
                assert_eq!(kept.1, whole.1, "seed {seed}");
            }
        }
    }
}

#[tokio::test]
async fn only_the_events_since_the_checkpoint_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), 3).await;
    log.write(300).await;
    let mut first = router(&log, folder.path()).await;
    first.read_all().await;
    first.keep().await.unwrap();
    log.write(5).await;
    let mut second = router(&log, folder.path()).await;
    let kept = second.kept.load(&*log.store).await.unwrap();
    let read =
        log.store.read_all(kept.last.map(|(position, _)| position), &filter(&kept), 1_000).await.unwrap();
    assert_eq!(read.events.len(), 5);
    assert!(second.read_all().await.unkept <= 5);
}

#[tokio::test]
async fn tables_that_cannot_be_used_are_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), 5).await;
    log.write(200).await;
    let whole = from_the_beginning(&log).await;
    let damages = [
        "delete from routing_parts",
        "update routing_parts set state = '0' where kind = 0",
        "update routing_parts set state = '{' where kind = 5",
        "update checkpoints set event_id = x'00000000000000000000000000000001'",
    ];
    for damage in damages {
        let mut before = router(&log, folder.path()).await;
        before.read_all().await;
        before.keep().await.unwrap();
        let db = tables(folder.path()).await;
        let mut tx = db.begin().await.unwrap();
        assert!(tx.execute(damage, Values::default()).await.unwrap() > 0, "{damage}");
        tx.commit().await.unwrap();
        let mut after = router(&log, folder.path()).await;
        assert_eq!(shown(after.read_all().await), whole, "{damage}");
    }
}

#[tokio::test]
async fn of_two_routers_the_later_continues_from_the_others_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), 8).await;
    log.write(60).await;
    let mut one = router(&log, folder.path()).await;
    let mut other = router(&log, folder.path()).await;
    one.read_all().await;
    other.read_all().await;
    one.keep().await.unwrap();
    log.write(60).await;
    other.kept_at = Instant::now() - KEEP_EVERY;
    other.read_all().await;
    assert_eq!(shown(other.read_all().await), from_the_beginning(&log).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_in_postgresql_keep_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), 9).await;
    let location = Location::open(&Postgres::shared().await.database().await).await.unwrap();
    for _ in 0..3 {
        log.write(120).await;
        let tables = || location.tables(kept::NAME, Sizes::small(), "");
        let mut before = router_with(&log, tables().await.unwrap()).await;
        before.read_all().await;
        before.keep().await.unwrap();
        let mut after = router_with(&log, tables().await.unwrap()).await;
        let kept = after.kept.load(&*log.store).await.unwrap();
        assert!(kept.last.is_some(), "the state is kept");
        assert_eq!(shown(after.read_all().await), from_the_beginning(&log).await);
    }
}

#[tokio::test]
async fn the_last_change_of_presence_is_found_however_busy_the_agent_is_in_another_account() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::open(folder.path(), 1).await;
    let (here, there, user) = (AccountId::from_u128(1), AccountId::from_u128(2), UserId::from_u128(3));
    let until = Timestamp::from_secs(BEGAN + 1_000_000);
    let online = |account| AgentEvent::from(WentOnline { user_id: user, account_id: Some(account), until });
    log.append(StreamId::agent(user), there, &online(there)).await;
    log.append(StreamId::agent(user), here, &online(here)).await;
    let expected = EventId::caused(here, "event 2", 0);
    for _ in 0..600 {
        log.append(StreamId::agent(user), there, &online(there)).await;
    }
    let router = router(&log, folder.path()).await;
    assert_eq!(router.commands.last_presence_change(here, user).await.unwrap(), Some(expected));
    let unknown = UserId::from_u128(4);
    assert_eq!(router.commands.last_presence_change(here, unknown).await.unwrap(), None);
}
