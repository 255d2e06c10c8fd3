//! The process managers, which follow the log and execute commands: everything that Verbatim does without a request.

mod agent_router;
mod automation;
mod bot_router;
mod bulk_actions;
pub mod delivery;
mod history;
mod inactivity;
mod manager;
mod or_skip;
pub mod outgoing_webhooks;
mod past;
mod record;
pub mod restore;
#[cfg(test)]
mod samples;
mod scheduled_messages;
mod sla_timers;
mod supervisor;
mod timer_error;
mod unanswered;

pub use agent_router::AgentRouter;
pub use automation::Automation;
pub use bot_router::BotRouter;
pub use bulk_actions::BulkActions;
pub use delivery::Delivery;
pub use follower::Health;
pub use follower::outbox::Schedule;
pub use inactivity::Inactivity;
pub use manager::{Context, OpenError, ProcessManager};
pub use outgoing_webhooks::OutgoingWebhooks;
pub use scheduled_messages::ScheduledMessages;
pub use sla_timers::SlaTimers;
pub use unanswered::Unanswered;

use commands::Commands;
use follower::{DecodedLog, Lease, Leases, Location};
use history::History;
use manager::{Opened, Registered};
use std::sync::Arc;
use std::time::Duration;
use supervisor::{RESTART_AFTER, Status, Supervisor};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Every process manager.
const MANAGERS: &[Registered] = &[
    Registered::of::<Delivery>(),
    Registered::of::<SlaTimers>(),
    Registered::of::<BotRouter>(),
    Registered::of::<AgentRouter>(),
    Registered::of::<Inactivity>(),
    Registered::of::<Automation>(),
    Registered::of::<Unanswered>(),
    Registered::of::<OutgoingWebhooks>(),
    Registered::of::<BulkActions>(),
    Registered::of::<ScheduledMessages>(),
];

/// The names of all process managers in readiness, logs and metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    MANAGERS.iter().map(|manager| manager.name)
}

/// The name of the lease. Only the process that holds it runs process managers.
pub const LEASE: &str = "process-managers";
/// How long to wait before a retry when a manager cannot be opened.
const RETRY: Duration = Duration::from_millis(500);

/// The settings of the process managers.
#[derive(Clone, Debug)]
pub struct Settings {
    pub delivery: delivery::Settings,
    pub outgoing_webhooks: outgoing_webhooks::Settings,
}

/// All process managers. They run while this process holds their lease.
///
/// When this process takes the lease, it opens all of them. When one cannot be opened, the lease is released, so that
/// another process may try. After that each one runs independently: one that fails is restarted and stops no other.
pub struct ProcessManagers {
    context: Context,
    statuses: Vec<Arc<Status>>,
}

impl ProcessManagers {
    /// Creates the process managers with their tables in this location.
    pub fn new(location: Location, log: DecodedLog, commands: Arc<Commands>, settings: Settings) -> Self {
        let context = Context::new(location, log, commands, settings);
        let statuses = MANAGERS.iter().map(|manager| Arc::new(Status::of(manager.name))).collect();
        Self { context, statuses }
    }

    /// Returns a function that gives the current errors with the managers' names. It gives `None` when all work.
    pub fn error(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let statuses = self.statuses.clone();
        move || {
            let errors: Vec<_> = statuses.iter().filter_map(|status| status.error()).collect();
            (!errors.is_empty()).then(|| errors.join("; "))
        }
    }

    /// Runs the managers while this process holds the lease, until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let leases = Leases::new(self.context.location());
        // While another process holds the lease, errors of an earlier attempt of this process no longer count.
        let clear = || self.statuses.iter().for_each(|status| status.clear());
        while let Some(lease) = leases.take_after(LEASE, &stop, clear).await {
            match self.open_all().await {
                Some(opened) => {
                    self.work(opened, &lease, &stop).await;
                    lease.release().await;
                }
                None => {
                    lease.release().await;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
    }

    /// Opens all managers. `None` when one cannot be opened.
    async fn open_all(&self) -> Option<Vec<(Opened, Context)>> {
        let mut all = Vec::with_capacity(MANAGERS.len());
        let history = match History::read(&self.context.location()).await {
            Ok(history) => history,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the process managers cannot start; trying again");
                self.statuses.iter().for_each(|status| status.failed(error));
                return None;
            }
        };
        for (manager, status) in MANAGERS.iter().zip(&self.statuses) {
            let context = self.context.fresh(history);
            match manager.open(&context).await {
                Ok(opened) => {
                    status.clear();
                    all.push((opened, context));
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    let manager = manager.name;
                    tracing::warn!(manager, error, "a process manager cannot start; trying again");
                    status.failed(error);
                    return None;
                }
            }
        }
        Some(all)
    }

    async fn work(&self, opened: Vec<(Opened, Context)>, lease: &Lease, stop: &CancellationToken) {
        let stop = stop.child_token();
        let mut tasks = JoinSet::new();
        for ((manager, status), (opened, context)) in MANAGERS.iter().zip(&self.statuses).zip(opened) {
            let (status, stop) = (Arc::clone(status), stop.clone());
            let supervisor = Supervisor { manager, context, status, stop, restart_after: RESTART_AFTER };
            tasks.spawn(supervisor.run(opened));
        }
        let mut working = std::pin::pin!(async {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the supervisor of a process manager panicked");
                }
            }
        });
        tokio::select! {
            () = &mut working => {}
            () = lease.lost() => {
                stop.cancel();
                working.await;
            }
        }
    }
}
