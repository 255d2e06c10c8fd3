//! The projection that derives the table of jobs from the log: a job is inserted by the event that begins it and
//! removed by the event that ends it.

use super::{Job, JobTable};
use crate::db::Tx;
use crate::decoded_log::DecodedEvent;
use crate::follow_error::FollowError;
use crate::runner::Projection;
use event_store::Filter;
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Decides which events begin and end jobs.
pub trait JobSource: Send + Sync + 'static {
    type Job: Job;
    /// The name of the outbox in log lines and metrics.
    const NAME: &'static str;
    /// The name of the checkpoint in the tables. Never change it: with another name the log is read from its beginning.
    const CHECKPOINT: &'static str;
    /// The script that creates the table. It must say `if not exists`.
    const SCRIPT: &'static str;
    /// Whether a claim must be on the disk before the attempt is made, so that even after a power failure the table
    /// has every attempt.
    const DURABLE: bool;

    /// The events to read.
    fn about(&self) -> Filter;

    /// The effect of an event on a job.
    fn effect_of(&self, event: &DecodedEvent) -> JobEffect<<Self::Job as Job>::Id>;

    /// The job that the event begins. `None` when the job is impossible.
    fn job_of(
        &mut self,
        event: &DecodedEvent,
    ) -> impl Future<Output = Result<Option<Self::Job>, FollowError>> + Send;
}

/// The effect of an event on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEffect<Id> {
    None,
    Begins(Id),
    Ends(Id),
}

/// Writes the jobs of a source.
pub struct JobProjection<S: JobSource> {
    source: S,
    table: JobTable<S::Job>,
    /// Receives each queue whose jobs changed.
    waker: mpsc::UnboundedSender<<S::Job as Job>::Queue>,
    to_wake: HashSet<<S::Job as Job>::Queue>,
}

impl<S: JobSource> JobProjection<S> {
    pub(super) fn new(
        source: S,
        table: JobTable<S::Job>,
        waker: mpsc::UnboundedSender<<S::Job as Job>::Queue>,
    ) -> Self {
        Self { source, table, waker, to_wake: HashSet::new() }
    }

    /// The jobs that a page begins and does not end, and the jobs of earlier pages that it ends.
    fn sort<'p>(&self, page: &'p [Arc<DecodedEvent>]) -> Sorted<'p, <S::Job as Job>::Id> {
        let (mut begun, mut ended) = (BTreeMap::new(), HashSet::new());
        for event in page {
            match self.source.effect_of(event) {
                JobEffect::None => {}
                JobEffect::Begins(id) => {
                    begun.insert(id, &**event);
                }
                JobEffect::Ends(id) => {
                    if begun.remove(&id).is_none() {
                        ended.insert(id);
                    }
                }
            }
        }
        (begun, ended)
    }
}

type Sorted<'p, Id> = (BTreeMap<Id, &'p DecodedEvent>, HashSet<Id>);

impl<S: JobSource> Projection for JobProjection<S> {
    fn name(&self) -> &'static str {
        S::CHECKPOINT
    }

    fn filter(&self) -> Filter {
        self.source.about()
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        let (begun, ended) = self.sort(page);
        for event in begun.into_values() {
            let Some(job) = self.source.job_of(event).await? else { continue };
            self.table.insert(tx, &job).await?;
            self.to_wake.insert(job.queue());
        }
        for id in ended {
            self.to_wake.extend(self.table.remove_in(tx, id).await?);
        }
        Ok(())
    }

    fn committed(&mut self) {
        for queue in self.to_wake.drain() {
            // The receiver is closed while the outbox stops.
            let _stopping = self.waker.send(queue);
        }
    }

    fn reset(&mut self) {
        self.to_wake.clear();
    }
}
