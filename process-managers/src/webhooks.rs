//! Webhooks: tells other programs what macros and rules want them told, and writes down what became of it.
//!
//! What is to be told is in the log; a table remembers when to try it next. A program may be told twice, when
//! its answer is lost or the process ends before it is written down, and knows that by the webhook's id. Each
//! host has a few calls under way at most, so that one that is slow or down keeps up nobody but itself.

mod follow;
mod post;
mod table;

use crate::{Health, Schedule};
use commands::Commands;
use follow::Follow;
use follower::{Db, DbError, Runner, RunnerError, Watch};
use providers::outgoing_webhook::Caller;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use table::{Pending, Webhooks as Table};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The longest it sleeps without looking.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// How long it waits when its table cannot be used.
const TROUBLE: Duration = Duration::from_millis(500);
/// How many calls may be under way at all.
const AT_ONCE: usize = 64;

/// How other programs are told.
#[derive(Clone, Debug)]
pub struct Settings {
    pub caller: Caller,
    pub schedule: Schedule,
    /// How many calls to one host may be under way.
    pub per_host: usize,
    /// Where the schemas of events are, for who is told of them.
    pub schemas_url: String,
}

impl Settings {
    pub fn of(caller: Caller, schemas_url: String) -> Self {
        Self { caller, schedule: usual_schedule(), per_host: 4, schemas_url }
    }
}

/// Most of a day in all.
pub fn usual_schedule() -> Schedule {
    Schedule { first: Duration::from_secs(5), longest: Duration::from_secs(3600), attempts: 20 }
}

/// The process manager.
pub struct Webhooks {
    commands: Arc<Commands>,
    settings: Settings,
    table: Table,
    runner: Runner<Follow>,
    changed: Arc<Notify>,
}

impl Webhooks {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db, settings: Settings) -> Result<Self, RunnerError> {
        let table = Table::open(db.clone()).await?;
        let changed = Arc::new(Notify::new());
        let runner = Runner::open(Arc::clone(&commands.store), db, Follow::new(Arc::clone(&changed))).await?;
        Ok(Self { commands, settings, table, runner, changed })
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Tells until told to stop; then finishes the calls that are under way. Ends early only when an event
    /// cannot be read.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let Self { commands, settings, table, runner, changed } = self;
        let stop_calling = stop.child_token();
        let post = Post { commands, settings, table, changed };
        let calling = tokio::spawn(Arc::new(post).run(stop_calling.clone(), health));
        let ended = runner.run(stop).await;
        stop_calling.cancel();
        calling.await.map_err(|_| RunnerError::BrokeOff)?;
        ended
    }
}

/// Whoever calls.
struct Post {
    commands: Arc<Commands>,
    settings: Settings,
    table: Table,
    changed: Arc<Notify>,
}

/// The calls that are under way.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<Pending>,
    webhooks: HashSet<event_schemas::WebhookId>,
    by_host: HashMap<String, usize>,
}

impl Flights {
    fn landed(&mut self, landed: Result<Pending, tokio::task::JoinError>) {
        match landed {
            Ok(pending) => {
                self.webhooks.remove(&pending.webhook_id);
                if let Some(count) = self.by_host.get_mut(&pending.host) {
                    *count -= 1;
                }
                self.by_host.retain(|_, count| *count > 0);
            }
            Err(error) => {
                // A fault of ours: what was under way then is called again when the process starts again.
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a webhook's call broke off");
            }
        }
    }
}

impl Post {
    async fn run(self: Arc<Self>, stop: CancellationToken, health: Health) {
        let mut flights = Flights::default();
        while !stop.is_cancelled() {
            let wait = match self.set_off(&mut flights).await {
                Ok(wait) => {
                    health.well();
                    wait
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "webhooks wait: trying again");
                    health.troubled(format!("webhooks: {error}"));
                    TROUBLE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.changed.notified() => {}
                Some(landed) = flights.tasks.join_next() => flights.landed(landed),
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(landed) = flights.tasks.join_next().await {
            flights.landed(landed);
        }
    }

    /// Calls whoever is due, as far as there is room. Answers how long to sleep.
    async fn set_off(self: &Arc<Self>, flights: &mut Flights) -> Result<Duration, DbError> {
        let now = self.commands.clock.now();
        for host in self.table.hosts_due(now).await? {
            let under_way = flights.by_host.get(&host).copied().unwrap_or(0);
            let room = self.settings.per_host.saturating_sub(under_way).min(AT_ONCE - flights.tasks.len());
            if room == 0 {
                continue;
            }
            // What is under way is due too, until it is settled or put back.
            let due = self.table.due(&host, now, under_way + room).await?;
            let fresh = due.into_iter().filter(|pending| !flights.webhooks.contains(&pending.webhook_id));
            for pending in fresh.take(room).collect::<Vec<_>>() {
                flights.webhooks.insert(pending.webhook_id);
                *flights.by_host.entry(host.clone()).or_default() += 1;
                let post = Arc::clone(self);
                flights.tasks.spawn(async move {
                    post.tell(&pending).await;
                    pending
                });
            }
        }
        let next = self.table.next_after(now).await?;
        Ok(next.map_or(LONGEST_SLEEP, |next| next.since(now).min(LONGEST_SLEEP)))
    }
}
