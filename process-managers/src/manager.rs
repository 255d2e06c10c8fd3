//! The interface of a process manager, its parts, and its entry in the registry.

use crate::Settings;
use commands::Commands;
use follower::{Db, DbError, DecodedLog, Health, Location, LocationError, RunnerError, Sizes, Watch};
use futures::future::BoxFuture;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Something that follows the log and has commands executed. Each runs in a task of its own, is named in
/// readiness and metrics, and is started again when it fails. To add one, implement this and name it in
/// `MANAGERS`.
pub trait ProcessManager: Sized + Send + 'static {
    /// Names it in readiness, metrics and log lines.
    const NAME: &'static str;

    /// Opens its tables and takes up at its checkpoint.
    fn open(context: &Context) -> impl Future<Output = Result<Self, OpenError>> + Send;

    /// How far it has followed the log. `None` when it keeps no checkpoint.
    fn watch(&self) -> Option<Watch>;

    /// Works until told to stop. Ends early only when an event cannot be read. `health` is its own.
    fn run(
        self,
        stop: CancellationToken,
        health: Health,
    ) -> impl Future<Output = Result<(), RunnerError>> + Send;
}

/// A process manager could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the tables cannot be opened")]
    Location(#[from] LocationError),
    #[error("the tables cannot be used")]
    Db(#[from] DbError),
    #[error("the tables cannot be read")]
    Tables(#[from] RunnerError),
}

/// The parts that a process manager is opened with.
#[derive(Clone)]
pub struct Context {
    pub commands: Arc<Commands>,
    /// The log that all followers of this process share.
    pub log: DecodedLog,
    pub settings: Arc<Settings>,
    location: Location,
    opened: Arc<Mutex<Vec<Db>>>,
}

impl Context {
    pub fn new(location: Location, log: DecodedLog, commands: Arc<Commands>, settings: Settings) -> Self {
        Self { commands, log, settings: Arc::new(settings), location, opened: Arc::default() }
    }

    /// A set of tables, with the checkpoints of those that use it. It is closed when the manager ends.
    pub async fn tables(&self, name: &str) -> Result<Db, LocationError> {
        let db = self.location.tables(name, Sizes::small(), "").await?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(db.clone());
        Ok(db)
    }

    /// Makes the context without opening tables.
    pub(crate) fn fresh(&self) -> Self {
        Self { opened: Arc::default(), ..self.clone() }
    }

    pub(crate) fn location(&self) -> Location {
        self.location.clone()
    }

    pub(crate) async fn close_tables(&self) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for db in opened {
            db.close().await;
        }
    }
}

/// A process manager as the registry holds it.
pub(crate) struct Registered {
    pub name: &'static str,
    open: for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Opened, OpenError>>,
}

/// A process manager that is open and not running yet.
pub(crate) struct Opened {
    pub watch: Option<Watch>,
    pub run: Box<Run>,
}

type Run = dyn FnOnce(CancellationToken, Health) -> BoxFuture<'static, Result<(), RunnerError>> + Send;

impl Registered {
    pub(crate) const fn of<M: ProcessManager>() -> Self {
        Self { name: M::NAME, open: open::<M> }
    }

    pub(crate) async fn open(&self, context: &Context) -> Result<Opened, OpenError> {
        (self.open)(context).await
    }
}

fn open<M: ProcessManager>(context: &Context) -> BoxFuture<'_, Result<Opened, OpenError>> {
    Box::pin(async move {
        let manager = M::open(context).await?;
        Ok(Opened {
            watch: manager.watch(),
            run: Box::new(|stop, health| Box::pin(manager.run(stop, health))),
        })
    })
}
