//! Events in, commands out: what Verbatim does by itself.

pub mod alarm_clock;
pub mod delivery;
mod health;

pub use alarm_clock::AlarmClock;
pub use delivery::{Delivery, Schedule};
pub use health::Health;

use command_api::Commands;
use projections::{Condition, Db, DbError, RunnerError, Sizes, Watch};
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All process managers, sharing one file of tables.
pub struct ProcessManagers {
    db: Db,
    delivery: Delivery,
    alarm_clock: AlarmClock,
    health: Health,
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
    /// Takes up where they left off.
    pub async fn open(
        path: &Path,
        commands: Arc<Commands>,
        settings: delivery::Settings,
    ) -> Result<Self, OpenError> {
        let db = Db::open(path, Sizes::small(), "").await?;
        let delivery = Delivery::open(Arc::clone(&commands), db.clone(), settings).await?;
        let alarm_clock = AlarmClock::open(commands, db.clone()).await?;
        Ok(Self { db, delivery, alarm_clock, health: Health::default() })
    }

    /// What is wrong, if something is; to be asked at any time.
    pub fn trouble(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let watches =
            [("outbound delivery", self.delivery.watch()), ("alarm clock", self.alarm_clock.watch())];
        let health = self.health.clone();
        move || health.trouble().or_else(|| watches.iter().find_map(|(name, watch)| standing(name, watch)))
    }

    /// Works until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        let Self { db, delivery, alarm_clock, health } = self;
        let (delivered, rung) =
            futures::join!(delivery.run(stop.clone()), alarm_clock.run(stop.clone(), health));
        db.close().await;
        delivered.and(rung)
    }
}

fn standing(name: &str, watch: &Watch) -> Option<String> {
    match watch.progress().condition {
        Condition::Running => None,
        Condition::Retrying { error } | Condition::Stopped { error } => Some(format!("{name}: {error}")),
    }
}
