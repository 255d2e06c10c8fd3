//! The one writer: takes the appends that have arrived, commits them as one group, answers each caller.

use super::rows::{self, ImportedRow, PlacedRow};
use super::{Heads, MAX_EVENTS, schema};
use crate::append_metrics::AppendMetrics;
use crate::files::{Moved, OpenFile};
use crate::judge::{self, Append, Head, Known, Location, Verdict, last};
use crate::recent::RecentEvents;
use crate::{AppendError, Appended, Unavailable};
use event_schemas::{Clock, EventId, Position, Recorded, StreamId, Timestamp, Version};
use sqlx::{ConnectOptions, Connection, Row as _, SqliteConnection};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

#[cfg(feature = "conformance")]
use super::fault::FaultSwitch;

/// A request of a caller to the writer.
pub enum Job {
    Append {
        append: Append,
        answer: oneshot::Sender<Result<Appended, AppendError>>,
    },
    Import {
        events: Vec<Recorded>,
        answer: oneshot::Sender<Result<Option<Position>, AppendError>>,
    },
    Check {
        answer: oneshot::Sender<Result<(), Unavailable>>,
    },
    /// Moves the last pages of the write-ahead log into the file, so that the log is written from its beginning
    /// again.
    CheckpointWal,
    Close {
        answer: oneshot::Sender<()>,
    },
}

/// The log's last row.
#[derive(Clone, Copy)]
struct End {
    position: u64,
    recorded_at: Timestamp,
}

/// A group that could not be written.
struct Failure {
    error: sqlx::Error,
    /// Whether the group may have been written all the same: the failure came after rows were sent to SQLite.
    in_doubt: bool,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self { error, in_doubt: false }
    }
}

impl From<Moved> for Failure {
    fn from(moved: Moved) -> Self {
        sqlx::Error::Io(moved.into()).into()
    }
}

pub struct Writer {
    file: OpenFile,
    clock: Clock,
    /// `None` when it must be opened before the next group. A connection that has failed is not used again.
    connection: Option<SqliteConnection>,
    /// `None` when it must be read before the next group.
    end: Option<End>,
    heads: Arc<Heads>,
    recent: Arc<RecentEvents>,
    grew: watch::Sender<u64>,
    /// Whether the last write failed.
    unhealthy: bool,
    metrics: AppendMetrics,
    #[cfg(feature = "conformance")]
    fault: FaultSwitch,
}

impl Writer {
    pub fn new(
        file: OpenFile,
        clock: Clock,
        heads: Arc<Heads>,
        recent: Arc<RecentEvents>,
        grew: watch::Sender<u64>,
    ) -> Self {
        Self {
            file,
            clock,
            connection: None,
            end: None,
            heads,
            recent,
            grew,
            unhealthy: false,
            metrics: AppendMetrics::new(),
            #[cfg(feature = "conformance")]
            fault: FaultSwitch::default(),
        }
    }

    #[cfg(feature = "conformance")]
    pub fn fault(&self) -> FaultSwitch {
        self.fault.clone()
    }

    pub async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(MAX_EVENTS);
        let mut closed = Vec::new();
        // Whether the last group held jobs of several callers.
        let mut shared = false;
        loop {
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
            shared = jobs.len() > 1;
            let mut group = Group::default();
            for job in jobs.drain(..) {
                match job {
                    Job::Append { append, answer } => {
                        if group.events + append.rows.len() > MAX_EVENTS {
                            self.commit(std::mem::take(&mut group)).await;
                        }
                        group.push(append, answer);
                    }
                    Job::Import { events, answer } => {
                        self.commit(std::mem::take(&mut group)).await;
                        let imported = self.import(events).await;
                        // The caller may have stopped waiting.
                        let _caller_gone = answer.send(imported);
                    }
                    Job::Check { answer } => {
                        let _caller_gone = answer.send(self.check().await);
                    }
                    Job::CheckpointWal => self.checkpoint_wal().await,
                    Job::Close { answer } => {
                        queue.close();
                        closed.push(answer);
                    }
                }
            }
            self.commit(group).await;
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the event log's file failed");
        }
        for answer in closed {
            let _caller_gone = answer.send(());
        }
    }

    async fn commit(&mut self, group: Group) {
        if group.appends.is_empty() {
            return;
        }
        let began = Instant::now();
        let answers = match self.write_in_place(&group.appends).await {
            Ok(answers) => {
                self.unhealthy = false;
                answers
            }
            Err(failure) => self.answer_failed(failure, &group.appends).await,
        };
        self.metrics.commit_seconds.record(began.elapsed().as_secs_f64());
        self.metrics.commit_events.record(group.events as f64);
        let mut events = 0;
        let mut new: Vec<Recorded> = Vec::with_capacity(group.events);
        for (append, answer) in group.appends.into_iter().zip(&answers) {
            if let Ok(appended) = answer
                && !appended.repeated
            {
                events += append.rows.len();
                if let Some(end) = self.end {
                    new.extend(append.recorded(*appended, end.recorded_at));
                }
            }
        }
        match new.first().map(|first| first.position.commit()) {
            Some(first) => self.recent.extend(first - 1, new),
            // The commit failed and the events were written all the same: the events before them are not known.
            None if events > 0 => self.recent.clear(),
            None => {}
        }
        if events > 0 {
            self.metrics.appended.increment(events as u64);
            self.grew.send_modify(|times| *times += 1);
        }
        for (caller, answer) in group.callers.into_iter().zip(answers) {
            let _caller_gone = caller.send(answer);
        }
    }

    /// Writes the group. What was written into a file that is not at its path any more counts as not written.
    async fn write_in_place(
        &mut self,
        group: &[Append],
    ) -> Result<Vec<Result<Appended, AppendError>>, Failure> {
        self.file.check()?;
        let answers = self.write(group).await?;
        self.file.check()?;
        Ok(answers)
    }

    async fn write(&mut self, group: &[Append]) -> Result<Vec<Result<Appended, AppendError>>, Failure> {
        if let Some(end) = self.end
            && let Some(verdicts) = judge::fast_path(group, end.position, |stream| self.heads.get(stream))
        {
            let recorded_at = self.clock.now().max(end.recorded_at);
            let connection = connected(&mut self.connection, &self.file).await?;
            #[cfg(feature = "conformance")]
            self.fault.apply(connection).await?;
            match rows::insert(connection, placed_rows(group, &verdicts, recorded_at)).await {
                Ok(()) => return Ok(self.remember(group, verdicts, end.position, recorded_at)),
                // An id is recorded already, or another process has written: nothing was inserted. The group is
                // judged again after a lookup.
                Err(error) if is_collision(&error) => {}
                Err(error) => return Err(Failure { error, in_doubt: true }),
            }
        }
        self.write_after_lookup(group).await
    }

    /// Looks up the group's streams and ids and writes the group, under one lock.
    async fn write_after_lookup(
        &mut self,
        group: &[Append],
    ) -> Result<Vec<Result<Appended, AppendError>>, Failure> {
        let connection = connected(&mut self.connection, &self.file).await?;
        #[cfg(feature = "conformance")]
        self.fault.apply(connection).await?;
        let mut transaction = connection.begin_with("begin immediate").await?;
        let streams = names(group.iter().map(|append| &append.stream));
        let (end, known) = lookup(&mut transaction, streams, ids_of(group)).await?;
        let recorded_at = self.clock.now().max(end.recorded_at);
        let found = known.heads.clone();
        let verdicts = judge::in_full(group, known);
        let rows = placed_rows(group, &verdicts, recorded_at);
        if !rows.is_empty() {
            rows::insert(&mut transaction, rows).await?;
        }
        transaction.commit().await.map_err(|error| Failure { error, in_doubt: true })?;
        for (stream, head) in found {
            self.heads.insert(stream, head);
        }
        Ok(self.remember(group, verdicts, end.position, recorded_at))
    }

    /// Stores the heads and the end by which the next group is judged, and turns verdicts into answers.
    fn remember(
        &mut self,
        group: &[Append],
        verdicts: Vec<Verdict>,
        mut end: u64,
        recorded_at: Timestamp,
    ) -> Vec<Result<Appended, AppendError>> {
        let answers = group
            .iter()
            .zip(verdicts)
            .map(|(append, verdict)| match verdict {
                Verdict::Answer(answer) => answer,
                Verdict::Write { stream, version, position } => {
                    let version = last(version, append.rows.len());
                    self.heads.insert(append.stream.clone(), Head { stream, version });
                    end = position + append.rows.len() as u64 - 1;
                    Ok(Appended { version, position: Position::at(end), repeated: false })
                }
            })
            .collect();
        self.end = Some(End { position: end, recorded_at });
        answers
    }

    /// The answers to the callers of a group that failed. If the group may have been written all the same, the
    /// log is queried. The connection is closed in any case, so that an open transaction rolls back.
    async fn answer_failed(
        &mut self,
        failure: Failure,
        group: &[Append],
    ) -> Vec<Result<Appended, AppendError>> {
        self.unhealthy = true;
        self.end = None;
        self.metrics.failed.increment(1);
        self.disconnect_after(&failure.error).await;
        let reason = reason(&failure.error);
        tracing::error!(error = %failure.error, %reason, appends = group.len(), "writing to the event log failed");
        let mut recorded = HashMap::new();
        let mut reason = reason;
        if failure.in_doubt {
            match self.lookup_events(ids_of(group)).await {
                Ok(events) => recorded = events,
                Err(_) => {
                    reason.push_str(
                        "; whether the events were recorded is not known, and appending them again is safe",
                    );
                }
            }
        }
        let source = Arc::new(failure.error);
        group
            .iter()
            .map(|append| {
                let location = append.rows.last().and_then(|row| recorded.get(&row.id));
                location.map_or_else(
                    || Err(unavailable_because(&reason, &source).into()),
                    |location: &Location| {
                        let position = Position::at(location.position);
                        Ok(Appended { version: location.version, position, repeated: false })
                    },
                )
            })
            .collect()
    }

    async fn lookup_events(&mut self, ids: String) -> Result<HashMap<EventId, Location>, sqlx::Error> {
        let connection = connected(&mut self.connection, &self.file).await?;
        Ok(lookup(connection, names(std::iter::empty()), ids).await?.1.events)
    }

    /// Closes the connection after an error. When the write-ahead log is lost, the connection is the last holder of its
    /// contents: they are moved into the file, and the connection stays open, because another one would begin a new log.
    async fn disconnect_after(&mut self, error: &sqlx::Error) {
        match moved(error) {
            Some(Moved::Wal { .. }) => self.checkpoint_wal().await,
            Some(Moved::File { .. }) | None => self.disconnect().await,
        }
    }

    async fn disconnect(&mut self) {
        self.file.closed_wal();
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the event log's file failed");
        }
    }

    async fn checkpoint_wal(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if let Err(error) = sqlx::query("pragma wal_checkpoint(passive)").fetch_all(connection).await {
            tracing::warn!(%error, "a checkpoint of the event log's WAL failed");
        }
    }

    /// A log that failed is healthy again when it can be written to. The check writes the values that the file's
    /// header holds already.
    async fn check(&mut self) -> Result<(), Unavailable> {
        self.file.check()?;
        if !self.unhealthy {
            return Ok(());
        }
        let outcome = self.rewrite_header().await;
        if let Err(error) = outcome {
            self.disconnect().await;
            return Err(unavailable(error));
        }
        self.unhealthy = false;
        Ok(())
    }

    async fn rewrite_header(&mut self) -> Result<(), sqlx::Error> {
        let connection = connected(&mut self.connection, &self.file).await?;
        #[cfg(feature = "conformance")]
        self.fault.apply(connection).await?;
        schema::stamp(connection).await
    }

    async fn import(&mut self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        self.file.check().map_err(Unavailable::from)?;
        let imported = self.import_events(events).await;
        self.file.check().map_err(Unavailable::from)?;
        match imported {
            Ok(Ok(last)) => {
                self.recent.clear();
                self.grew.send_modify(|times| *times += 1);
                Ok(last.map(Position::at))
            }
            Ok(Err(refused)) => Err(refused),
            Err(error) => {
                self.unhealthy = true;
                self.end = None;
                self.disconnect_after(&error).await;
                Err(unavailable(error).into())
            }
        }
    }

    async fn import_events(
        &mut self,
        events: Vec<Recorded>,
    ) -> Result<Result<Option<u64>, AppendError>, sqlx::Error> {
        let connection = connected(&mut self.connection, &self.file).await?;
        let mut transaction = connection.begin_with("begin immediate").await?;
        let streams = names(events.iter().map(|event| &event.stream));
        let ids = hex(events.iter().map(|event| event.id));
        let (mut end, mut known) = lookup(&mut transaction, streams, ids).await?;
        let mut last = None;
        let mut new: Vec<ImportedRow> = Vec::with_capacity(events.len());
        for event in events {
            match judge::judge_import(&event, &mut known) {
                Ok(judge::ImportVerdict::Present { position }) => last = Some(position),
                Ok(judge::ImportVerdict::New { stream, position }) => {
                    last = Some(position);
                    end = End { position, recorded_at: event.recorded_at };
                    new.push(ImportedRow::at(position, stream, event));
                }
                // Dropping the transaction rolls it back.
                Err(refused) => return Ok(Err(refused)),
            }
        }
        for chunk in new.chunks(MAX_EVENTS) {
            rows::insert(&mut transaction, chunk.iter().map(ImportedRow::placed).collect()).await?;
        }
        transaction.commit().await?;
        for imported in new {
            self.heads.insert(imported.stream, Head { stream: imported.key, version: imported.version });
        }
        self.end = Some(end);
        Ok(Ok(last))
    }
}

/// The appends that are committed together.
#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    callers: Vec<oneshot::Sender<Result<Appended, AppendError>>>,
    events: usize,
}

impl Group {
    fn push(&mut self, append: Append, answer: oneshot::Sender<Result<Appended, AppendError>>) {
        self.events += append.rows.len();
        self.appends.push(append);
        self.callers.push(answer);
    }
}

async fn connected<'a>(
    connection: &'a mut Option<SqliteConnection>,
    file: &OpenFile,
) -> Result<&'a mut SqliteConnection, sqlx::Error> {
    let closed = match connection {
        Some(open) => return Ok(open),
        closed => closed,
    };
    file.check().map_err(std::io::Error::from)?;
    let mut opened = schema::writer(file.path()).connect().await?;
    // The first read opens the write-ahead log.
    sqlx::query("select count(*) from sqlite_schema").fetch_one(&mut opened).await?;
    file.opened_wal();
    file.check().map_err(std::io::Error::from)?;
    Ok(closed.insert(opened))
}

fn placed_rows<'a>(group: &'a [Append], verdicts: &[Verdict], recorded_at: Timestamp) -> Vec<PlacedRow<'a>> {
    let mut rows = Vec::with_capacity(group.len());
    for (append, verdict) in group.iter().zip(verdicts) {
        let Verdict::Write { stream, version, position } = *verdict else { continue };
        rows.extend((0..).zip(&append.rows).map(|(offset, row)| PlacedRow {
            position: position + offset,
            key: stream,
            stream: &append.stream,
            version: Version(version.0 + offset),
            recorded_at,
            row,
        }));
    }
    rows
}

fn names<'a>(streams: impl Iterator<Item = &'a StreamId>) -> String {
    serde_json::Value::from_iter(streams.map(StreamId::as_str)).to_string()
}

fn hex(ids: impl Iterator<Item = EventId>) -> String {
    serde_json::Value::from_iter(ids.map(|id| id.0.simple().to_string())).to_string()
}

fn ids_of(group: &[Append]) -> String {
    hex(group.iter().flat_map(|append| append.rows.iter().map(|row| row.id)))
}

/// The end of the log, the last versions of these streams, and which of these events are in it.
async fn lookup(
    connection: &mut SqliteConnection,
    streams: String,
    ids: String,
) -> Result<(End, Known), sqlx::Error> {
    let end = sqlx::query("select position, recorded_at from event order by position desc limit 1")
        .fetch_optional(&mut *connection)
        .await?;
    let end = match end {
        Some(row) => End {
            position: row.try_get::<i64, _>(0)? as u64,
            recorded_at: Timestamp::from_micros(row.try_get(1)?),
        },
        None => End { position: 0, recorded_at: Timestamp::from_micros(i64::MIN) },
    };
    let mut known = Known { end: end.position, ..Known::default() };
    let rows = sqlx::query(
        "select name, position, (select max(version) from event as every where every.stream = event.position) \
         from event where name in (select value from json_each(?))",
    )
    .bind(streams)
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let head = Head { stream: row.try_get::<i64, _>(1)? as u64, version: version(&row, 2)? };
        known.heads.insert(StreamId::named(row.try_get::<String, _>(0)?), head);
    }
    let rows = sqlx::query(
        "select event.id, first.name, event.version, event.position from event \
         join event as first on first.position = event.stream \
         where event.id in (select unhex(value) from json_each(?))",
    )
    .bind(ids)
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let location = Location {
            stream: StreamId::named(row.try_get::<String, _>(1)?),
            version: version(&row, 2)?,
            position: row.try_get::<i64, _>(3)? as u64,
        };
        known.events.insert(EventId(rows::uuid(row.try_get(0)?)?), location);
    }
    Ok((end, known))
}

fn version(row: &sqlx::sqlite::SqliteRow, column: usize) -> Result<Version, sqlx::Error> {
    Ok(Version(row.try_get::<i64, _>(column)? as u64))
}

/// Whether a unique index or the primary key refused a row.
fn is_collision(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

/// The lost file that is the cause of an error.
fn moved(error: &sqlx::Error) -> Option<&Moved> {
    let sqlx::Error::Io(error) = error else { return None };
    error.get_ref()?.downcast_ref()
}

/// The cause of an error, for the operator.
pub fn reason(error: &sqlx::Error) -> String {
    if let Some(moved) = moved(error) {
        return moved.to_string();
    }
    match schema::code(error) {
        Some(5 | 6) => "another program is holding the file".to_owned(),
        Some(8) => "the file is read-only".to_owned(),
        Some(10) => "the disk failed to read or write the file".to_owned(),
        Some(11 | 26) => "the file is damaged or the disk cannot read it".to_owned(),
        Some(13) => "the disk is full".to_owned(),
        Some(14) => "the file cannot be opened".to_owned(),
        _ => error.to_string(),
    }
}

pub fn unavailable(error: sqlx::Error) -> Unavailable {
    Unavailable { reason: reason(&error), source: Some(Box::new(error)) }
}

fn unavailable_because(reason: &str, error: &Arc<sqlx::Error>) -> Unavailable {
    Unavailable { reason: reason.to_owned(), source: Some(Box::new(Arc::clone(error))) }
}
