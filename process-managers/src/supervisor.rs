//! Runs one process manager, restarts it when it fails, and reports its status.

use crate::manager::{Context, Opened, Registered};
use follower::runner::Chain;
use follower::{Condition, Health, RunnerError, Watch};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The [`Supervisor::restart_after`] of every manager.
pub(crate) const RESTART_AFTER: Duration = Duration::from_secs(5);
/// How long a manager must run after a restart before its last failure is no longer reported.
const FAILURE_REPORTED_FOR: Duration = Duration::from_secs(2);

/// The status of one process manager.
pub(crate) struct Status {
    name: &'static str,
    health: Health,
    /// The last failure. Without an error when the manager has not failed, or has run again for a while.
    failure: Health,
    /// `None` while the manager does not run in this process.
    watch: Mutex<Option<Watch>>,
}

impl Status {
    pub(crate) fn of(name: &'static str) -> Self {
        Self { name, health: Health::default(), failure: Health::default(), watch: Mutex::default() }
    }

    /// The current error with the manager's name. `None` when the manager works.
    pub(crate) fn error(&self) -> Option<String> {
        let error = self.failure.error().or_else(|| self.health.error()).or_else(|| self.follower_error())?;
        Some(format!("{}: {error}", self.name))
    }

    /// The error of the manager's follower.
    fn follower_error(&self) -> Option<String> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        match watch.as_ref()?.progress().condition {
            Condition::Running => None,
            Condition::Retrying { error } | Condition::Stopped { error } => Some(error),
        }
    }

    /// Removes all errors, because the manager works or another process holds the lease.
    pub(crate) fn clear(&self) {
        self.health.clear_error();
        self.failure.clear_error();
    }

    pub(crate) fn failed(&self, error: &dyn Error) {
        self.failure.set_error(Chain(error).to_string());
        metrics::counter!("verbatim_process_manager_failures_total", "manager" => self.name).increment(1);
    }

    fn runs(&self, watch: Option<Watch>) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = watch;
        metrics::gauge!("verbatim_process_manager_up", "manager" => self.name).set(1.0);
    }

    fn ended(&self) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = None;
        metrics::gauge!("verbatim_process_manager_up", "manager" => self.name).set(0.0);
    }
}

/// Runs one manager.
pub(crate) struct Supervisor {
    pub manager: &'static Registered,
    pub context: Context,
    pub status: Arc<Status>,
    pub stop: CancellationToken,
    /// How long to wait before a failed manager is restarted.
    pub restart_after: Duration,
}

impl Supervisor {
    /// Runs the manager until `stop` is cancelled. When it fails, it is opened again after a wait.
    pub(crate) async fn run(self, opened: Opened) {
        let mut next = Some(opened);
        while !self.stop.is_cancelled() {
            let opened = match next.take() {
                Some(opened) => Ok(opened),
                None => self.manager.open(&self.context).await,
            };
            let failed: Option<Box<dyn Error + Send + Sync>> = match opened {
                Ok(opened) => self.run_once(opened).await.err().map(Into::into),
                Err(error) => Some(error.into()),
            };
            self.status.ended();
            self.context.close_tables().await;
            let Some(error) = failed else { return };
            self.status.failed(&*error);
            tracing::error!(
                manager = self.manager.name,
                error = &*error as &dyn Error,
                "a process manager failed and is restarted"
            );
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(self.restart_after) => {}
            }
        }
        self.context.close_tables().await;
    }

    async fn run_once(&self, opened: Opened) -> Result<(), RunnerError> {
        self.status.runs(opened.watch);
        let run = (opened.run)(self.stop.clone(), self.status.health.clone());
        // The manager runs in a task of its own, so that a panic counts as a failure.
        let mut running = AbortOnDropHandle::new(tokio::spawn(run));
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = tokio::time::sleep(FAILURE_REPORTED_FOR) => {
                self.status.failure.clear_error();
                running.await
            }
        };
        ended.unwrap_or(Err(RunnerError::Panicked))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::manager::{OpenError, ProcessManager};
    use crate::restore::TableSet;
    use commands::Commands;
    use event_schemas::Clock;
    use event_store::EventStore;
    use event_store::sqlite::SqliteStore;
    use follower::{DecodedLog, Location};
    use providers::outgoing_webhook::WebhookClient;
    use providers::{Providers, Timeouts};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;
    use tempfile::TempDir;

    static STARTS: AtomicU32 = AtomicU32::new(0);

    /// Fails the first time, panics the second time, and works from then on.
    struct Unreliable;

    impl ProcessManager for Unreliable {
        const NAME: &'static str = "unreliable";
        const TABLES: Option<TableSet> = None;
        async fn open(context: &Context) -> Result<Self, OpenError> {
            context.tables("unreliable").await?;
            Ok(Self)
        }
        fn watch(&self) -> Option<Watch> {
            None
        }
        async fn run(self, stop: CancellationToken, _: Health) -> Result<(), RunnerError> {
            match STARTS.fetch_add(1, Ordering::SeqCst) {
                0 => Err(RunnerError::Panicked),
                1 => panic!("a panic for the test"),
                _working => {
                    stop.cancelled().await;
                    Ok(())
                }
            }
        }
    }

    const UNRELIABLE: &Registered = &Registered::of::<Unreliable>();

    async fn context(folder: &TempDir) -> Context {
        let store = SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
        let store: Arc<dyn EventStore> = store;
        let timeouts = Timeouts::default();
        let providers = Providers::new([], timeouts, Clock::System).unwrap();
        let commands = Arc::new(Commands::new(Arc::clone(&store), Arc::new(providers), Clock::System));
        let client = WebhookClient::new(Timeouts::default().into()).unwrap();
        let settings = crate::Settings {
            delivery: crate::delivery::Settings::default(),
            outgoing_webhooks: crate::outgoing_webhooks::Settings::of(client, String::new()),
        };
        Context::new(Location::from(folder.path()), DecodedLog::shared(store), commands, settings)
    }

    async fn eventually(what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < deadline, "still not: {what}");
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    #[tokio::test]
    async fn a_manager_that_fails_or_panics_is_reported_and_restarted() {
        let folder = tempfile::tempdir().unwrap();
        let (context, stop) = (context(&folder).await, CancellationToken::new());
        let status = Arc::new(Status::of(UNRELIABLE.name));
        let opened = UNRELIABLE.open(&context).await.unwrap();
        let supervisor = Supervisor {
            manager: UNRELIABLE,
            context,
            status: Arc::clone(&status),
            stop: stop.clone(),
            restart_after: Duration::from_millis(10),
        };
        let running = tokio::spawn(supervisor.run(opened));
        eventually("the failure is reported", || {
            status.error().is_some_and(|error| error.starts_with("unreliable: "))
        })
        .await;
        eventually("the manager was restarted twice", || STARTS.load(Ordering::SeqCst) == 3).await;
        eventually("no failure is reported", || status.error().is_none()).await;
        stop.cancel();
        running.await.unwrap();
    }
}
