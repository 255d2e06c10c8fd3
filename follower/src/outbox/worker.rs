//! The worker of one queue, which makes a few attempts concurrently.

use super::{Attempt, Dispatcher, Job, JobTable, Limits, Outcome, RETRY, RetryReason};
use crate::db::DbError;
use crate::health::Health;
use crate::runner::Chain;
use event_schemas::{Clock, Timestamp};
use futures::FutureExt;
use std::error::Error;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// The longest sleep between two reads of the table: a missed wake delays a job by no more than this. A worker whose
/// queue is empty for this long ends.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// The parts that all workers share.
pub(super) struct WorkerContext<J, D> {
    /// The name in log lines.
    pub name: &'static str,
    pub table: JobTable<J>,
    pub dispatcher: D,
    pub clock: Clock,
    pub limits: Limits,
    /// One for each concurrent attempt of all queues.
    pub permits: Arc<Semaphore>,
    pub stop: CancellationToken,
    pub health: Health,
}

impl<J, D> WorkerContext<J, D> {
    /// Waits before a retry. `Break` when the process stops.
    pub async fn pause(&self, wait: Duration) -> ControlFlow<()> {
        tokio::select! {
            () = self.stop.cancelled() => ControlFlow::Break(()),
            () = tokio::time::sleep(wait) => ControlFlow::Continue(()),
        }
    }

    pub fn log_retry(&self, error: &DbError) {
        let error = error as &dyn Error;
        tracing::warn!(outbox = self.name, error, "the outbox cannot be used; trying again");
        self.health.set_error(format!("the outbox cannot be used: {}", Chain(error)));
    }
}

/// Attempts in progress. Each returns the time until which the queue is paused.
type InFlight = JoinSet<Option<Timestamp>>;

pub(super) struct QueueWorker<J: Job, D> {
    pub queue: J::Queue,
    pub context: Arc<WorkerContext<J, D>>,
    /// Notified when something may have changed for this queue.
    pub wake: Arc<Notify>,
}

/// The next step when all jobs that are due were dispatched.
enum Rest {
    Sleep(Duration),
    /// All jobs of the queue are in progress, or it has none.
    Empty,
}

impl<J: Job, D: Dispatcher<J>> QueueWorker<J, D> {
    /// Works until the process stops, and then finishes the attempts in progress. Ends earlier when its queue stays
    /// empty.
    pub async fn run(self) -> J::Queue {
        let stop = &self.context.stop;
        let mut in_flight = InFlight::new();
        let mut paused_until = None;
        while !stop.is_cancelled() {
            let rest = self.dispatch_due(&mut in_flight, paused_until).await;
            let (sleep, is_empty) = match rest {
                Rest::Sleep(sleep) => (sleep, false),
                Rest::Empty => (LONGEST_SLEEP, in_flight.is_empty()),
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => {}
                Some(completed) = in_flight.join_next() => {
                    paused_until = paused_until.max(self.completed(completed));
                    // Attempts that completed at the same time are followed by one claim.
                    while let Some(completed) = in_flight.try_join_next() {
                        paused_until = paused_until.max(self.completed(completed));
                    }
                }
                () = tokio::time::sleep(sleep) => {
                    if is_empty {
                        break;
                    }
                }
            }
        }
        while let Some(completed) = in_flight.join_next().await {
            self.completed(completed);
        }
        self.queue
    }

    /// Starts the attempts that are due, up to the limits.
    async fn dispatch_due(&self, in_flight: &mut InFlight, paused_until: Option<Timestamp>) -> Rest {
        let now = self.context.clock.now();
        if let Some(until) = paused_until
            && until > now
        {
            return Rest::Sleep(until.since(now).min(LONGEST_SLEEP));
        }
        match self.claim_due(in_flight, now).await {
            Ok(rest) => {
                self.context.health.clear_error();
                rest
            }
            Err(error) => {
                self.context.log_retry(&error);
                Rest::Sleep(RETRY)
            }
        }
    }

    async fn claim_due(&self, in_flight: &mut InFlight, now: Timestamp) -> Result<Rest, DbError> {
        let table = &self.context.table;
        loop {
            let room = self.context.limits.per_queue.saturating_sub(in_flight.len());
            // A read costs no transaction, and most wakes are about jobs that are in progress already.
            let Some(due) = table.next_due(&self.queue).await? else { return Ok(Rest::Empty) };
            if due > now {
                return Ok(Rest::Sleep(due.since(now).min(LONGEST_SLEEP)));
            }
            if room == 0 {
                return Ok(Rest::Sleep(LONGEST_SLEEP));
            }
            let Some(mut permits) = self.permits(room).await else { return Ok(Rest::Sleep(LONGEST_SLEEP)) };
            let claimed = table.claim(&self.queue, now, permits.num_permits()).await?;
            if claimed.is_empty() {
                // The job was just removed; the follower wakes this worker for the next job.
                return Ok(Rest::Sleep(RETRY));
            }
            for job in claimed {
                let (context, permit) = (Arc::clone(&self.context), permits.split(1));
                in_flight.spawn(async move {
                    let paused_until = context.attempt(job).await;
                    drop(permit);
                    paused_until
                });
            }
        }
    }

    /// Takes at least one permit, and as many as are free up to `most`. `None` when the process stops.
    async fn permits(&self, most: usize) -> Option<OwnedSemaphorePermit> {
        let all = &self.context.permits;
        let mut permits = tokio::select! {
            () = self.context.stop.cancelled() => return None,
            permit = Arc::clone(all).acquire_owned() => permit.ok()?,
        };
        while permits.num_permits() < most
            && let Ok(permit) = Arc::clone(all).try_acquire_owned()
        {
            permits.merge(permit);
        }
        Some(permits)
    }

    fn completed(&self, completed: Result<Option<Timestamp>, JoinError>) -> Option<Timestamp> {
        completed.unwrap_or_else(|error| {
            // The job stays claimed and is attempted again after a restart.
            let error = &error as &dyn Error;
            tracing::error!(outbox = self.context.name, queue = %self.queue, error, "an attempt was aborted");
            None
        })
    }
}

impl<J: Job, D: Dispatcher<J>> WorkerContext<J, D> {
    /// Makes an attempt of a claimed job. Returns the time until which its queue is paused.
    async fn attempt(&self, job: J) -> Option<Timestamp> {
        let attempt = AssertUnwindSafe(self.dispatcher.attempt(&job, &self.stop)).catch_unwind().await;
        let attempt = attempt.unwrap_or_else(|_panic| {
            // The other system may have accepted the job before the panic.
            tracing::error!(outbox = self.name, job = %job.id(), "an attempt panicked");
            let at = self.clock.now() + self.limits.grace;
            Attempt::from(Outcome::Retry { reason: RetryReason::Unknown, at })
        });
        while let Err(error) = self.settle(&job, attempt.outcome).await {
            self.log_retry(&error);
            if self.pause(RETRY).await.is_break() {
                break;
            }
        }
        attempt.pause_queue_until
    }

    async fn settle(&self, job: &J, outcome: Outcome) -> Result<(), DbError> {
        match outcome {
            Outcome::Recorded => Ok(()),
            Outcome::Over => self.table.remove(job.id()).await,
            Outcome::Retry { reason, at } => self.table.reschedule(job.id(), reason, at).await,
        }
    }
}
