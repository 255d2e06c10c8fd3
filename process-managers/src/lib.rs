//! Events in, commands out: what Verbatim does by itself.

pub mod agent_router;
pub mod automation;
pub mod bot_router;
pub mod delivery;
mod health;
pub mod inactivity;
mod or_skip;
pub mod sla_timers;
mod timers;
pub mod unanswered;
pub mod webhooks;

pub use agent_router::AgentRouter;
pub use automation::Automation;
pub use bot_router::BotRouter;
pub use delivery::{Delivery, Schedule};
pub use health::Health;
pub use inactivity::Inactivity;
pub use sla_timers::SlaTimers;
pub use unanswered::Unanswered;
pub use webhooks::Webhooks;

use commands::Commands;
use follower::{Condition, Db, DbError, Lease, Location, LocationError, RunnerError, Sizes, Watch};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The lease: of all processes one does this work.
const NAME: &str = "process-managers";
/// How long to wait when their tables cannot be opened.
const TROUBLE: Duration = Duration::from_millis(500);

/// All process managers. They work while this process holds their lease.
pub struct ProcessManagers {
    place: Location,
    commands: Arc<Commands>,
    settings: Settings,
    health: Health,
    routing_health: Health,
    silence_health: Health,
    waiting_health: Health,
    webhooks_health: Health,
    watches: Watches,
}

/// How patient they are with others.
#[derive(Clone, Debug)]
pub struct Settings {
    pub delivery: delivery::Settings,
    pub webhooks: webhooks::Settings,
}

/// How far each has followed the log, while they work here.
type Watches = Arc<Mutex<Vec<(&'static str, Watch)>>>;

/// The process managers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the tables cannot be opened")]
    Location(#[from] LocationError),
    #[error("the tables cannot be used")]
    Db(#[from] DbError),
    #[error("the tables cannot be read")]
    Tables(#[from] RunnerError),
}

impl ProcessManagers {
    /// Their tables are in this place.
    pub fn new(place: Location, commands: Arc<Commands>, settings: Settings) -> Self {
        Self {
            place,
            commands,
            settings,
            health: Health::default(),
            routing_health: Health::default(),
            silence_health: Health::default(),
            waiting_health: Health::default(),
            webhooks_health: Health::default(),
            watches: Watches::default(),
        }
    }

    /// What is wrong, if something is; to be asked at any time.
    pub fn trouble(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let own = self.healths().map(Health::clone);
        let own = move || own.iter().find_map(Health::trouble);
        let watches = Arc::clone(&self.watches);
        move || {
            let watches = watches.lock().unwrap_or_else(PoisonError::into_inner);
            own().or_else(|| watches.iter().find_map(|(name, watch)| standing(name, watch)))
        }
    }

    fn healths(&self) -> [&Health; 5] {
        let Self { health, routing_health, silence_health, waiting_health, webhooks_health, .. } = self;
        [health, routing_health, silence_health, waiting_health, webhooks_health]
    }

    /// Works until told to stop, whenever it is this process's turn. Ends early only when an event cannot be
    /// read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        let leases = follower::Leases::new(self.place.clone());
        // While another process works nothing is wrong here, whatever was when this one tried.
        let all_is_well = || self.healths().into_iter().for_each(Health::well);
        while let Some(lease) = leases.take_after(NAME, &stop, all_is_well).await {
            match self.open().await {
                Ok(open) => {
                    self.health.well();
                    let ended = self.work(open, &lease, &stop).await;
                    lease.release().await;
                    ended?;
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the process managers cannot start; trying again"
                    );
                    self.health.troubled(error.to_string());
                    lease.release().await;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(TROUBLE) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes up where they left off.
    async fn open(&self) -> Result<Open, OpenError> {
        let outbox = self.place.tables("process-managers", Sizes::small(), "").await?;
        let delivery =
            Delivery::open(Arc::clone(&self.commands), outbox.clone(), self.settings.delivery).await?;
        // On their own: an alarm that a power cut forgets is derived from the log again, so that its commits
        // need not wait for the disk as the outbox's must.
        let alarms = self.place.tables("alarm-clock", Sizes::small(), "").await?;
        let sla_timers = SlaTimers::open(Arc::clone(&self.commands), alarms.clone()).await?;
        // As the alarms: what it forgets it decides again, and the log knows what was decided.
        let bot = self.place.tables("bot-router", Sizes::small(), "").await?;
        let bot_router = BotRouter::open(Arc::clone(&self.commands), bot.clone()).await?;
        let agent_router = AgentRouter::new(Arc::clone(&self.commands));
        let silences = self.place.tables("silences", Sizes::small(), "").await?;
        let silence = Inactivity::open(Arc::clone(&self.commands), silences.clone()).await?;
        // As the bot's: the log knows what was done.
        let lists = self.place.tables("automation", Sizes::small(), "").await?;
        let automation = Automation::open(Arc::clone(&self.commands), lists.clone()).await?;
        let waits = self.place.tables("waiting", Sizes::small(), "").await?;
        let waiting = Unanswered::open(Arc::clone(&self.commands), waits.clone()).await?;
        let hooks = self.place.tables("webhooks", Sizes::small(), "").await?;
        let told = self.settings.webhooks.clone();
        let webhooks = Webhooks::open(Arc::clone(&self.commands), hooks.clone(), told).await?;
        Ok(Open {
            tables: [outbox, alarms, bot, silences, lists, waits, hooks],
            delivery,
            sla_timers,
            bot_router,
            agent_router,
            silence,
            automation,
            waiting,
            webhooks,
        })
    }

    async fn work(&self, open: Open, lease: &Lease, stop: &CancellationToken) -> Result<(), RunnerError> {
        let Open {
            tables,
            delivery,
            sla_timers,
            bot_router,
            agent_router,
            silence,
            automation,
            waiting,
            webhooks,
        } = open;
        self.watch(vec![
            ("outbound delivery", delivery.watch()),
            ("alarm clock", sla_timers.watch()),
            ("bot router", bot_router.watch()),
            ("silences", silence.watch()),
            ("automation", automation.watch()),
            ("waiting", waiting.watch()),
            ("webhooks", webhooks.watch()),
        ]);
        let enough = stop.child_token();
        let mut working = std::pin::pin!(async {
            let alarms = sla_timers.run(enough.clone(), self.health.clone());
            let (delivered, rung, answered, (), quiet, acted, waited, told) = futures::join!(
                delivery.run(enough.clone()),
                alarms,
                bot_router.run(enough.clone()),
                agent_router.run(enough.clone(), self.routing_health.clone()),
                silence.run(enough.clone(), self.silence_health.clone()),
                automation.run(enough.clone()),
                waiting.run(enough.clone(), self.waiting_health.clone()),
                webhooks.run(enough.clone(), self.webhooks_health.clone()),
            );
            delivered.and(rung).and(answered).and(quiet).and(acted).and(waited).and(told)
        });
        let ended = tokio::select! {
            ended = &mut working => ended,
            () = lease.lost() => {
                enough.cancel();
                working.await
            }
        };
        for tables in &tables {
            tables.close().await;
        }
        if ended.is_ok() {
            // What stands still stays to be seen.
            self.watch(Vec::new());
        }
        ended
    }

    fn watch(&self, watches: Vec<(&'static str, Watch)>) {
        *self.watches.lock().unwrap_or_else(PoisonError::into_inner) = watches;
    }
}

/// Their tables, open.
struct Open {
    tables: [Db; 7],
    delivery: Delivery,
    sla_timers: SlaTimers,
    bot_router: BotRouter,
    agent_router: AgentRouter,
    silence: Inactivity,
    automation: Automation,
    waiting: Unanswered,
    webhooks: Webhooks,
}

fn standing(name: &str, watch: &Watch) -> Option<String> {
    match watch.progress().condition {
        Condition::Running => None,
        Condition::Retrying { error } | Condition::Stopped { error } => Some(format!("{name}: {error}")),
    }
}
