//! SLA timers: record SLA warnings and breaches, and end snoozes.
//!
//! Every conversation that has an SLA policy or is snoozed has a [timer](follower::timers), which is due at the next of
//! these moments.

mod source;

use crate::manager::{Context as ManagerContext, OpenError, ProcessManager};
use crate::restore::{AfterRestore, TableSet};
use crate::timer_error::HandlerError;
use commands::execute::{CommandError, Context, Versioned};
use commands::{Commands, Consequence, event_of};
use domain::Decide;
use domain::conversation::{Conversation, RaiseAlarm, Rejection, Reopen};
use event_schemas::conversation::ReopenCause;
use event_schemas::{EventId, StreamId, Timestamp, Version};
use follower::timers::{DueTimer, TimerHandler, TimerSource, Timers};
use follower::{Health, RunnerError, Watch};
use futures::future::BoxFuture;
use source::Source;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct SlaTimers(Timers<Source, SlaTimerHandler>);

impl ProcessManager for SlaTimers {
    const NAME: &'static str = "sla-timers";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "alarm-clock",
        checkpoint: <Source as TimerSource>::CHECKPOINT,
        after_restore: AfterRestore::Derive,
    });

    async fn open(context: &ManagerContext) -> Result<Self, OpenError> {
        // The tables are in a file of their own: timers that a power failure loses are derived from the log again, so
        // their commits need not wait for the disk as those of the outbox must.
        let db = context.tables("alarm-clock").await?;
        let commands = &context.commands;
        let source = Source::new(Arc::clone(commands));
        let handler = SlaTimerHandler { commands: Arc::clone(commands) };
        Ok(Self(Timers::open(&context.log, db, commands.clock.clone(), source, handler).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// The moments at which an alarm or the end of a snooze is due in a conversation.
fn moments(conversation: &Conversation) -> impl Iterator<Item = Timestamp> {
    conversation
        .opened()
        .ok()
        .into_iter()
        .flat_map(|opened| opened.clocks.alarms().map(|alarm| alarm.at).chain(opened.lifecycle.snoozed_until))
}

/// Raises SLA alarms and ends snoozes.
struct SlaTimerHandler {
    commands: Arc<Commands>,
}

impl TimerHandler for SlaTimerHandler {
    type Error = HandlerError;

    fn handle<'a>(
        &'a self,
        timer: &'a DueTimer,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, HandlerError>> {
        Box::pin(async move {
            let loaded = self.raise_due(timer, now).await?;
            // Moments that have passed and are still in the state were recorded before.
            Ok(moments(&loaded.state).filter(|moment| *moment > now).min())
        })
    }
}

impl SlaTimerHandler {
    async fn raise_due(
        &self,
        timer: &DueTimer,
        now: Timestamp,
    ) -> Result<Arc<Versioned<Conversation>>, HandlerError> {
        let stream = StreamId::conversation(timer.id);
        let loaded = self.commands.conversations.current(&stream).await?;
        let Ok(conversation) = loaded.state.opened() else { return Ok(loaded) };
        for alarm in conversation.clocks.alarms().filter(|alarm| alarm.at <= now) {
            // The event is dated at the moment when the alarm was due; its data say when the alarm was detected.
            let cause = match alarm.started_by {
                Some(message) => Some(event_of(message)),
                None => self.commands.event_at(&stream, Version::FIRST).await?,
            };
            let context = command_context(timer, &alarm.name(), alarm.at, cause);
            if self.execute(&stream, &RaiseAlarm { alarm }, &context).await? {
                let late = self.commands.clock.now().since(alarm.at);
                metrics::histogram!("verbatim_sla_alarm_delay_seconds").record(late.as_secs_f64());
            }
        }
        if let Some(until) = conversation.lifecycle.snoozed_until.filter(|until| *until <= now) {
            let cause = self.commands.cause_of(&stream, Consequence::SnoozeEnds).await?;
            let context = command_context(timer, &format!("snooze/{}", until.as_micros()), until, cause);
            let command = Reopen { cause: ReopenCause::SnoozeEnded, reason: None };
            self.execute(&stream, &command, &context).await?;
        }
        Ok(self.commands.conversations.current(&stream).await?)
    }

    /// Returns whether this call appended events.
    async fn execute(
        &self,
        stream: &StreamId,
        command: &impl Decide<Conversation, Rejection = Rejection>,
        context: &Context,
    ) -> Result<bool, CommandError<Rejection>> {
        match self.commands.conversations.execute(stream, command, context).await {
            Ok(outcome) => Ok(outcome.wrote),
            // The conversation has changed meanwhile, and the action is not due any more.
            Err(CommandError::Rejected(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn command_context(timer: &DueTimer, name: &str, at: Timestamp, cause: Option<EventId>) -> Context {
    Context::in_time(timer.account, "sla-timers", format!("{}/{name}", timer.id), at, cause)
}
