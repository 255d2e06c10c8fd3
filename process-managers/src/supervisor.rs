//! Runs one process manager, starts it again when it fails, and knows how it is.

use crate::manager::{Context, Opened, Registered};
use follower::runner::Chain;
use follower::{Condition, Health, RunnerError, Watch};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// [`Supervisor::restart`] of every manager.
pub(crate) const RESTART: Duration = Duration::from_secs(5);
/// How long a manager must run before its last failure is no longer reported.
const PROVEN: Duration = Duration::from_secs(2);

/// How one process manager is.
pub(crate) struct Status {
    name: &'static str,
    health: Health,
    /// The state after the last failure; well while nothing has failed.
    failure: Health,
    /// `None` while it does not run here.
    watch: Mutex<Option<Watch>>,
}

impl Status {
    pub(crate) fn of(name: &'static str) -> Self {
        Self { name, health: Health::default(), failure: Health::default(), watch: Mutex::default() }
    }

    /// The failure, with the manager's name. `None` when there is none.
    pub(crate) fn error(&self) -> Option<String> {
        let trouble = self.failure.error().or_else(|| self.health.error()).or_else(|| self.standstill())?;
        Some(format!("{}: {trouble}", self.name))
    }

    fn standstill(&self) -> Option<String> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        match watch.as_ref()?.progress().condition {
            Condition::Running => None,
            Condition::Retrying { error } | Condition::Stopped { error } => Some(error),
        }
    }

    /// Nothing is wrong here, whatever was before: the manager works well, or another process does the work.
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
    /// How long to wait before a manager that failed is started again.
    pub restart: Duration,
}

impl Supervisor {
    /// Runs the manager until told to stop. When it fails it is opened again after a while.
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
                "a process manager failed and is started again"
            );
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(self.restart) => {}
            }
        }
        self.context.close_tables().await;
    }

    async fn run_once(&self, opened: Opened) -> Result<(), RunnerError> {
        self.status.runs(opened.watch);
        let run = (opened.run)(self.stop.clone(), self.status.health.clone());
        // In a task of its own, so that a panic is seen as a failure.
        let mut running = AbortOnDropHandle::new(tokio::spawn(run));
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = tokio::time::sleep(PROVEN) => {
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
    use commands::Commands;
    use event_schemas::Clock;
    use event_store::EventStore;
    use event_store::sqlite::SqliteStore;
    use follower::{DecodedLog, Location};
    use providers::outgoing_webhook::{Addresses, Caller};
    use providers::{Providers, Timeouts};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;
    use tempfile::TempDir;

    static STARTS: AtomicU32 = AtomicU32::new(0);

    /// Fails the first time, panics the second time, and works from then on.
    struct Unreliable;

    impl ProcessManager for Unreliable {
        const NAME: &'static str = "unreliable";
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
                1 => panic!("as a fault of the program does"),
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
        let caller = Caller::new(Timeouts::default(), Addresses::PublicOnly).unwrap();
        let settings = crate::Settings {
            delivery: crate::delivery::Settings::default(),
            outgoing_webhooks: crate::outgoing_webhooks::Settings::of(caller, String::new()),
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
    async fn a_manager_that_fails_or_panics_is_named_and_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let (context, stop) = (context(&folder).await, CancellationToken::new());
        let status = Arc::new(Status::of(UNRELIABLE.name));
        let opened = UNRELIABLE.open(&context).await.unwrap();
        let supervisor = Supervisor {
            manager: UNRELIABLE,
            context,
            status: Arc::clone(&status),
            stop: stop.clone(),
            restart: Duration::from_millis(10),
        };
        let running = tokio::spawn(supervisor.run(opened));
        eventually("a failure that is named", || {
            status.error().is_some_and(|trouble| trouble.starts_with("unreliable: "))
        })
        .await;
        eventually("two restarts", || STARTS.load(Ordering::SeqCst) == 3).await;
        eventually("nothing wrong any more", || status.error().is_none()).await;
        stop.cancel();
        running.await.unwrap();
    }
}
