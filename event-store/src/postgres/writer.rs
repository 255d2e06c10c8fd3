//! The writer of a node: takes the appends that have arrived, commits them as one group, answers each caller.
//!
//! A node has two writers, which alternate: while the server flushes one group, the next group is sent and waits
//! at the server for the lock. Neither writer needs to know what the other is about to write, because the server
//! compares, under the lock, what a group assumes about its streams with their current state.

use super::fast_path::{End, FastPath};
use super::plan::{Outcome, Plan, Written};
use super::server::{Connection, Server, code, is_lost, reason, unavailable, with_timeout};
use super::statement::{Statement, Value};
use super::{Heads, MAX_EVENTS, import};
use crate::append_metrics::AppendMetrics;
use crate::judge::{self, Append, Head, Known, Location};
use crate::recent::RecentEvents;
use crate::{AppendError, Appended, Unavailable};
use event_schemas::{Clock, EventId, Position, Recorded, StreamId, Timestamp, Version};
use sqlx::Row as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

/// A request of a caller to the writer.
pub enum Job {
    Append(PendingAppend),
    Import { events: Vec<Recorded>, answer: oneshot::Sender<Result<Option<Position>, AppendError>> },
    Check { answer: oneshot::Sender<Result<(), Unavailable>> },
    Close,
}

/// An append and the caller that waits for its result.
pub struct PendingAppend {
    pub append: Append,
    pub answer: oneshot::Sender<Result<Appended, AppendError>>,
    /// `true` when the group was sent to the server and its result was lost.
    pub in_doubt: bool,
}

/// How long a group whose connection was lost tries to connect again before its callers get an error.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);
const LOOKUP_PAUSE: Duration = Duration::from_millis(20);

pub struct Writer {
    pub server: Arc<Server>,
    pub clock: Clock,
    pub heads: Arc<Heads>,
    pub recent: Arc<RecentEvents>,
    pub fast_path: Arc<FastPath>,
    /// Wakes this node's readers.
    pub grew: watch::Sender<u64>,
    /// Makes this node notify the other nodes.
    pub wrote: watch::Sender<u64>,
    /// Whether the last write of this node failed.
    pub unhealthy: Arc<AtomicBool>,
    pub metrics: AppendMetrics,
    /// `None` when it must be opened before the next group. A connection that has failed is not used again.
    pub connection: Option<Connection>,
}

impl Writer {
    pub async fn run(mut self, queue: Arc<Mutex<mpsc::Receiver<Job>>>) {
        let mut jobs = Vec::with_capacity(MAX_EVENTS);
        // Whether the last group held jobs of several callers.
        let mut shared = false;
        loop {
            let mut queue = queue.lock().await;
            if queue.recv_many(&mut jobs, MAX_EVENTS).await == 0 {
                break;
            }
            // Callers that have just been answered may have their next append ready: yielding lets them enqueue
            // it before the next flush. It costs no waiting time. A single caller needs no yield.
            if shared || jobs.len() > 1 {
                tokio::task::yield_now().await;
            }
            while jobs.len() < MAX_EVENTS {
                let Ok(job) = queue.try_recv() else { break };
                jobs.push(job);
            }
            if jobs.iter().any(|job| matches!(job, Job::Close)) {
                queue.close();
            }
            // The other writer takes the next group: at once or, while other nodes append and the lock has to be
            // waited for anyway, when this group is done.
            let held_queue = self.fast_path.others_append().then_some(queue);
            shared = jobs.len() > 1;
            self.process(&mut jobs).await;
            drop(held_queue);
        }
    }

    async fn process(&mut self, jobs: &mut Vec<Job>) {
        let (mut group, mut events) = (Vec::with_capacity(jobs.len()), 0);
        for job in jobs.drain(..) {
            match job {
                Job::Append(pending) => {
                    if events + pending.append.rows.len() > MAX_EVENTS {
                        self.commit(std::mem::take(&mut group)).await;
                        events = 0;
                    }
                    events += pending.append.rows.len();
                    group.push(pending);
                }
                Job::Import { events, answer } => {
                    let imported = self.import(events).await;
                    let _caller_gone = answer.send(imported);
                }
                Job::Check { answer } => {
                    let _caller_gone = answer.send(self.check().await);
                }
                Job::Close => {}
            }
        }
        self.commit(group).await;
    }

    async fn commit(&mut self, mut group: Vec<PendingAppend>) {
        if group.is_empty() {
            return;
        }
        let began = Instant::now();
        // Each round either writes the first append of the group, or learns why it must not be written, or finds
        // that another node has written first. The limit only ends the loop for a log that is inconsistent.
        for _ in 0..group.len() + 20 {
            match self.attempt(&mut group).await {
                Ok(0) => {}
                Ok(events) => {
                    self.metrics.commit_seconds.record(began.elapsed());
                    self.metrics.commit_events.record(events as f64);
                    self.metrics.appended.increment(events as u64);
                    self.unhealthy.store(false, Ordering::Relaxed);
                    self.signal_appended();
                }
                Err(error) => return self.fail(group, error),
            }
            if group.is_empty() {
                return;
            }
            match self.lookup_with_retry(&group, began + LOOKUP_TIMEOUT).await {
                Ok(known) => self.answer_from(&mut group, &known),
                Err(error) => return self.fail(group, error),
            }
            if group.is_empty() {
                return;
            }
        }
        self.fail(group, sqlx::Error::Protocol("the log is inconsistent".to_owned()));
    }

    /// Writes the appends of the group that one statement can write, and answers their callers. Returns the
    /// number of events written.
    async fn attempt(&mut self, group: &mut Vec<PendingAppend>) -> Result<usize, sqlx::Error> {
        let appends: Vec<&Append> = group.iter().map(|pending| &pending.append).collect();
        let plan = Plan::of(&appends, |stream| self.heads.get(stream));
        if plan.events() == 0 {
            return Ok(0);
        }
        let (outcome, written) = match self.write(&plan).await {
            Ok(done) => done,
            // An id is recorded already: nothing was written. A lookup finds out which one.
            Err(error) if code(&error) == Some("23505") => return Ok(0),
            Err(error) if is_lost(&error) => {
                tracing::warn!(%error, reason = reason(&error), "the connection to the event log's database was lost");
                let in_doubt: Vec<usize> = plan.appends().collect();
                for index in in_doubt {
                    group[index].in_doubt = true;
                }
                self.disconnect();
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        let mut answers: Vec<Option<Appended>> = vec![None; group.len()];
        let mut events = 0;
        for Written { append, appended, stream, head } in written {
            self.heads.insert(stream.clone(), head);
            events += group[append].append.rows.len();
            answers[append] = Some(appended);
        }
        let mut committed = Vec::with_capacity(events);
        for (pending, answer) in std::mem::take(group).into_iter().zip(answers) {
            let Some(appended) = answer else {
                group.push(pending);
                continue;
            };
            // The caller may have stopped waiting.
            let _caller_gone = pending.answer.send(Ok(appended));
            committed.extend(pending.append.recorded(appended, Timestamp::from_micros(outcome.recorded_at)));
        }
        self.recent.extend(outcome.after as u64, committed);
        Ok(events)
    }

    async fn write<'a>(&mut self, plan: &Plan<'a>) -> Result<(Outcome, Vec<Written<'a>>), sqlx::Error> {
        let now = self.clock.now();
        let fast_path = Arc::clone(&self.fast_path);
        let in_flight = fast_path.begin();
        // Behind a pooler the next statement may reach another server without this node's noticing.
        let expected_end = in_flight.expected_end().filter(|_| self.server.is_direct());
        let outcome = match expected_end {
            Some(end) => self.try_fast_path(plan, end, now).await?,
            None => None,
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => self.append_group(&plan.statement(now)).await?,
        };
        let written = plan.written(&outcome);
        if let Some(last) = written.last() {
            let position = last.appended.position.commit() as i64;
            in_flight.committed(outcome.after, End { position, recorded_at: outcome.recorded_at });
        }
        Ok((outcome, written))
    }

    async fn append_group(&mut self, statement: &Statement<'_>) -> Result<Outcome, sqlx::Error> {
        let row = self.connection().await?.fetch_one(statement).await?;
        let (keys, heads): (Option<Vec<i64>>, Option<Vec<i64>>) = (row.try_get(2)?, row.try_get(3)?);
        Ok(Outcome { after: row.try_get(0)?, recorded_at: row.try_get(1)?, actual: keys.zip(heads) })
    }

    /// `None` when nothing was written: an assumption was wrong, or another node is appending.
    async fn try_fast_path(
        &mut self,
        plan: &Plan<'_>,
        end: End,
        now: Timestamp,
    ) -> Result<Option<Outcome>, sqlx::Error> {
        let recorded_at = now.as_micros().max(end.recorded_at);
        let Some(statement) = plan.fast_statement(end, recorded_at) else { return Ok(None) };
        match self.connection().await?.fetch_all(&statement).await {
            Ok(rows) if rows.len() == plan.events() => {
                Ok(Some(Outcome { after: end.position, recorded_at, actual: None }))
            }
            Ok(_) => Ok(None),
            Err(error) if code(&error) == Some("23505") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks up a group in the log, over another connection when this one is lost.
    async fn lookup_with_retry(
        &mut self,
        group: &[PendingAppend],
        until: Instant,
    ) -> Result<Known, sqlx::Error> {
        loop {
            let found = match self.connection().await {
                Ok(connection) => lookup(connection, group.iter().map(|pending| &pending.append)).await,
                Err(error) => Err(error),
            };
            match found {
                Err(error) if is_lost(&error) => {
                    self.disconnect();
                    if Instant::now() > until {
                        return Err(error);
                    }
                    tokio::time::sleep(LOOKUP_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// Answers the callers whose answer follows from what the log holds.
    fn answer_from(&mut self, group: &mut Vec<PendingAppend>, known: &Known) {
        for (stream, head) in &known.heads {
            self.heads.insert(stream.clone(), *head);
        }
        let mut recovered = false;
        answer_group(group, |pending| {
            let mut answer = judge::answer(&pending.append, known)?;
            if let Ok(appended) = &mut answer
                && pending.in_doubt
            {
                // This append wrote the events itself; its caller has had no answer yet.
                appended.repeated = false;
                recovered = true;
            }
            Some(answer)
        });
        if recovered {
            self.signal_appended();
        }
    }

    fn signal_appended(&self) {
        self.grew.send_modify(|times| *times += 1);
        self.wrote.send_modify(|times| *times += 1);
    }

    fn fail(&mut self, group: Vec<PendingAppend>, error: sqlx::Error) {
        self.unhealthy.store(true, Ordering::Relaxed);
        self.metrics.failed.increment(1);
        self.disconnect();
        let reason = reason(&error);
        tracing::error!(%error, %reason, appends = group.len(), "writing to the event log failed");
        let error = Arc::new(error);
        for pending in group {
            let mut reason = reason.clone();
            if pending.in_doubt {
                reason.push_str(
                    "; whether the events were recorded is not known, and appending them again is safe",
                );
            }
            let why = Unavailable { reason, source: Some(Box::new(Arc::clone(&error))) };
            let _caller_gone = pending.answer.send(Err(why.into()));
        }
    }

    async fn connection(&mut self) -> Result<&mut Connection, sqlx::Error> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(self.server.connect().await?)),
        }
    }

    fn disconnect(&mut self) {
        self.connection = None;
        // The next connection may reach another server, or an older state of this one.
        self.heads.clear();
        self.recent.clear();
        self.fast_path.reset();
    }

    /// A log that failed is healthy again when it can be written to. The check writes a value that is there
    /// already.
    async fn check(&mut self) -> Result<(), Unavailable> {
        if !self.unhealthy.load(Ordering::Relaxed) {
            return Ok(());
        }
        // A connection that has not been used for a while may have been lost meanwhile.
        let rewritten = match self.rewrite_format().await {
            Err(error) if is_lost(&error) => {
                self.disconnect();
                self.rewrite_format().await
            }
            done => done,
        };
        if let Err(error) = rewritten {
            self.disconnect();
            return Err(unavailable(error));
        }
        self.unhealthy.store(false, Ordering::Relaxed);
        Ok(())
    }

    async fn rewrite_format(&mut self) -> Result<(), sqlx::Error> {
        let statement = Statement::new("update verbatim_log.log set format = format");
        self.connection().await?.fetch_all(&statement).await.map(drop)
    }

    async fn import(&mut self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        let imported = match self.connection().await {
            Ok(connection) => with_timeout(import::TIMEOUT, import::run(connection, events)).await,
            Err(error) => Err(error),
        };
        match imported {
            Ok(Ok((last, heads))) => {
                for (stream, head) in heads {
                    self.heads.insert(stream, head);
                }
                self.signal_appended();
                Ok(last.map(Position::at))
            }
            Ok(Err(refused)) => Err(refused),
            Err(error) => {
                self.unhealthy.store(true, Ordering::Relaxed);
                self.disconnect();
                Err(unavailable(error).into())
            }
        }
    }
}

/// Sends the answers that `answer` gives, and keeps the appends without one in the group.
fn answer_group(
    group: &mut Vec<PendingAppend>,
    mut answer: impl FnMut(&PendingAppend) -> Option<Result<Appended, AppendError>>,
) {
    for pending in std::mem::take(group) {
        match answer(&pending) {
            Some(result) => {
                let _caller_gone = pending.answer.send(result);
            }
            None => group.push(pending),
        }
    }
}

/// The heads of the appends' streams and which of their events are in the log, in one snapshot.
pub async fn lookup<'a>(
    connection: &mut Connection,
    appends: impl Iterator<Item = &'a Append>,
) -> Result<Known, sqlx::Error> {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for append in appends {
        names.push(append.stream.as_str());
        ids.extend(append.rows.iter().map(|row| row.id.0));
    }
    lookup_by(connection, names, ids).await
}

pub async fn lookup_by(
    connection: &mut Connection,
    names: Vec<&str>,
    ids: Vec<uuid::Uuid>,
) -> Result<Known, sqlx::Error> {
    let statement = Statement::new(
        "select null::uuid, first.name, head.version, first.position \
         from verbatim_log.event as first cross join lateral (select max(version) as version \
         from verbatim_log.event as every where every.stream = first.position) as head \
         where first.name = any($1) and first.version = 0 \
         union all \
         select id, name, version, position from verbatim_log.event where id = any($2)",
    )
    .with(Value::Texts(names))
    .with(Value::Ids(ids));
    let mut known = Known::default();
    for row in connection.fetch_all(&statement).await? {
        let stream = StreamId::named(row.try_get::<String, _>(1)?);
        let version = Version(row.try_get::<i64, _>(2)? as u64);
        let position = row.try_get::<i64, _>(3)? as u64;
        match row.try_get::<Option<uuid::Uuid>, _>(0)? {
            None => {
                known.heads.insert(stream, Head { stream: position, version });
            }
            Some(id) => {
                known.events.insert(EventId(id), Location { stream, version, position });
            }
        }
    }
    Ok(known)
}
