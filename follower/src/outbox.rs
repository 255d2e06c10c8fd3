//! An outbox: jobs for other systems, each attempted until its end is in the log.
//!
//! The log says which jobs begin and end; a table says when the next attempt of each is due. An attempt is recorded in
//! the table before it is made. So after a restart the jobs are known whose attempt was in progress: each waits for
//! [`Limits::grace`], during which its end may still arrive from the log, before it is attempted again.
//!
//! The jobs of one queue share its limits, and each queue has a worker of its own, so that a system that is slow or
//! unavailable delays only its own queue.

mod schedule;
mod source;
mod table;
mod worker;

pub use schedule::Schedule;
pub use source::{JobEffect, JobSource};
pub use table::{Job, JobState, JobTable, Order, RetryReason};

use crate::db::Db;
use crate::decoded_log::DecodedLog;
use crate::health::Health;
use crate::runner::{Runner, RunnerError, Watch};
use event_schemas::{Clock, Timestamp};
use futures::FutureExt;
use futures::future::BoxFuture;
use source::JobProjection;
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use worker::{QueueWorker, WorkerContext};

/// How long to wait when the table or the log cannot be used.
pub const RETRY: Duration = Duration::from_millis(500);

/// How often the number of jobs is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Makes the attempts.
pub trait Dispatcher<J: Job>: Send + Sync + 'static {
    /// Makes one attempt, and appends the end of the job to the log when it has ended. `stop` is cancelled when the
    /// process stops: the attempt is still finished, but not repeated.
    fn attempt<'a>(&'a self, job: &'a J, stop: &'a CancellationToken) -> BoxFuture<'a, Attempt>;
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: Outcome,
    /// The time before which the other system wants no request of this queue. `None` when it did not say.
    pub pause_queue_until: Option<Timestamp>,
}

/// The state of a job after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The end of the job is in the log, and the follower removes the job when it reads it. When the process stops
    /// before the end is in the log, the attempt counts as in progress.
    Recorded,
    /// The job has ended, and no later event in the log says so.
    Over,
    Retry {
        reason: RetryReason,
        at: Timestamp,
    },
}

impl From<Outcome> for Attempt {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, pause_queue_until: None }
    }
}

/// The number of concurrent attempts, and the wait after an interrupted one.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Concurrent attempts of one queue.
    pub per_queue: usize,
    /// Concurrent attempts of all queues. `None` for no limit.
    pub in_total: Option<usize>,
    /// How long to wait for the end of an attempt that was in progress when the process ended, or that panicked.
    pub grace: Duration,
}

/// The jobs of one kind: the follower that writes their table, and the workers that make the attempts.
pub struct Outbox<S: JobSource, D> {
    runner: Runner<JobProjection<S>>,
    table: JobTable<S::Job>,
    dispatcher: D,
    clock: Clock,
    limits: Limits,
    wakes: mpsc::UnboundedReceiver<QueueOf<S>>,
}

type QueueOf<S> = <<S as JobSource>::Job as Job>::Queue;

impl<S: JobSource, D: Dispatcher<S::Job>> Outbox<S, D> {
    /// Opens the outbox at the stored checkpoint. `db` may have other tables too.
    pub async fn open(
        log: &DecodedLog,
        db: Db,
        clock: Clock,
        limits: Limits,
        source: S,
        dispatcher: D,
    ) -> Result<Self, RunnerError> {
        if S::DURABLE {
            db.make_durable().await?;
        }
        let table = JobTable::open(db, S::SCRIPT).await?;
        let in_doubt = table.recover(clock.now() + limits.grace).await?;
        if in_doubt > 0 {
            tracing::warn!(
                outbox = S::NAME,
                jobs = in_doubt,
                "attempts were in progress when the process ended"
            );
        }
        let (waker, wakes) = mpsc::unbounded_channel();
        let projection = JobProjection::new(source, table.clone(), waker);
        let runner = Runner::open(log.clone(), table.db().clone(), projection).await?;
        Ok(Self { runner, table, dispatcher, clock, limits, wakes })
    }

    /// The jobs whose end is not in the log.
    pub fn table(&self) -> JobTable<S::Job> {
        self.table.clone()
    }

    /// The progress of the follower in the log.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Works until `stop` is cancelled, and then finishes the attempts in progress. Ends early only with an error that a
    /// retry cannot fix.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let Self { runner, table, dispatcher, clock, limits, mut wakes } = self;
        // The workers end when the follower ends, for any reason.
        let stop_workers = stop.child_token();
        let permits = limits.in_total.unwrap_or(Semaphore::MAX_PERMITS);
        let context = Arc::new(WorkerContext {
            name: S::NAME,
            table,
            dispatcher,
            clock,
            limits,
            permits: Arc::new(Semaphore::new(permits)),
            stop: stop_workers.clone(),
            health,
        });
        let mut workers = Workers { context, wakes: HashMap::new(), tasks: JoinSet::new() };
        workers.start().await;
        let mut measure = tokio::time::interval(MEASURE);
        let mut following = std::pin::pin!(runner.run(stop));
        let ended = loop {
            tokio::select! {
                ended = &mut following => break ended,
                Some(queue) = wakes.recv() => workers.wake(queue),
                Some(ended) = workers.tasks.join_next() => workers.ended(ended),
                _ = measure.tick() => workers.measure().await,
            }
        };
        stop_workers.cancel();
        while workers.tasks.join_next().await.is_some() {}
        ended
    }
}

/// A worker for every queue that has jobs.
struct Workers<J: Job, D> {
    context: Arc<WorkerContext<J, D>>,
    wakes: HashMap<J::Queue, Arc<Notify>>,
    tasks: JoinSet<J::Queue>,
}

impl<J: Job, D: Dispatcher<J>> Workers<J, D> {
    /// Starts a worker for each queue that already has jobs.
    async fn start(&mut self) {
        loop {
            match self.context.table.queues().await {
                Ok(queues) => return queues.into_iter().for_each(|queue| self.wake(queue)),
                Err(error) => {
                    self.context.log_retry(&error);
                    if self.context.pause(RETRY).await.is_break() {
                        return;
                    }
                }
            }
        }
    }

    fn wake(&mut self, queue: J::Queue) {
        let wake = self.wakes.entry(queue.clone()).or_insert_with(|| {
            let wake = Arc::new(Notify::new());
            let worker = QueueWorker { queue, context: Arc::clone(&self.context), wake: Arc::clone(&wake) };
            self.tasks.spawn(worker.run());
            wake
        });
        wake.notify_one();
    }

    /// A worker ends when its queue has been empty for a while, when the outbox stops, or when it panics. After a panic
    /// the queue gets a new worker with its next job.
    fn ended(&mut self, ended: Result<J::Queue, JoinError>) {
        match ended {
            Ok(queue) => {
                // The worker may have been woken after it had ended.
                let wake = self.wakes.remove(&queue);
                if wake.is_some_and(|wake| wake.notified().now_or_never().is_some()) {
                    self.wake(queue);
                }
            }
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(outbox = self.context.name, error, "the worker of a queue panicked");
                self.wakes.retain(|_, wake| Arc::strong_count(wake) > 1);
            }
        }
    }

    async fn measure(&self) {
        // A gauge that cannot be read keeps its last value.
        if let Ok(jobs) = self.context.table.len().await {
            metrics::gauge!("verbatim_outbox_jobs", "outbox" => self.context.name).set(jobs as f64);
        }
    }
}
