//! Timers: conversations in which an action is due at a moment, without an event at that moment.
//!
//! A table has a row for each conversation that has a timer, with the moment at which it is due. A [`TimerSource`]
//! derives the rows from the log. When a timer is due, a [`TimerHandler`] executes a command on the conversation, whose
//! state decides what to do. So a restart, a replay, a second process or ten minutes of downtime repeat no action and
//! lose none.

mod source;
mod table;
mod waker;

pub use source::{Moment, TimerEffect, TimerSource};
pub use table::{DueTimer, TimerTable};

use crate::db::{Db, DbError};
use crate::decoded_log::DecodedLog;
use crate::health::Health;
use crate::runner::{Chain, Runner, RunnerError, Watch};
use event_schemas::{Clock, Timestamp};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use source::TimerProjection;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use table::TimerRows;
use tokio_util::sync::CancellationToken;
use waker::Waker;

/// The longest sleep between two reads of the table, in case the machine's clock was changed.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// The longest sleep when a test moves the clock.
const MANUAL_SLEEP: Duration = Duration::from_millis(5);
/// The number of timers that are handled concurrently. Their appends share commits, which matters when many timers are
/// due at the start of business hours.
const CONCURRENCY: usize = 64;
/// How long to wait before a retry.
pub const RETRY: Duration = Duration::from_millis(500);

/// Handles a conversation whose timer is due.
pub trait TimerHandler: Send + Sync + 'static {
    type Error: TimerError;

    /// Performs the action that is due. Returns the moment at which the conversation is due again, or `None` when no
    /// timer is set until the next event.
    fn handle<'a>(
        &'a self,
        timer: &'a DueTimer,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, Self::Error>>;
}

/// The reason why a timer could not be handled.
pub trait TimerError: Error + Send + Sync + 'static {
    fn recovery(&self) -> Recovery;
}

/// The next step when a timer could not be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// No timer can be handled at the moment. All are tried again after [`RETRY`].
    RetryAll,
    /// This timer is tried again after [`RETRY`].
    RetryThis,
    /// This timer cannot be handled until an event changes its conversation.
    WaitForEvent,
}

/// The timers of one kind: the follower that writes their rows, and the worker that handles those that are due.
pub struct Timers<S: TimerSource, H> {
    runner: Runner<TimerProjection<S>>,
    worker: Worker<H>,
}

impl<S: TimerSource, H: TimerHandler> Timers<S, H> {
    /// Opens the timers at the stored checkpoint. `db` may have other tables too.
    pub async fn open(
        log: &DecodedLog,
        db: Db,
        clock: Clock,
        source: S,
        handler: H,
    ) -> Result<Self, RunnerError> {
        let rows = TimerRows::open(&db, S::TABLE).await?;
        let waker = Arc::new(Waker::default());
        let projection = TimerProjection::new(source, rows.clone(), clock.clone(), Arc::clone(&waker));
        let runner = Runner::open(log.clone(), db.clone(), projection).await?;
        Ok(Self { runner, worker: Worker { name: S::NAME, clock, db, rows, waker, handler } })
    }

    /// The progress of the follower in the log.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Works until `stop` is cancelled. Ends early only with an error that a retry cannot fix.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let stop_worker = stop.child_token();
        let working = tokio::spawn(self.worker.run(stop_worker.clone(), health));
        let ended = self.runner.run(stop).await;
        stop_worker.cancel();
        working.await.map_err(|_| RunnerError::Panicked)?;
        ended
    }
}

/// Sleeps until the next timer is due, and handles the timers that are due.
struct Worker<H> {
    /// The name in log lines.
    name: &'static str,
    clock: Clock,
    db: Db,
    rows: TimerRows,
    waker: Arc<Waker>,
    handler: H,
}

/// The reason why no timer could be handled.
#[derive(Debug, thiserror::Error)]
enum WorkerError<E: Error + 'static> {
    #[error("the table of timers cannot be used")]
    Db(#[from] DbError),
    #[error("no conversation can be loaded or changed")]
    Handler(#[source] E),
}

impl<H: TimerHandler> Worker<H> {
    async fn run(self, stop: CancellationToken, health: Health) {
        while !stop.is_cancelled() {
            let wait = match self.handle_due().await {
                Ok(wait) => {
                    health.clear_error();
                    wait
                }
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(timers = self.name, error, "timers cannot be handled; trying again");
                    health.set_error(Chain(error).to_string());
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.waker.woken() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Handles all timers that are due, and returns how long to sleep.
    async fn handle_due(&self) -> Result<Duration, WorkerError<H::Error>> {
        self.waker.reading();
        loop {
            let due = self.rows.due(&self.db, self.clock.now()).await?;
            if due.is_empty() {
                break;
            }
            let mut handling: Vec<BoxFuture<'_, _>> = Vec::with_capacity(due.len());
            for timer in due {
                handling.push(Box::pin(self.handle(timer)));
            }
            let handled: Vec<_> = stream::iter(handling).buffer_unordered(CONCURRENCY).try_collect().await?;
            self.rows.reschedule(&self.db, &handled).await?;
        }
        let longest = match self.clock {
            Clock::System => LONGEST_SLEEP,
            Clock::Manual(_) => MANUAL_SLEEP,
        };
        let next = self.rows.next(&self.db).await?;
        let now = self.clock.now();
        let wait = next.map_or(longest, |next| next.since(now).min(longest));
        self.waker.sleeping_until(now + wait);
        Ok(wait)
    }

    async fn handle(&self, timer: DueTimer) -> Result<(DueTimer, Option<Timestamp>), WorkerError<H::Error>> {
        let now = self.clock.now();
        let error = match self.handler.handle(&timer, now).await {
            Ok(again) => return Ok((timer, again)),
            Err(error) => error,
        };
        let again = match error.recovery() {
            Recovery::RetryAll => return Err(WorkerError::Handler(error)),
            Recovery::RetryThis => Some(now + RETRY),
            Recovery::WaitForEvent => None,
        };
        let error = &error as &dyn Error;
        tracing::error!(timers = self.name, conversation_id = %timer.id, error, "a timer cannot be handled");
        Ok((timer, again))
    }
}
