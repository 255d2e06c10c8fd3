//! Inactivity: conversations expire when neither side writes for too long, resolved conversations close, and
//! conversations that the bot does not finish are handed over to agents.
//!
//! Every conversation that is not closed has a [timer](follower::timers), which is due at the earliest moment at which an
//! action can be due. A message only makes that moment later, which the handler finds when the timer is due.

mod source;

use crate::manager::{Context as ManagerContext, OpenError, ProcessManager};
use crate::past::SideEffects;
use crate::restore::{AfterRestore, TableSet};
use crate::timer_error::HandlerError;
use commands::execute::{CommandError, Context};
use commands::{Commands, Consequence};
use domain::conversation::{Announcement, EndInactivity};
use domain::past::Trigger;
use event_schemas::message::SenderType;
use event_schemas::{StreamId, Timestamp};
use follower::timers::{DueTimer, RETRY, TimerHandler, TimerSource, Timers};
use follower::{Health, RunnerError, Watch};
use futures::future::BoxFuture;
use source::Source;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct Inactivity(Timers<Source, InactivityHandler>);

impl ProcessManager for Inactivity {
    const NAME: &'static str = "inactivity";
    const TABLES: Option<TableSet> = Some(TableSet {
        name: "silences",
        checkpoint: <Source as TimerSource>::CHECKPOINT,
        after_restore: AfterRestore::Derive,
    });

    async fn open(context: &ManagerContext) -> Result<Self, OpenError> {
        let db = context.tables("silences").await?;
        let commands = &context.commands;
        let source = Source::new(Arc::clone(commands));
        let side_effects = context.side_effects(Self::NAME).await?;
        let handler = InactivityHandler { commands: Arc::clone(commands), side_effects };
        Ok(Self(Timers::open(&context.log, db, commands.clock.clone(), source, handler).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// Executes the action that is due after too long an inactivity.
struct InactivityHandler {
    commands: Arc<Commands>,
    side_effects: SideEffects,
}

impl TimerHandler for InactivityHandler {
    type Error = HandlerError;

    fn handle<'a>(
        &'a self,
        timer: &'a DueTimer,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, HandlerError>> {
        Box::pin(self.end(timer, now))
    }
}

impl InactivityHandler {
    async fn end(&self, timer: &DueTimer, now: Timestamp) -> Result<Option<Timestamp>, HandlerError> {
        let stream = StreamId::conversation(timer.id);
        let conversations = &self.commands.conversations;
        let (timeouts, playbook) = self.commands.timeouts(timer.account).await?;
        let mut loaded = conversations.current(&stream).await?;
        // One action may begin another kind of inactivity: a conversation that is handed over may then expire.
        for _ in 0..3 {
            let Ok(conversation) = loaded.state.opened() else { return Ok(None) };
            let Some((at, action)) = conversation.inactivity_ends(&timeouts) else {
                // An answer to a customer who waits sets no timer: it is found at the next check, in time to expire.
                let waits = conversation.customer_waits();
                return Ok(timeouts.expire_after.filter(|_| waits).map(|inactivity| now + inactivity));
            };
            if at > now {
                return Ok(Some(at));
            }
            // The ids of the events derive from this key. Never change it: actions would be repeated.
            let key = format!("{}/silence/{}/{}", timer.id, action.as_str(), at.as_micros());
            let began = Consequence::InactivityEnds(conversation.inactive_since());
            let cause = self.commands.cause_of(&stream, began).await?;
            let context = Context::in_time(timer.account, "inactivity", key, at, cause);
            let reply_window =
                self.commands.providers.reply_window(conversation.channel_type, SenderType::Bot);
            // What is recorded late is not announced late.
            let announces = self.side_effects.withheld(Trigger::Moment(at)).is_none();
            let message_id = context.further_message_id(&self.commands.clock, "told");
            let command = EndInactivity {
                timeouts: timeouts.clone(),
                playbook: Arc::clone(&playbook),
                announcement: announces.then_some(Announcement {
                    message_id,
                    reply_window,
                    automatic_limit: Some(playbook.automatic_limit),
                }),
            };
            match conversations.execute(&stream, &command, &context).await {
                // The follower also sets the timer again when it reads the appended event.
                Ok(outcome) => loaded = outcome.state,
                // The conversation has changed meanwhile.
                Err(CommandError::Rejected(_)) => return Ok(Some(now + RETRY)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(now + RETRY))
    }
}
