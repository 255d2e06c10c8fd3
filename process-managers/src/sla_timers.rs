//! The alarm clock: SLA warnings and breaches, and the ends of snoozes.
//!
//! It has an [appointment](crate::timers) with every conversation that was promised something or put
//! aside.

mod follow;

use crate::Health;
use crate::timers::{Attended, Due, Table, TimerHandler, Timers, table_of};
use commands::Commands;
use commands::execute::{CommandError, Context, Versioned};
use domain::conversation::{Conversation, RaiseAlarm, Rejection, Reopen};
use event_schemas::conversation::ReopenCause;
use event_schemas::{StreamId, Timestamp};
use follow::Follow;
use follower::{Db, RunnerError, Watch};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const ALARMS: Table = table_of!("alarms");

/// The process manager.
pub struct SlaTimers(Timers<Follow, SlaTimerHandler>);

impl SlaTimers {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db) -> Result<Self, RunnerError> {
        let follow = |waker| Follow::new(Arc::clone(&commands), waker);
        let ringer = SlaTimerHandler { commands: Arc::clone(&commands) };
        Timers::open(&commands, db, ALARMS, follow, ringer).await.map(Self)
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.0.watch()
    }

    /// Rings until told to stop. Ends early only when an event cannot be read.
    pub async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
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

/// Asks the conversations whose moment has come.
struct SlaTimerHandler {
    commands: Arc<Commands>,
}

impl TimerHandler for SlaTimerHandler {
    const NAME: &'static str = "alarm clock";

    fn attend<'a>(&'a self, due: &'a Due, now: Timestamp) -> BoxFuture<'a, Attended> {
        async move {
            let fold = self.ring_for(due, now).await?;
            // Whatever had come was asked for just now: what is still there was told before.
            Ok(moments(&fold.state).filter(|moment| *moment > now).min())
        }
        .boxed()
    }
}

impl SlaTimerHandler {
    async fn ring_for(
        &self,
        due: &Due,
        now: Timestamp,
    ) -> Result<Arc<Versioned<Conversation>>, CommandError<Rejection>> {
        let stream = StreamId::conversation(due.id);
        let fold = self.commands.conversations.current(&stream).await?;
        let Ok(conversation) = fold.state.opened() else { return Ok(fold) };
        for alarm in conversation.clocks.alarms().filter(|alarm| alarm.at <= now) {
            // Dated when it was due; the event itself says when it was noticed.
            let context = because(due, &alarm.name(), alarm.at);
            if self.ask(&stream, &RaiseAlarm { alarm }, &context).await? {
                let late = self.commands.clock.now().since(alarm.at);
                metrics::histogram!("verbatim_sla_alarm_delay_seconds").record(late.as_secs_f64());
            }
        }
        if let Some(until) = conversation.lifecycle.snoozed_until.filter(|until| *until <= now) {
            let context = because(due, &format!("snooze/{}", until.as_micros()), until);
            let command = Reopen { cause: ReopenCause::SnoozeEnded, reason: None };
            self.ask(&stream, &command, &context).await?;
        }
        Ok(self.commands.conversations.current(&stream).await?)
    }

    /// Answers whether it was this very call that wrote it down.
    async fn ask(
        &self,
        stream: &StreamId,
        command: &impl domain::Decide<Conversation, Rejection = Rejection>,
        context: &Context,
    ) -> Result<bool, CommandError<Rejection>> {
        match self.commands.conversations.execute(stream, command, context).await {
            Ok(outcome) => Ok(outcome.wrote),
            // The conversation went on meanwhile and there is nothing to ring for.
            Err(CommandError::Rejected(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn because(due: &Due, name: &str, at: Timestamp) -> Context {
    Context::in_time(due.account, "alarm-clock", format!("{}/{name}", due.id), at)
}
