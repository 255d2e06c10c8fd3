//! One rule and one cause: the conversation decides, and everything is appended, or nothing.

use super::AUTOMATION;
use commands::Commands;
use commands::assignment::{AssignError, AssignOptions};
use commands::execute::{CommandError, Context, LoadError};
use domain::automation::{Cause, Rules};
use domain::conversation::{Rejection, Requester, RunRule, Sender};
use event_schemas::automation::Action;
use event_schemas::message::SenderType;
use event_schemas::{AccountId, Actor, ConversationId, EventId, StreamId, UserId};
use std::sync::Arc;
use uuid::Uuid;

/// A rule that may be set off in a conversation.
pub(crate) struct RuleRun<'a> {
    pub account: AccountId,
    pub conversation: ConversationId,
    pub rules: &'a Arc<Rules>,
    /// The rule's place among them.
    pub place: usize,
    pub cause: &'a Cause,
    /// What the cause is called, however often it is looked at.
    pub name: &'a str,
    pub correlation_id: Option<Uuid>,
    pub traceparent: Option<String>,
}

/// Answers whether it was this very call that wrote it down.
pub(crate) async fn run(commands: &Commands, deed: &RuleRun<'_>) -> Result<bool, CommandError<Rejection>> {
    let stream = StreamId::conversation(deed.conversation);
    let fold = commands.conversations.cached(&stream).await?;
    let (Ok(conversation), Some(rule)) = (fold.state.opened(), deed.rules.get(deed.place)) else {
        return Ok(false);
    };
    let key = format!("{AUTOMATION}/{}/{}", rule.id, deed.name);
    let first = EventId::caused(deed.account, &key, 0);
    if commands.store.find(first).await.map_err(|error| LoadError::of(&stream, error))?.is_some() {
        return Ok(false);
    }
    let context = Context {
        account: deed.account,
        actor: Actor::system(AUTOMATION),
        correlation_id: deed.correlation_id.unwrap_or(first.0),
        causation_id: deed.cause.event_id,
        traceparent: deed.traceparent.clone(),
        occurred_at: None,
        key: Some(key),
        if_match: None,
    };
    // A rule is its supervisor's: it may take from anybody.
    let by = Requester { user: None, may_take_over: true };
    // As the bot's rules sign what they say.
    let author = UserId(rule.id.0);
    let sender = Sender { sender_type: SenderType::System, id: Some(author), name: Some(rule.name.clone()) };
    let list =
        commands.list(&rule.actions, &context, conversation.channel_type, by, (sender, author)).await?;
    let mut command =
        RunRule { rules: Arc::clone(deed.rules), place: deed.place, cause: deed.cause.clone(), list };
    let options = AssignOptions { counts: false, insists: false, taker: None };
    match commands.assign(deed.conversation, &command, &context, options).await {
        Ok(outcome) => Ok(outcome.wrote),
        Err(AssignError::Agent(CommandError::Rejected(refusal))) => {
            // The agent cannot take it: the rest is done.
            for step in &mut command.list.steps {
                if matches!(step.action, Action::AssignAgent { .. }) {
                    step.obstacle = Some(refusal.to_string());
                }
            }
            let outcome = commands.assign(deed.conversation, &command, &context, options).await;
            outcome.map(|outcome| outcome.wrote).map_err(conversations)
        }
        Err(error) => Err(conversations(error)),
    }
}

/// What stands in the way of an agent's stream stands in the way of all.
fn conversations(error: AssignError) -> CommandError<Rejection> {
    match error {
        AssignError::Conversation(error) => error,
        AssignError::Agent(CommandError::Unavailable(unavailable)) => CommandError::Unavailable(unavailable),
        AssignError::Agent(CommandError::Damaged { stream, source }) => {
            CommandError::Damaged { stream, source }
        }
        AssignError::Agent(CommandError::VersionMismatch { expected, actual }) => {
            CommandError::VersionMismatch { expected, actual }
        }
        AssignError::Agent(CommandError::KeyReused) => CommandError::KeyReused,
        AssignError::Agent(CommandError::Contended) => CommandError::Contended,
        AssignError::Agent(CommandError::Rejected(_) | CommandError::NotFound) => CommandError::NotFound,
    }
}
