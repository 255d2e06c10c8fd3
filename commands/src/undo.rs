//! Undoing what an event has changed. The plan is made of the conversation's whole history, and is executed at the
//! version up to which the history was read.

use crate::Commands;
use crate::assignment::{AssignError, AssignOptions};
use crate::execute::{CommandError, Context, LoadError, Outcome, pauses};
use domain::conversation::{Conversation, Rejection, Requester, Undo};
use domain::history::PastEvent;
use domain::undo::{History, Obstacle};
use event_schemas::{ConversationId, EventId, StreamId, Version};

/// Why an event was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    #[error("the conversation has no such event")]
    NoSuchEvent,
    #[error("the event cannot be undone")]
    Impossible {
        #[source]
        obstacle: Obstacle,
        /// The event that is the reason. `None` when no single event is.
        event: Option<Box<PastEvent>>,
    },
    #[error(transparent)]
    Assign(#[from] AssignError),
}

impl From<LoadError> for UndoError {
    fn from(error: LoadError) -> Self {
        Self::Assign(error.into())
    }
}

impl From<CommandError<Rejection>> for UndoError {
    fn from(error: CommandError<Rejection>) -> Self {
        Self::Assign(AssignError::Conversation(error))
    }
}

impl Commands {
    /// Takes back what an event has changed, and with a macro, a rule or an undo what its events have changed.
    pub async fn undo(
        &self,
        id: ConversationId,
        event_id: EventId,
        by: Requester,
        context: &Context,
    ) -> Result<Outcome<Conversation>, UndoError> {
        let mut pauses = pauses();
        loop {
            let (undo, version) = self.plan_undo(id, event_id, by, context).await?;
            let context =
                Context { if_match: Some(version), causation_id: Some(event_id), ..context.clone() };
            match self.assign(id, &undo, &context, AssignOptions::by(by)).await {
                // The history has gone on: it is read again.
                Err(AssignError::Conversation(CommandError::VersionMismatch { .. })) => {
                    let pause = pauses.next().ok_or(CommandError::<Rejection>::Contended)?;
                    tokio::time::sleep(pause).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// The command that undoes an event, and the version of the conversation of which it was made.
    async fn plan_undo(
        &self,
        id: ConversationId,
        event_id: EventId,
        by: Requester,
        context: &Context,
    ) -> Result<(Undo, Version), UndoError> {
        let events = self.history(&StreamId::conversation(id), Version::FIRST).await?;
        let is_own = events.first().is_some_and(|first| first.metadata.account_id == context.account);
        let latest = events.last().filter(|_| is_own).ok_or(CommandError::<Rejection>::NotFound)?;
        let version = latest.version;
        if let Some(expected) = context.if_match.filter(|expected| *expected != version) {
            return Err(CommandError::<Rejection>::VersionMismatch { expected, actual: Some(version) }.into());
        }
        let index = events.iter().position(|past| past.id == event_id).ok_or(UndoError::NoSuchEvent)?;
        match History::of(&events).plan(index, self.clock.now()) {
            Ok(plan) => {
                // What a person did they may take back.
                let actor = events[index].metadata.actor.id;
                let did_it = by.user.is_some_and(|user| actor == Some(user.0));
                let by = Requester { may_take_over: by.may_take_over || did_it, ..by };
                Ok((Undo { plan, by }, version))
            }
            Err(obstacle) => {
                let event = obstacle.event().and_then(|id| events.into_iter().find(|past| past.id == id));
                Err(UndoError::Impossible { obstacle, event: event.map(Box::new) })
            }
        }
    }
}
