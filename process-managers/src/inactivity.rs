//! Inactivity: conversations expire when neither side writes for too long, resolved ones close, and conversations
//! that the bot does not finish go to agents.
//!
//! Every conversation that is not over has a [timer](follower::timers), which is due at the first moment at which
//! anything can be due. A message in between only makes that later, which is found out when the moment comes.

mod source;

use crate::manager::{Context as ManagerContext, OpenError, ProcessManager};
use crate::timer_error::HandlerError;
use commands::Commands;
use commands::execute::{CommandError, Context};
use domain::conversation::EndInactivity;
use event_schemas::message::SenderType;
use event_schemas::{StreamId, Timestamp};
use follower::timers::{DueTimer, RETRY, TimerHandler, Timers};
use follower::{Health, RunnerError, Watch};
use futures::future::BoxFuture;
use source::Source;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The process manager.
pub struct Inactivity(Timers<Source, InactivityHandler>);

impl ProcessManager for Inactivity {
    const NAME: &'static str = "inactivity";

    async fn open(context: &ManagerContext) -> Result<Self, OpenError> {
        let db = context.tables("silences").await?;
        let commands = &context.commands;
        let source = Source::new(Arc::clone(commands));
        let handler = InactivityHandler { commands: Arc::clone(commands) };
        Ok(Self(Timers::open(&context.log, db, commands.clock.clone(), source, handler).await?))
    }

    fn watch(&self) -> Option<Watch> {
        Some(self.0.watch())
    }

    async fn run(self, stop: CancellationToken, health: Health) -> Result<(), RunnerError> {
        self.0.run(stop, health).await
    }
}

/// Does what follows from inactivity that lasts too long.
struct InactivityHandler {
    commands: Arc<Commands>,
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
        // One action may begin inactivity of another kind: a conversation that is handed over may expire too.
        for _ in 0..3 {
            let Ok(conversation) = loaded.state.opened() else { return Ok(None) };
            let Some((at, action)) = conversation.inactivity_ends(&timeouts) else { return Ok(None) };
            if at > now {
                return Ok(Some(at));
            }
            // The ids of what is appended derive from this key: a change of it would repeat what was done.
            let key = format!("{}/silence/{}/{}", timer.id, action.as_str(), at.as_micros());
            let context = Context::in_time(timer.account, "inactivity", key, at);
            let command = EndInactivity {
                timeouts: timeouts.clone(),
                playbook: Arc::clone(&playbook),
                message_id: context.further_message_id(&self.commands.clock, "told"),
                reply_window: self
                    .commands
                    .providers
                    .reply_window(conversation.channel_type, SenderType::Bot),
            };
            match conversations.execute(&stream, &command, &context).await {
                // The event that was appended sets the timer anew, too.
                Ok(outcome) => loaded = outcome.state,
                // The conversation went on meanwhile.
                Err(CommandError::Rejected(_)) => return Ok(Some(now + RETRY)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(now + RETRY))
    }
}
