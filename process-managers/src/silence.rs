//! Silences: conversations expire when nobody says anything for too long, resolved ones close, and what the
//! bot leaves lying goes to people.
//!
//! It keeps one row for every conversation that is not over, with the moment at which it is next to be
//! looked at: the first at which anything can be due. What is said meanwhile only makes it later, so it is
//! found out when that moment comes, and the conversation itself decides: restart, replay, a second process
//! or ten minutes of downtime end nothing twice and nothing never.

mod follow;

use crate::Health;
use command_api::Commands;
use command_api::write::{CommandError, Context, LoadError};
use domain::conversation::{EndSilence, Patience, Rejection};
use event_schemas::{AccountId, Actor, Clock, ConversationId, EventId, StreamId, Timestamp};
use follow::Follow;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use projections::table::{Columns, Values};
use projections::{Db, DbError, Runner, RunnerError, Watch};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const TABLE: &str = include_str!("../../migrations/process-managers/silences.sql");

/// The longest it sleeps without looking, in case the machine's clock was moved.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often it looks when a test moves the clock.
const MANUAL_SLEEP: Duration = Duration::from_millis(5);
/// How many conversations are looked at before the table is asked again.
const AT_ONCE: i64 = 256;
/// How many of them at the same time: their commits are shared.
const TOGETHER: usize = 64;
/// How long it waits when the log or the table cannot be used.
const TROUBLE: Duration = Duration::from_millis(500);

/// The process manager.
pub struct Silence {
    commands: Arc<Commands>,
    db: Db,
    runner: Runner<Follow>,
    changed: Arc<Notify>,
}

impl Silence {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        db.run(TABLE).await?;
        let changed = Arc::new(Notify::new());
        let follow = Follow::new(Arc::clone(&commands), Arc::clone(&changed));
        let runner = Runner::open(Arc::clone(&commands.store), db.clone(), follow).await?;
        Ok(Self { commands, db, runner, changed })
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Listens until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let Self { commands, db, runner, changed } = self;
        let stop_listening = stop.child_token();
        let listener = Listener { commands, db, changed };
        let listening = tokio::spawn(listener.run(stop_listening.clone(), health));
        let ended = runner.run(stop).await;
        stop_listening.cancel();
        listening.await.map_err(|_| RunnerError::BrokeOff)?;
        ended
    }
}

/// How long the account lets silences last.
async fn patience_of(commands: &Commands, account: AccountId) -> Result<Patience, LoadError> {
    let settings = commands.bot_settings_of(account).await?;
    let playbook = commands.playbook(account).await?;
    Ok(Patience::of(&settings, &playbook))
}

/// Sleeps until the next moment comes, and asks the conversations.
struct Listener {
    commands: Arc<Commands>,
    db: Db,
    changed: Arc<Notify>,
}

/// A conversation whose moment has come.
struct Due {
    id: ConversationId,
    account: AccountId,
    at: Timestamp,
}

/// Why conversations could not be looked at.
#[derive(Debug, thiserror::Error)]
enum SilenceError {
    #[error("the table of silences cannot be used")]
    Db(#[from] DbError),
    #[error("a conversation cannot be asked")]
    Ask(#[from] CommandError<Rejection>),
}

impl SilenceError {
    /// Whether none can be asked just now, rather than this one.
    fn is_everybodys(&self) -> bool {
        matches!(self, Self::Db(_) | Self::Ask(CommandError::Unavailable(_)))
    }
}

impl Listener {
    async fn run(self, stop: CancellationToken, health: Health) {
        while !stop.is_cancelled() {
            let wait = match self.listen().await {
                Ok(wait) => {
                    health.well();
                    wait
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "silences are looked at again soon"
                    );
                    health.troubled(format!("silences: {error}"));
                    TROUBLE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.changed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Does what is due, and answers how long to sleep.
    async fn listen(&self) -> Result<Duration, SilenceError> {
        loop {
            let due = self.due(self.commands.clock.now()).await?;
            if due.is_empty() {
                break;
            }
            let mut looks: Vec<BoxFuture<'_, _>> = Vec::with_capacity(due.len());
            for due in due {
                looks.push(Box::pin(self.look_at(due)));
            }
            let looked: Vec<_> = stream::iter(looks).buffer_unordered(TOGETHER).try_collect().await?;
            self.write_down(&looked).await?;
        }
        let longest = match self.commands.clock {
            Clock::System => LONGEST_SLEEP,
            Clock::Manual(_) => MANUAL_SLEEP,
        };
        let now = self.commands.clock.now();
        Ok(self.next().await?.map_or(longest, |next| next.since(now).min(longest)))
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Due>, DbError> {
        const DUE: &str = "select conversation_id, account_id, due_at from silences
            where due_at is not null and due_at <= $1 order by due_at limit 0 + $2";
        let values = Values::default().with(&now).with(&AT_ONCE);
        let rows = self.db.readers().fetch_all(DUE, values).await?;
        rows.iter()
            .map(|row| {
                let mut columns = Columns::of(row);
                Ok(Due { id: columns.take()?, account: columns.take()?, at: columns.take()? })
            })
            .collect()
    }

    async fn next(&self) -> Result<Option<Timestamp>, DbError> {
        const NEXT: &str = "select min(due_at) from silences where due_at is not null";
        let row = self.db.readers().fetch_one(NEXT, Values::default()).await?;
        Columns::of(&row).take()
    }

    /// Ends the silence if it has lasted too long, and answers when to look again.
    async fn look_at(&self, due: Due) -> Result<(Due, Option<Timestamp>), SilenceError> {
        let now = self.commands.clock.now();
        match self.end(&due, now).await {
            Ok(again) => Ok((due, again)),
            Err(error) if error.is_everybodys() => Err(error),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(conversation = %due.id, error, "its silence cannot be ended");
                // It is looked at again when something happens in it.
                Ok((due, None))
            }
        }
    }

    async fn end(&self, due: &Due, now: Timestamp) -> Result<Option<Timestamp>, SilenceError> {
        let stream = StreamId::conversation(due.id);
        let conversations = &self.commands.conversations;
        let patience = patience_of(&self.commands, due.account).await.map_err(CommandError::from)?;
        let mut fold = conversations.load(&stream).await.map_err(CommandError::from)?;
        // One end may be the beginning of another silence: a handed over conversation may expire too.
        for _ in 0..3 {
            let Ok(conversation) = fold.state.opened() else { return Ok(None) };
            let Some((at, end)) = conversation.silence_ends(&patience) else { return Ok(None) };
            if at > now {
                return Ok(Some(at));
            }
            let provider = self.commands.providers.of(conversation.channel_type);
            let context = self.because(due, end.as_str(), at);
            let command = EndSilence {
                patience: patience.clone(),
                playbook: self.commands.playbook(due.account).await.map_err(CommandError::from)?,
                message_id: context.further_message_id(&self.commands.clock, "told"),
                reply_window: provider.and_then(|provider| provider.reply_window()),
            };
            match conversations.ask(&stream, &command, &context).await {
                // What it waits for next is told by what comes by in the log, too.
                Ok(outcome) => fold = outcome.state,
                // It went on meanwhile.
                Err(CommandError::Rejected(_)) => return Ok(Some(now + TROUBLE)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(now + TROUBLE))
    }

    /// Where the follower has written meanwhile, it knows better.
    async fn write_down(&self, looked: &[(Due, Option<Timestamp>)]) -> Result<(), DbError> {
        const AGAIN: &str = "update silences set due_at = $1 where conversation_id = $2 and due_at = $3";
        let mut tx = self.db.begin().await?;
        for (due, again) in looked {
            let values = Values::default().with(again).with(&due.id).with(&due.at);
            tx.execute(AGAIN, values).await?;
        }
        tx.commit().await
    }

    fn because(&self, due: &Due, name: &str, at: Timestamp) -> Context {
        let key = format!("{}/silence/{name}/{}", due.id, at.as_micros());
        Context {
            account: due.account,
            actor: Actor::system("silence"),
            // The same for whoever notices: nothing outside caused it but time.
            correlation_id: EventId::caused(due.account, &key, u32::MAX).0,
            causation_id: None,
            traceparent: None,
            // Dated when it was due.
            occurred_at: Some(at),
            key: Some(key),
            if_match: None,
        }
    }
}
