//! Timers: the conversations that time alone has something to do with, and when.
//!
//! A process manager of this kind keeps one row for each of them, with the moment at which it is next to be
//! looked at. The moment is derived from the log; when it comes the conversation itself decides. So restart,
//! replay, a second process or ten minutes of downtime do nothing twice and nothing never.

mod table;
mod waker;

pub(crate) use table::{Due, Entry, Table, table_of};
pub(crate) use waker::Waker;

use crate::Health;
use commands::Commands;
use commands::execute::CommandError;
use domain::conversation::Rejection;
use event_schemas::{Clock, Timestamp};
use follower::{Db, DbError, Projection, Runner, RunnerError, Watch};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The longest it sleeps without looking, in case the machine's clock was moved.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often it looks when a test moves the clock.
const MANUAL_SLEEP: Duration = Duration::from_millis(5);
/// How many conversations are looked at at the same time: their commits are shared, so a rush at opening
/// time is soon told.
const TOGETHER: usize = 64;
/// How long it waits when the log or the table cannot be used, or a conversation moves on while it is asked.
pub(crate) const TROUBLE: Duration = Duration::from_millis(500);

/// What is done about a conversation whose moment has come.
pub(crate) trait TimerHandler: Send + Sync + 'static {
    /// What it is called where it has trouble.
    const NAME: &'static str;

    /// Does what is due, and answers when to look again. None: when the log says so.
    fn attend<'a>(&'a self, due: &'a Due, now: Timestamp) -> BoxFuture<'a, Attended>;
}

/// When to look again, or why the conversation could not be asked.
pub(crate) type Attended = Result<Option<Timestamp>, CommandError<Rejection>>;

/// Whatever keeps its rows, whoever attends to them, and what wakes the one for the other.
pub(crate) struct Timers<F: Projection, A> {
    runner: Runner<F>,
    attendant: Attendant<A>,
}

impl<F: Projection + 'static, A: TimerHandler> Timers<F, A> {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub(crate) async fn open(
        commands: &Arc<Commands>,
        db: Db,
        table: Table,
        follow: impl FnOnce(Arc<Waker>) -> F,
        attend: A,
    ) -> Result<Self, RunnerError> {
        db.run(table.script).await?;
        let waker = Arc::new(Waker::default());
        let runner =
            Runner::open(Arc::clone(&commands.store), db.clone(), follow(Arc::clone(&waker))).await?;
        let attendant = Attendant { clock: commands.clock.clone(), db, table, waker, attend };
        Ok(Self { runner, attendant })
    }

    /// How far the log has been followed.
    pub(crate) fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Attends until told to stop. Ends early only when an event cannot be read.
    pub(crate) async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let stop_attending = stop.child_token();
        let attending = tokio::spawn(self.attendant.run(stop_attending.clone(), health));
        let ended = self.runner.run(stop).await;
        stop_attending.cancel();
        attending.await.map_err(|_| RunnerError::BrokeOff)?;
        ended
    }
}

/// Sleeps until the next moment comes, and asks the conversations.
struct Attendant<A> {
    clock: Clock,
    db: Db,
    table: Table,
    waker: Arc<Waker>,
    attend: A,
}

/// Why no conversation at all could be attended to.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the table of {0} cannot be used")]
    Db(&'static str, #[source] DbError),
    #[error("no conversation can be asked")]
    Ask(#[source] CommandError<Rejection>),
}

impl<A: TimerHandler> Attendant<A> {
    async fn run(self, stop: CancellationToken, health: Health) {
        while !stop.is_cancelled() {
            let wait = match self.attend_to_all().await {
                Ok(wait) => {
                    health.well();
                    wait
                }
                Err(error) => {
                    let trouble = &error as &dyn std::error::Error;
                    tracing::warn!(error = trouble, "the {} tries again", A::NAME);
                    health.troubled(format!("the {}: {error}", A::NAME));
                    TROUBLE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.waker.rung() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Does what is due, and answers how long to sleep.
    async fn attend_to_all(&self) -> Result<Duration, Trouble> {
        let unusable = |error| Trouble::Db(A::NAME, error);
        self.waker.looking();
        loop {
            let due = self.table.due(&self.db, self.clock.now()).await.map_err(unusable)?;
            if due.is_empty() {
                break;
            }
            let mut visits: Vec<BoxFuture<'_, _>> = Vec::with_capacity(due.len());
            for due in due {
                visits.push(Box::pin(self.attend_to(due)));
            }
            let attended: Vec<_> = stream::iter(visits).buffer_unordered(TOGETHER).try_collect().await?;
            self.table.look_again(&self.db, &attended).await.map_err(unusable)?;
        }
        let longest = match self.clock {
            Clock::System => LONGEST_SLEEP,
            Clock::Manual(_) => MANUAL_SLEEP,
        };
        let next = self.table.next(&self.db).await.map_err(unusable)?;
        let now = self.clock.now();
        let wait = next.map_or(longest, |next| next.since(now).min(longest));
        self.waker.sleeping_until(now + wait);
        Ok(wait)
    }

    async fn attend_to(&self, due: Due) -> Result<(Due, Option<Timestamp>), Trouble> {
        let now = self.clock.now();
        let error = match self.attend.attend(&due, now).await {
            Ok(again) => return Ok((due, again)),
            Err(error) => error,
        };
        let again = match error {
            CommandError::Unavailable(_) => return Err(Trouble::Ask(error)),
            CommandError::Contended | CommandError::Rejected(_) | CommandError::VersionMismatch { .. } => {
                Some(now + TROUBLE)
            }
            // This one cannot be asked, until something happens in it.
            CommandError::Damaged { .. } | CommandError::NotFound | CommandError::KeyReused => None,
        };
        let error = &error as &dyn std::error::Error;
        tracing::error!(conversation = %due.id, error, "the {} cannot attend to it", A::NAME);
        Ok((due, again))
    }
}
