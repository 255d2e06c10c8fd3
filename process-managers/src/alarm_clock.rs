//! The alarm clock: SLA warnings and breaches, and the ends of snoozes.
//!
//! It keeps one row for every conversation that was promised something or put aside, with the moment at
//! which it is next to be looked at. That moment is derived from the conversation's own events, and when
//! it comes the conversation itself decides: restart, replay, a second clock or ten minutes of downtime
//! fire nothing twice and nothing never.

mod follow;

use crate::Health;
use command_api::Commands;
use command_api::write::{CommandError, Context, Folded};
use domain::conversation::{Conversation, RaiseAlarm, Rejection, Reopen};
use event_schemas::conversation::ReopenCause;
use event_schemas::{AccountId, Actor, Clock, ConversationId, EventId, StreamId, Timestamp};
use follow::Follow;
use futures::{StreamExt, TryStreamExt, stream};
use projections::table::{Columns, Values};
use projections::{Db, DbError, Runner, RunnerError, Watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const TABLE: &str = include_str!("../../migrations/process-managers/alarms.sql");

/// The longest it sleeps without looking, in case the machine's clock was moved.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// How often it looks when a test moves the clock.
const MANUAL_SLEEP: Duration = Duration::from_millis(5);
/// How many conversations are looked at before the table is asked again.
const AT_ONCE: i64 = 256;
/// How many of them at the same time: their commits are shared, so a rush at opening time is soon told.
const TOGETHER: usize = 64;
/// How long it waits when the log or the table cannot be used.
const TROUBLE: Duration = Duration::from_millis(500);

/// The process manager.
pub struct AlarmClock {
    commands: Arc<Commands>,
    db: Db,
    runner: Runner<Follow>,
    bell: Arc<Bell>,
}

impl AlarmClock {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        db.run(TABLE).await?;
        let bell = Arc::new(Bell::default());
        let follow = Follow::new(Arc::clone(&commands), Arc::clone(&bell));
        let runner = Runner::open(Arc::clone(&commands.store), db.clone(), follow).await?;
        Ok(Self { commands, db, runner, bell })
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Rings until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        let Self { commands, db, runner, bell } = self;
        let stop_ringing = stop.child_token();
        let ringing = tokio::spawn(Ringer { commands, db, bell }.run(stop_ringing.clone(), health));
        let ended = runner.run(stop).await;
        stop_ringing.cancel();
        ringing.await.map_err(|_| RunnerError::BrokeOff)?;
        ended
    }
}

/// The moments at which there is something to do about a conversation.
fn moments(conversation: &Conversation) -> impl Iterator<Item = Timestamp> {
    conversation
        .opened()
        .ok()
        .into_iter()
        .flat_map(|opened| opened.clocks.alarms().map(|alarm| alarm.at).chain(opened.lifecycle.snoozed_until))
}

/// Whether there may be something to do later although there is nothing now.
fn may_ring_again(conversation: &Conversation) -> bool {
    conversation.opened().is_ok_and(|opened| opened.sla_policy.is_some() && !opened.lifecycle.is_closed())
}

/// Wakes the ringer when something is due before it would wake by itself.
struct Bell {
    changed: Notify,
    /// When the ringer looks next, in microseconds; while it is looking, never.
    looks_at: AtomicI64,
}

impl Default for Bell {
    fn default() -> Self {
        Self { changed: Notify::new(), looks_at: AtomicI64::new(i64::MAX) }
    }
}

impl Bell {
    fn due_at(&self, moment: Timestamp) {
        if moment.as_micros() < self.looks_at.load(Ordering::SeqCst) {
            self.changed.notify_one();
        }
    }
    fn looking(&self) {
        self.looks_at.store(i64::MAX, Ordering::SeqCst);
    }
    fn sleeping_until(&self, moment: Timestamp) {
        self.looks_at.store(moment.as_micros(), Ordering::SeqCst);
    }
}

/// Sleeps until the next moment comes, and asks the conversations.
struct Ringer {
    commands: Arc<Commands>,
    db: Db,
    bell: Arc<Bell>,
}

/// A conversation whose moment has come.
struct Due {
    id: ConversationId,
    account: AccountId,
    at: Timestamp,
}

/// Why conversations could not be looked at.
#[derive(Debug, thiserror::Error)]
enum RingError {
    #[error("the table of alarms cannot be used")]
    Db(#[from] DbError),
    #[error("a conversation cannot be asked")]
    Ask(#[from] CommandError<Rejection>),
}

impl RingError {
    /// Whether it is this one conversation that cannot be asked, now or ever, and not any of them.
    fn next_try(&self, now: Timestamp) -> Option<NextTry> {
        match self {
            Self::Ask(CommandError::Contended) => Some(NextTry::At(now + TROUBLE)),
            Self::Ask(CommandError::Damaged { .. } | CommandError::NotFound | CommandError::KeyReused) => {
                Some(NextTry::WhenItMoves)
            }
            Self::Ask(
                CommandError::Unavailable(_)
                | CommandError::Rejected(_)
                | CommandError::VersionMismatch { .. },
            )
            | Self::Db(_) => None,
        }
    }
}

enum NextTry {
    At(Timestamp),
    WhenItMoves,
}

impl Ringer {
    async fn run(self, stop: CancellationToken, health: Health) {
        while !stop.is_cancelled() {
            let wait = match self.ring().await {
                Ok(wait) => {
                    health.well();
                    wait
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the alarm clock tries again");
                    health.troubled(format!("the alarm clock: {error}"));
                    TROUBLE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.changed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Does what is due, and answers how long to sleep.
    async fn ring(&self) -> Result<Duration, RingError> {
        self.bell.looking();
        loop {
            let now = self.commands.clock.now();
            let due = self.due(now).await?;
            if due.is_empty() {
                break;
            }
            let looks = due.into_iter().map(|due| self.look_at(due));
            let looked: Vec<_> = stream::iter(looks).buffer_unordered(TOGETHER).try_collect().await?;
            self.write_down(&looked).await?;
        }
        let now = self.commands.clock.now();
        let longest = match self.commands.clock {
            Clock::System => LONGEST_SLEEP,
            Clock::Manual(_) => MANUAL_SLEEP,
        };
        let wait = self.next().await?.map_or(longest, |next| next.since(now).min(longest));
        self.bell.sleeping_until(now + wait);
        Ok(wait)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Due>, DbError> {
        const DUE: &str = "select conversation_id, account_id, due_at from alarms
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
        const NEXT: &str = "select min(due_at) from alarms where due_at is not null";
        let row = self.db.readers().fetch_one(NEXT, Values::default()).await?;
        Columns::of(&row).take()
    }

    /// Rings for what has come, and answers when to look again.
    async fn look_at(&self, due: Due) -> Result<(Due, Option<Timestamp>), RingError> {
        let now = self.commands.clock.now();
        match self.ring_for(&due, now).await {
            // Whatever had come was asked for just now: what is still there was told before.
            Ok(fold) => Ok((due, moments(&fold.state).filter(|moment| *moment > now).min())),
            Err(error) => {
                let Some(next_try) = error.next_try(now) else { return Err(error) };
                tracing::error!(conversation = %due.id, error = &error as &dyn std::error::Error, "no alarm can be raised");
                Ok((
                    due,
                    match next_try {
                        NextTry::At(moment) => Some(moment),
                        NextTry::WhenItMoves => None,
                    },
                ))
            }
        }
    }

    async fn ring_for(&self, due: &Due, now: Timestamp) -> Result<Arc<Folded<Conversation>>, RingError> {
        let stream = StreamId::conversation(due.id);
        let fold = self.commands.conversations.load(&stream).await.map_err(CommandError::from)?;
        let Ok(conversation) = fold.state.opened() else { return Ok(fold) };
        for alarm in conversation.clocks.alarms().filter(|alarm| alarm.at <= now) {
            // Dated when it was due; the event itself says when it was noticed.
            let context = self.because(due, &alarm.name(), alarm.at);
            if self.ask(&stream, &RaiseAlarm { alarm }, &context).await? {
                let late = self.commands.clock.now().since(alarm.at);
                metrics::histogram!("verbatim_sla_alarm_delay_seconds").record(late.as_secs_f64());
            }
        }
        if let Some(until) = conversation.lifecycle.snoozed_until.filter(|until| *until <= now) {
            let context = self.because(due, &format!("snooze/{}", until.as_micros()), until);
            let command = Reopen { cause: ReopenCause::SnoozeEnded, reason: None };
            self.ask(&stream, &command, &context).await?;
        }
        Ok(self.commands.conversations.load(&stream).await.map_err(CommandError::from)?)
    }

    /// The events just written will come by in the log too; this keeps it from ringing until then. Where
    /// the follower has written meanwhile, it knows better.
    async fn write_down(&self, looked: &[(Due, Option<Timestamp>)]) -> Result<(), DbError> {
        const AGAIN: &str = "update alarms set due_at = $1 where conversation_id = $2 and due_at = $3";
        let mut tx = self.db.begin().await?;
        for (due, again) in looked {
            let values = Values::default().with(again).with(&due.id).with(&due.at);
            tx.execute(AGAIN, values).await?;
        }
        tx.commit().await
    }

    /// Answers whether it was this very call that wrote it down.
    async fn ask(
        &self,
        stream: &StreamId,
        command: &impl domain::Decide<Conversation, Rejection = Rejection>,
        context: &Context,
    ) -> Result<bool, RingError> {
        match self.commands.conversations.ask(stream, command, context).await {
            Ok(outcome) => Ok(outcome.wrote),
            // The conversation went on meanwhile and there is nothing to ring for.
            Err(CommandError::Rejected(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn because(&self, due: &Due, name: &str, at: Timestamp) -> Context {
        let key = format!("{}/{name}", due.id);
        Context {
            account: due.account,
            actor: Actor::system("alarm-clock"),
            // The same for whoever notices: nothing outside caused it but time.
            correlation_id: EventId::caused(due.account, &key, u32::MAX).0,
            causation_id: None,
            traceparent: None,
            occurred_at: Some(at),
            key: Some(key),
            if_match: None,
        }
    }
}
