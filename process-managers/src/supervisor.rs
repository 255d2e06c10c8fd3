//! Runs one process manager, starts it again when it fails, and knows how it is.

use crate::manager::{Context, Opened, Registered};
use follower::runner::Chain;
use follower::{Condition, Health, RunnerError, Watch};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long to wait before a manager that failed is started again.
const RESTART: Duration = Duration::from_secs(5);
/// How long a manager must run before its last failure is no longer reported.
const PROVEN: Duration = Duration::from_secs(2);

/// How one process manager is.
pub(crate) struct Status {
    name: &'static str,
    health: Health,
    /// What follows from its last failure. Well while nothing has failed.
    failure: Health,
    /// `None` while it does not run here.
    watch: Mutex<Option<Watch>>,
}

impl Status {
    pub(crate) fn of(name: &'static str) -> Self {
        Self { name, health: Health::default(), failure: Health::default(), watch: Mutex::default() }
    }

    /// What is wrong, with the manager's name. `None` when nothing is.
    pub(crate) fn trouble(&self) -> Option<String> {
        let trouble =
            self.failure.trouble().or_else(|| self.health.trouble()).or_else(|| self.standstill())?;
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
        self.health.well();
        self.failure.well();
    }

    pub(crate) fn failed(&self, error: &dyn Error) {
        self.failure.troubled(Chain(error).to_string());
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

/// Runs a manager until told to stop. When it fails it is opened again after a while.
pub(crate) async fn supervise(
    registered: &'static Registered,
    opened: Opened,
    context: Context,
    status: Arc<Status>,
    stop: CancellationToken,
) {
    let mut next = Some(opened);
    while !stop.is_cancelled() {
        let opened = match next.take() {
            Some(opened) => Ok(opened),
            None => registered.open(&context).await,
        };
        let failed: Option<Box<dyn Error + Send + Sync>> = match opened {
            Ok(opened) => run(opened, &status, &stop).await.err().map(Into::into),
            Err(error) => Some(error.into()),
        };
        status.ended();
        context.close_tables().await;
        let Some(error) = failed else { return };
        status.failed(&*error);
        tracing::error!(
            manager = registered.name,
            error = &*error as &dyn Error,
            "a process manager failed and is started again"
        );
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(RESTART) => {}
        }
    }
    context.close_tables().await;
}

async fn run(opened: Opened, status: &Status, stop: &CancellationToken) -> Result<(), RunnerError> {
    status.runs(opened.watch);
    // In a task of its own, so that a panic is seen as a failure.
    let mut running = AbortOnDropHandle::new(tokio::spawn((opened.run)(stop.clone(), status.health.clone())));
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = tokio::time::sleep(PROVEN) => {
            status.failure.well();
            running.await
        }
    };
    ended.unwrap_or(Err(RunnerError::BrokeOff))
}
