//! The port: the interface through which the other crates use an event log.

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
    /// Any version: the events go to the end of the stream, wherever it is.
    Any,
}

/// The result of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The version of the last of the events.
    pub version: Version,
    /// The position of the last of the events.
    pub position: Position,
    /// Whether the events were in the log already and nothing was written.
    pub repeated: bool,
}

/// The log cannot be written or read at present. The caller may try again.
#[derive(Debug, thiserror::Error)]
#[error("the event log is not available: {reason}")]
pub struct Unavailable {
    /// The cause, for the operator: "the disk is full", "the file is read-only".
    pub reason: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl From<crate::files::Moved> for Unavailable {
    fn from(moved: crate::files::Moved) -> Self {
        Self { reason: moved.to_string(), source: Some(Box::new(moved)) }
    }
}

impl From<crate::files::Moved> for ReadError {
    fn from(moved: crate::files::Moved) -> Self {
        Self::Unavailable(moved.into())
    }
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
        "this program was built without the engine for '{scheme}:'; build it with cargo build --features {feature}"
    )]
    LeftOut { scheme: String, feature: &'static str },
    #[error("{url} does not name an event log; sqlite:<path> and postgres://user:password@host/database do")]
    NotAUrl { url: String },
    #[error(
        "{path} belongs to another program and was left as it is; choose another file or database for the event log"
    )]
    Foreign { path: String },
    #[error(
        "{path} was written by a newer version of this program (its format is {found}, this version knows {known}) \
         and was left as it is"
    )]
    Newer { path: String, found: i64, known: i64 },
    #[error("{path} is on a server of version {found}, and {needed} or newer is needed")]
    TooOld { path: String, found: String, needed: String },
    #[error("{path} cannot be opened: {reason}")]
    Failed {
        path: String,
        reason: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why an append wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("{stream} is not at {expected:?}: its last version is {actual:?}")]
    Conflict { stream: StreamId, expected: Expected, actual: Option<Version> },
    /// Some of the ids are in the log and some are not: another append has recorded a part of these events.
    #[error("the event {id} is already in the log, in {stream} at {version}")]
    PartlyRecorded { id: EventId, stream: StreamId, version: Version },
    #[error("an append holds between 1 and {limit} events")]
    TooMany { limit: usize },
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A stored row is not an event in the form in which this program writes events.
    #[error("the log is damaged at {at}: {reason}")]
    Damaged { at: String, reason: String },
}

/// A damaged log counts as unavailable.
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

/// Selects events for a reader of the whole log. An event matches when it fits every part that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub account: Option<AccountId>,
    /// Empty when every kind of stream matches.
    pub categories: Vec<Category>,
    /// Empty when every event type matches. The names are those in the log, former names included:
    /// `event_schemas::about!` and `stored_names` list them.
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

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub events: Vec<Recorded>,
    /// The position up to which the log was searched: the next page begins after it. It is at or past the
    /// last event of the page, because the filter may have skipped events after that one. `None` when no
    /// event was searched.
    pub through: Option<Position>,
    /// Whether this page reached the end that the log had when the page was read.
    pub at_end: bool,
}

/// An event log.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Appends the events at the end of the stream, all or none.
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError>;

    /// Imports events of another log, in the order given, all or none. They keep their ids, versions and
    /// times, and get positions of this log. Events that are in this log already are skipped, so importing
    /// twice changes nothing; a gap in a stream is a conflict. Returns the position of the last event; `None`
    /// when `events` is empty.
    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError>;

    /// A stream's events from version `from` on, at most `limit`, oldest first. Empty when there are none.
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError>;

    /// The events after a position, or from the beginning when it is `None`; oldest first. A page holds at most
    /// `limit` events and searches a few thousand rows at most: it may be empty and still not `at_end`.
    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError>;

    /// Like [`Self::read_all`], for a reader that follows the log and then waits: the newest events may come
    /// from memory, and `at_end` says only that this process knows of no later event. The reader finds what
    /// another process has appended meanwhile by reading again, at the latest after the waiter's poll interval.
    async fn read_recent(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.read_all(after, filter, limit).await
    }

    /// The event at this position; `None` when the log has none there.
    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, ReadError> {
        // The positions of an engine that keeps this default are dense.
        let before = Position::at(position.commit().saturating_sub(1));
        let page = self.read_all(Some(before), &Filter::all(), 1).await?;
        Ok(page.events.into_iter().find(|event| event.position == position))
    }

    /// Whether the log has ever been as long as this position. When it has not, the position was read in another log or
    /// in a later state of this one.
    async fn reaches(&self, position: Position) -> Result<bool, ReadError> {
        Ok(self.end().await? >= Some(position))
    }

    /// The number of events up to this position, which must be an event's.
    async fn count_to(&self, position: Position) -> Result<u64, ReadError> {
        // The positions of an engine that keeps this default are dense, and the first is 1.
        Ok(position.commit())
    }

    /// The event with this id; `None` when it is not in the log.
    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError>;

    /// The version of a stream's last event; `None` when the stream has no event.
    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError>;

    /// The position of the log's last event; `None` when the log is empty.
    async fn end(&self) -> Result<Option<Position>, ReadError>;

    /// A waiter that wakes a reader when the log may have grown. It is a hint: it may wake the reader when
    /// nothing is new, and it may notice an event late, but never later than the engine's poll interval.
    fn waiter(&self) -> Waiter;

    /// Whether the log can be written to and read, for health checks.
    async fn check(&self) -> Result<(), Unavailable>;

    /// Finishes the calls that were accepted and closes the log. Later calls return [`Unavailable`].
    async fn close(&self);
}

/// Wakes when the log may have grown.
pub struct Waiter {
    /// Changes whenever this process has appended.
    pub changed: tokio::sync::watch::Receiver<u64>,
    /// The longest time to sleep before the log is read in any case.
    pub poll: Duration,
}

impl Waiter {
    /// Returns when the log may have grown, or after [`Self::poll`].
    pub async fn wait(&mut self) {
        // A closed channel means that the store is closing: then only the timeout ends the wait.
        let changed = async {
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let _woken_or_timed_out = tokio::time::timeout(self.poll, changed).await;
    }
}
