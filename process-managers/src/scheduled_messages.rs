//! Sends the messages that agents have scheduled, when their time has come.
//!
//! Every conversation that has such a message has a [timer](follower::timers), which is due at the time of the next one.
//! The conversation itself decides whether a message is still to be sent, so it is sent once, and never after it was
//! cancelled.

mod source;

use crate::manager::{Context as ManagerContext, OpenError, ProcessManager};
use crate::past::SideEffects;
use crate::restore::{AfterRestore, TableSet};
use crate::timer_error::HandlerError;
use commands::Commands;
use commands::execute::{Context, LoadError};
use domain::conversation::{Conversation, Scheduled, SendWhenDue};
use domain::past::Trigger;
use event_schemas::{Metadata, StreamId, Timestamp};
use follower::timers::{DueTimer, TimerHandler, TimerSource, Timers};
use follower::{Health, RunnerError, Watch};
use futures::future::BoxFuture;
use source::Source;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct ScheduledMessages(Timers<Source, ScheduleHandler>);

impl ProcessManager for ScheduledMessages {
    const NAME: &'static str = "scheduled-messages";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "scheduled",
        checkpoint: <Source as TimerSource>::CHECKPOINT,
        after_restore: AfterRestore::Derive,
    });

    async fn open(context: &ManagerContext) -> Result<Self, OpenError> {
        let db = context.tables("scheduled").await?;
        let commands = &context.commands;
        let source = Source::new(Arc::clone(commands));
        let side_effects = context.side_effects(Self::NAME).await?;
        let handler = ScheduleHandler { commands: Arc::clone(commands), side_effects };
        Ok(Self(Timers::open(&context.log, db, commands.clock.clone(), source, handler).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// When the next scheduled message of a conversation is due. `None` when no message waits for its time.
fn next_due(conversation: &Conversation, now: Timestamp) -> Option<Timestamp> {
    let opened = conversation.opened().ok()?;
    let due_now = opened.due_messages(now).next().map(|_| now);
    due_now.or_else(|| opened.next_message_at())
}

/// Sends or holds the messages that are due.
struct ScheduleHandler {
    commands: Arc<Commands>,
    side_effects: SideEffects,
}

impl TimerHandler for ScheduleHandler {
    type Error = HandlerError;

    fn handle<'a>(
        &'a self,
        timer: &'a DueTimer,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, HandlerError>> {
        Box::pin(async move {
            let stream = StreamId::conversation(timer.id);
            let loaded = self.commands.conversations.current(&stream).await?;
            let Ok(conversation) = loaded.state.opened() else { return Ok(None) };
            let mut due: Vec<_> = conversation.due_messages(now).collect();
            due.sort_by_key(|scheduled| (scheduled.send_at, scheduled.version));
            for scheduled in due {
                self.send(timer, &stream, scheduled).await?;
            }
            let loaded = self.commands.conversations.current(&stream).await?;
            Ok(next_due(&loaded.state, now))
        })
    }
}

impl ScheduleHandler {
    async fn send(
        &self,
        timer: &DueTimer,
        stream: &StreamId,
        scheduled: &Scheduled,
    ) -> Result<(), HandlerError> {
        let context = self.context(timer, stream, scheduled).await?;
        let command = SendWhenDue {
            message_id: scheduled.message_id(),
            channel: self.commands.channel_state(timer.account, stream).await?,
            is_overdue: self.side_effects.withheld(Trigger::Moment(scheduled.send_at)).is_some(),
        };
        let outcome = self.commands.conversations.execute(stream, &command, &context).await?;
        if outcome.wrote {
            let late = self.commands.clock.now().since(scheduled.send_at);
            metrics::histogram!("verbatim_scheduled_message_delay_seconds").record(late.as_secs_f64());
        }
        Ok(())
    }

    /// The message is sent by its sender, because of their request. The key names the message and its time: a message
    /// that was held and is scheduled again is another attempt.
    async fn context(
        &self,
        timer: &DueTimer,
        stream: &StreamId,
        scheduled: &Scheduled,
    ) -> Result<Context, LoadError> {
        let request = self.commands.recorded_at(stream, scheduled.version).await?;
        let request = request.ok_or_else(|| LoadError::Damaged {
            stream: stream.to_string(),
            source: "the event of a scheduled message is missing".into(),
        })?;
        // The ids of the events derive from this key. Never change it: messages would be held again.
        let key = format!("scheduled/{}/{}", scheduled.message_id(), scheduled.send_at.as_micros());
        let Metadata { actor, correlation_id, traceparent, .. } = request.metadata;
        Ok(Context {
            causation_id: Some(request.id),
            traceparent,
            key: Some(key),
            ..Context::of(timer.account, actor, correlation_id)
        })
    }
}
