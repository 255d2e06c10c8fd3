//! Events in, commands out: what Verbatim does by itself.

pub mod agent_router;
pub mod alarm_clock;
pub mod bot_router;
pub mod delivery;
mod health;

pub use agent_router::AgentRouter;
pub use alarm_clock::AlarmClock;
pub use bot_router::BotRouter;
pub use delivery::{Delivery, Schedule};
pub use health::Health;

use command_api::Commands;
use projections::{Condition, Db, DbError, RunnerError, Sizes, Watch};
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All process managers, and the files of their tables.
pub struct ProcessManagers {
    files: [Db; 3],
    delivery: Delivery,
    alarm_clock: AlarmClock,
    bot_router: BotRouter,
    agent_router: AgentRouter,
    health: Health,
    routing_health: Health,
}

/// The process managers could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the file cannot be opened")]
    Db(#[from] DbError),
    #[error("the tables cannot be read")]
    Tables(#[from] RunnerError),
}

impl ProcessManagers {
    /// Takes up where they left off, in this folder.
    pub async fn open(
        folder: &Path,
        commands: Arc<Commands>,
        settings: delivery::Settings,
    ) -> Result<Self, OpenError> {
        let outbox = Db::open(&folder.join("process-managers.db"), Sizes::small(), "").await?;
        let delivery = Delivery::open(Arc::clone(&commands), outbox.clone(), settings).await?;
        // In a file of its own: an alarm that a power cut forgets is derived from the log again, so that its
        // commits need not wait for the disk as the outbox's must.
        let alarms = Db::open(&folder.join("alarm-clock.db"), Sizes::small(), "").await?;
        let alarm_clock = AlarmClock::open(Arc::clone(&commands), alarms.clone()).await?;
        // As the alarms: what it forgets it decides again, and the log knows what was decided.
        let bot = Db::open(&folder.join("bot-router.db"), Sizes::small(), "").await?;
        let bot_router = BotRouter::open(Arc::clone(&commands), bot.clone()).await?;
        Ok(Self {
            files: [outbox, alarms, bot],
            delivery,
            alarm_clock,
            bot_router,
            agent_router: AgentRouter::new(commands),
            health: Health::default(),
            routing_health: Health::default(),
        })
    }

    /// What is wrong, if something is; to be asked at any time.
    pub fn trouble(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let watches = [
            ("outbound delivery", self.delivery.watch()),
            ("alarm clock", self.alarm_clock.watch()),
            ("bot router", self.bot_router.watch()),
        ];
        let (health, routing) = (self.health.clone(), self.routing_health.clone());
        let own = move || health.trouble().or_else(|| routing.trouble());
        move || own().or_else(|| watches.iter().find_map(|(name, watch)| standing(name, watch)))
    }

    /// Works until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        let Self { files, delivery, alarm_clock, bot_router, agent_router, health, routing_health } = self;
        let (delivered, rung, answered, ()) = futures::join!(
            delivery.run(stop.clone()),
            alarm_clock.run(stop.clone(), health),
            bot_router.run(stop.clone()),
            agent_router.run(stop.clone(), routing_health),
        );
        for file in &files {
            file.close().await;
        }
        delivered.and(rung).and(answered)
    }
}

fn standing(name: &str, watch: &Watch) -> Option<String> {
    match watch.progress().condition {
        Condition::Running => None,
        Condition::Retrying { error } | Condition::Stopped { error } => Some(format!("{name}: {error}")),
    }
}
