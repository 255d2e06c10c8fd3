//! Appends the end of a job to the log, and retries until the log is available.

use commands::Commands;
use commands::execute::{CommandError, Context};
use domain::Decide;
use domain::conversation::{Conversation, Rejection};
use event_schemas::StreamId;
use follower::outbox::{Outcome, RETRY};
use std::error::Error;
use std::fmt::Display;
use tokio_util::sync::CancellationToken;

/// The result of recording the end of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// The end is in the log. `wrote` is false when it was there before.
    Yes { wrote: bool },
    /// The conversation rejects the end of the job, now and later.
    Refused,
    /// The process stopped before the log was available.
    Stopped,
}

impl From<Recorded> for Outcome {
    fn from(recorded: Recorded) -> Self {
        match recorded {
            Recorded::Yes { wrote: true } => Self::Recorded,
            // No new event will remove the job from the table.
            Recorded::Yes { wrote: false } | Recorded::Refused => Self::Over,
            // After a restart the job counts as one whose attempt was in progress.
            Recorded::Stopped => Self::Recorded,
        }
    }
}

pub(crate) async fn record<C>(
    commands: &Commands,
    stream: &StreamId,
    command: &C,
    context: &Context,
    job: &(dyn Display + Sync),
    stop: &CancellationToken,
) -> Recorded
where
    C: Decide<Conversation, Rejection = Rejection>,
{
    loop {
        match commands.conversations.execute(stream, command, context).await {
            Ok(outcome) => return Recorded::Yes { wrote: outcome.wrote },
            Err(error @ (CommandError::Unavailable(_) | CommandError::Contended)) => {
                tracing::warn!(
                    %job,
                    error = &error as &dyn Error,
                    "the end of a job cannot be recorded now; trying again"
                );
                tokio::select! {
                    () = stop.cancelled() => return Recorded::Stopped,
                    () = tokio::time::sleep(RETRY) => {}
                }
            }
            Err(
                error @ (CommandError::Rejected(_)
                | CommandError::NotFound
                | CommandError::VersionMismatch { .. }
                | CommandError::KeyReused
                | CommandError::Damaged { .. }),
            ) => {
                let error = &error as &dyn Error;
                tracing::error!(%job, error, "the conversation rejected the end of a job");
                return Recorded::Refused;
            }
        }
    }
}
