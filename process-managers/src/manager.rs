//! The interface of a process manager, its parts, and its entry in the registry.

use crate::Settings;
use crate::history::History;
use crate::past::SideEffects;
use crate::restore::TableSet;
use commands::Commands;
use commands::execute::LoadError;
use follower::{Db, DbError, DecodedLog, Health, Location, LocationError, RunnerError, Sizes, Watch};
use futures::future::BoxFuture;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// A process manager follows the log and executes commands. Each one runs in a task of its own, has its name in
/// readiness and metrics, and is restarted when it fails. To add one, implement this trait and add it to `MANAGERS`.
pub trait ProcessManager: Sized + Send + 'static {
    /// The name in readiness, metrics and log lines.
    const NAME: &'static str;
    /// The manager's tables. `None` when it has none.
    const TABLES: Option<TableSet>;

    /// Opens the manager's tables at its stored checkpoint.
    fn open(context: &Context) -> impl Future<Output = Result<Self, OpenError>> + Send;

    /// The progress of the manager in the log. `None` when it has no checkpoint.
    fn watch(&self) -> Option<Watch>;

    /// Works until `stop` is cancelled. Ends early only with an error that a retry cannot fix. The manager reports its
    /// current error in `health`.
    fn run(
        self,
        stop: CancellationToken,
        health: Health,
    ) -> impl Future<Output = Result<(), RunnerError>> + Send;
}

/// The reason why a process manager could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the tables cannot be opened")]
    Location(#[from] LocationError),
    #[error("the tables cannot be used")]
    Db(#[from] DbError),
    #[error("the tables cannot be read")]
    Tables(#[from] RunnerError),
    #[error("the log cannot be read")]
    Log(#[from] LoadError),
}

/// The commands, the log, the settings and the tables of a process manager.
#[derive(Clone)]
pub struct Context {
    pub commands: Arc<Commands>,
    /// The log that all followers of this process share.
    pub log: DecodedLog,
    pub settings: Arc<Settings>,
    pub(crate) history: History,
    location: Location,
    opened: Arc<Mutex<Vec<Db>>>,
}

impl Context {
    pub fn new(location: Location, log: DecodedLog, commands: Arc<Commands>, settings: Settings) -> Self {
        let history = History::default();
        Self { commands, log, settings: Arc::new(settings), history, location, opened: Arc::default() }
    }

    /// Opens a set of tables with its checkpoints. It is closed when the manager ends.
    pub async fn tables(&self, name: &str) -> Result<Db, LocationError> {
        let db = self.location.tables(name, Sizes::small(), "").await?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(db.clone());
        Ok(db)
    }

    /// The limit between what this manager still sends something for and what is past.
    pub(crate) async fn side_effects(&self, manager: &'static str) -> Result<SideEffects, LoadError> {
        let (past, clock) = (self.commands.past().await?, self.commands.clock.clone());
        Ok(SideEffects { manager, past, history: self.history, clock })
    }

    /// A copy of the context for another manager, without open tables.
    pub(crate) fn fresh(&self, history: History) -> Self {
        Self { opened: Arc::default(), history, ..self.clone() }
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

/// The entry of a process manager in the registry.
pub(crate) struct Registered {
    pub name: &'static str,
    pub tables: Option<TableSet>,
    open: for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Opened, OpenError>>,
}

/// A process manager that is open but not running yet.
pub(crate) struct Opened {
    pub watch: Option<Watch>,
    pub run: Box<Run>,
}

type Run = dyn FnOnce(CancellationToken, Health) -> BoxFuture<'static, Result<(), RunnerError>> + Send;

impl Registered {
    pub(crate) const fn of<M: ProcessManager>() -> Self {
        Self { name: M::NAME, tables: M::TABLES, open: open::<M> }
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
