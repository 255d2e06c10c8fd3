//! A conflict says who did what: since the version that the caller has read, or last.

use super::conversations::problem_of_command;
use crate::problem::written_since;
use commands::Commands;
use commands::execute::{CommandError, LoadError};
use domain::conversation::{Conversation, Rejection, is_of_others};
use domain::history::PastEvent;
use event_schemas::{Actor, ConversationId, EventId, Events, StreamId, Timestamp, UserId, Version, summary};
use gate::Problem;
use serde::Serialize;
use serde_json::json;

/// The most changes that a problem names: the newest ones.
const MOST_CHANGES: usize = 20;

/// A change by an event, and who did it.
#[derive(Serialize)]
pub(super) struct Change<'a> {
    event_id: EventId,
    version: Version,
    #[serde(rename = "type")]
    event_type: &'static str,
    summary: String,
    actor: &'a Actor,
    occurred_at: Timestamp,
}

impl<'a> Change<'a> {
    pub(super) fn of(past: &'a PastEvent) -> Self {
        Self {
            event_id: past.id,
            version: past.version,
            event_type: past.event.event_type(),
            summary: summary(&past.event, &past.metadata.actor),
            actor: &past.metadata.actor,
            occurred_at: past.metadata.occurred_at,
        }
    }
}

/// The problem of a command to a conversation. A conflict says what others have done.
pub(super) async fn explained(
    commands: &Commands,
    id: ConversationId,
    error: CommandError<Rejection>,
) -> Problem {
    let stream = StreamId::conversation(id);
    let changes = match &error {
        CommandError::VersionMismatch { expected, .. } => commands.history(&stream, expected.next()).await,
        CommandError::Rejected(Rejection::WrittenSince { seen, writer }) => {
            messages_since(commands, &stream, *seen, *writer).await
        }
        CommandError::Rejected(
            Rejection::Taken { .. } | Rejection::NoSuchStep { .. } | Rejection::Closed,
        ) => latest_change(commands, &stream).await,
        _ => return problem_of_command(error),
    };
    match changes {
        Ok(changes) if !changes.is_empty() => with_changes(error, &changes),
        // The explanation is not necessary.
        Ok(_) | Err(_) => problem_of_command(error),
    }
}

fn with_changes(error: CommandError<Rejection>, changes: &[PastEvent]) -> Problem {
    let count = changes.len();
    let newest: Vec<_> = changes[count.saturating_sub(MOST_CHANGES)..].iter().map(Change::of).collect();
    let problem = match &error {
        CommandError::Rejected(rejection @ Rejection::WrittenSince { .. }) => {
            let summaries: Vec<_> = newest.iter().map(|change| &*change.summary).collect();
            let messages = if count == 1 { "1 message".to_owned() } else { format!("{count} messages") };
            written_since(format!("{messages}: {rejection}. {}.", summaries.join("; ")))
        }
        _ => problem_of_command(error),
    };
    problem.with("changes", json!(newest)).with("change_count", count)
}

/// The messages and notes of others than the writer.
async fn messages_since(
    commands: &Commands,
    stream: &StreamId,
    version: Version,
    writer: Option<UserId>,
) -> Result<Vec<PastEvent>, LoadError> {
    let mut events = commands.history(stream, version.next()).await?;
    events.retain(|past| is_of_others(&past.event, writer));
    Ok(events)
}

/// The event that gave the conversation its status and assignment.
async fn latest_change(commands: &Commands, stream: &StreamId) -> Result<Vec<PastEvent>, LoadError> {
    let fold = commands.conversations.cached(stream).await?;
    let Conversation::Opened(opened) = &fold.state else { return Ok(Vec::new()) };
    let event = commands.past_event(stream, opened.lifecycle_version()).await?;
    Ok(event.into_iter().collect())
}
