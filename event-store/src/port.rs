//! The port: what the rest of the house knows of an event log.

use async_trait::async_trait;
use event_schemas::{AccountId, Category, EventId, NewEvent, Position, Recorded, StreamId, Version};
use std::time::Duration;

/// The version a caller believes a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no event yet.
    NoStream,
    /// The stream's last event has this version.
    Exact(Version),
    /// The caller does not mind.
    Any,
}

/// Where an append ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The version of the last of the events.
    pub version: Version,
    /// The position of the last of the events.
    pub position: Position,
    /// Whether the events had been in the log before, and nothing was written.
    pub repeated: bool,
}

/// The log cannot be written or read just now. The caller may try again.
#[derive(Debug, thiserror::Error)]
#[error("the event log is not available: {reason}")]
pub struct Unavailable {
    /// For the operator: "the disk is full", "the file is read-only".
    pub reason: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Unavailable {
    pub fn because(reason: &str) -> Self {
        Self { reason: reason.to_owned(), source: None }
    }
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("no engine for '{scheme}:' is built into this program; it has: sqlite, postgres")]
    UnknownEngine { scheme: String },
    #[error(
        "the engine for '{scheme}:' was left out of this program; cargo build --features {feature} has it"
    )]
    LeftOut { scheme: String, feature: &'static str },
    #[error("{url} does not name an event log; sqlite:<path> and postgres://user:password@host/database do")]
    NotAUrl { url: String },
    #[error(
        "{path} belongs to another program and was left as it is; name a place of its own for the event log"
    )]
    Foreign { path: String },
    #[error(
        "{path} was written by a newer version of this program (its format is {found}, this one knows {known}) \
         and was left as it is"
    )]
    Newer { path: String, found: i64, known: i64 },
    #[error("{path} is kept by a server of version {found}, and {needed} or newer is needed")]
    TooOld { path: String, found: String, needed: String },
    #[error("{path} cannot be opened: {reason}")]
    Failed {
        path: String,
        reason: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("{stream} is not at {expected:?}: its last version is {actual:?}")]
    Conflict { stream: StreamId, expected: Expected, actual: Option<Version> },
    /// Some of the ids are in the log and some are not: another append already told part of this.
    #[error("the event {id} is already in the log, in {stream} at {version}")]
    PartlyRecorded { id: EventId, stream: StreamId, version: Version },
    #[error("an append holds between 1 and {limit} events")]
    TooMany { limit: usize },
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is stored is not an event as this program writes them.
    #[error("the log is damaged at {at}: {reason}")]
    Damaged { at: String, reason: String },
}

/// What does not serve because it is damaged is not available either.
impl From<ReadError> for Unavailable {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(why) => why,
            damaged @ ReadError::Damaged { .. } => {
                Self { reason: "it is damaged".to_owned(), source: Some(Box::new(damaged)) }
            }
        }
    }
}

/// Which events a reader of the whole log wants. Every part that is set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub account: Option<AccountId>,
    /// Empty: every kind of stream.
    pub categories: Vec<Category>,
    /// Empty: every event type.
    pub event_types: Vec<String>,
}

impl Filter {
    pub fn all() -> Self {
        Self::default()
    }
    pub fn account(account: AccountId) -> Self {
        Self { account: Some(account), ..Self::default() }
    }
    pub fn categories(categories: impl Into<Vec<Category>>) -> Self {
        Self { categories: categories.into(), ..Self::default() }
    }
    pub fn fits(&self, event: &Recorded) -> bool {
        self.account.is_none_or(|account| account == event.metadata.account_id)
            && (self.categories.is_empty()
                || event.stream.category().is_some_and(|kind| self.categories.contains(&kind)))
            && (self.event_types.is_empty() || self.event_types.iter().any(|name| *name == event.event_type))
    }
}

/// A run of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub events: Vec<Recorded>,
    /// How far the log was looked through: the next page begins after it. It is at or past the last event
    /// of the page, because a filter may have passed over what came after. None: nothing is there yet.
    pub through: Option<Position>,
    /// Whether this page reached what was the end of the log when it was read.
    pub at_end: bool,
}

/// An event log.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Adds the events at the end of the stream, all or none.
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError>;

    /// Takes events over from another log, in the order given, all or none: their ids, versions and times
    /// stay, their positions are this log's. What is here already is passed over, so importing twice
    /// changes nothing; a hole in a stream is a conflict. Answers where the last of them is.
    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError>;

    /// A stream's events from version `from` on, at most `limit`, oldest first. Empty where there are none.
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError>;

    /// The log after a position (None: from the beginning), oldest first. Never more than `limit` events,
    /// and never more work than a few thousand rows: a page may be empty and still not `at_end`.
    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError>;

    /// As [`Self::read_all`], for who follows the log and will wait for news: the newest events may come
    /// from memory, and `at_end` says only that this process knows of nothing newer. What another process
    /// has appended by then is found by asking again, at the latest when the waiter's poll is over.
    async fn read_recent(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.read_all(after, filter, limit).await
    }

    /// The event with this id.
    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError>;

    /// The version of a stream's last event.
    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError>;

    /// The position of the log's last event.
    async fn end(&self) -> Result<Option<Position>, ReadError>;

    /// Something to wait on for what is new. A hint: it may wake for nothing, and may sleep through
    /// something for as long as the engine's polling interval, never longer.
    fn waiter(&self) -> Waiter;

    /// Whether the log can be written to and read, for health checks.
    async fn check(&self) -> Result<(), Unavailable>;

    /// Finishes what was accepted and closes. Later calls answer [`Unavailable`].
    async fn close(&self);
}

/// Wakes when the log may have grown.
pub struct Waiter {
    /// Changes whenever this process appended.
    pub changed: tokio::sync::watch::Receiver<u64>,
    /// How long to sleep at most before looking anyway.
    pub poll: Duration,
}

impl Waiter {
    /// Returns when there may be something new.
    pub async fn wait(&mut self) {
        // A closed channel means that the store is closing: the time-out is then all there is.
        let changed = async {
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _woken_or_timed_out = tokio::time::timeout(self.poll, changed).await;
    }
}
