//! The run of one rule for one cause: the conversation decides, and all events are appended together or none.

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

/// A rule that may run in a conversation.
pub(crate) struct RuleRun<'a> {
    pub account: AccountId,
    pub conversation: ConversationId,
    pub rules: &'a Arc<Rules>,
    /// The index of the rule in `rules`.
    pub index: usize,
    pub cause: &'a Cause,
    /// The name of the cause, which is the same whenever its event is read.
    pub name: &'a str,
    pub correlation_id: Option<Uuid>,
    /// The event that caused the run: that of the cause, or the message since which the customer waits.
    pub causation_id: Option<EventId>,
    pub traceparent: Option<String>,
}

/// Returns whether this call appended events.
pub(crate) async fn run(
    commands: &Commands,
    rule_run: &RuleRun<'_>,
) -> Result<bool, CommandError<Rejection>> {
    let stream = StreamId::conversation(rule_run.conversation);
    let loaded = commands.conversations.cached(&stream).await?;
    let (Ok(conversation), Some(rule)) = (loaded.state.opened(), rule_run.rules.get(rule_run.index)) else {
        return Ok(false);
    };
    let key = format!("{AUTOMATION}/{}/{}", rule.id, rule_run.name);
    let first = EventId::caused(rule_run.account, &key, 0);
    if commands.store.find(first).await.map_err(|error| LoadError::of(&stream, error))?.is_some() {
        return Ok(false);
    }
    let context = Context {
        causation_id: rule_run.causation_id,
        traceparent: rule_run.traceparent.clone(),
        key: Some(key),
        ..Context::of(rule_run.account, Actor::system(AUTOMATION), rule_run.correlation_id.unwrap_or(first.0))
    };
    // A rule acts with a supervisor's rights: it may take a conversation from any agent.
    let by = Requester { user: None, may_take_over: true };
    // The id of the rule is the author, as in messages of the bot's rules.
    let author = UserId(rule.id.0);
    let sender = Sender { sender_type: SenderType::System, id: Some(author), name: Some(rule.name.clone()) };
    let list = commands.action_list(&rule.actions, &context, conversation, by, (sender, author)).await?;
    let mut command = RunRule {
        rules: Arc::clone(rule_run.rules),
        index: rule_run.index,
        cause: rule_run.cause.clone(),
        list,
    };
    let options = AssignOptions { counts: false, forced: false, taker: None };
    match commands.assign(rule_run.conversation, &command, &context, options).await {
        Ok(outcome) => Ok(outcome.wrote),
        Err(AssignError::Agent(CommandError::Rejected(rejection))) => {
            // The agent cannot take the conversation; the other actions are still executed.
            for step in &mut command.list.steps {
                if matches!(step.action, Action::AssignAgent { .. }) {
                    step.obstacle = Some(rejection.to_string());
                }
            }
            let outcome = commands.assign(rule_run.conversation, &command, &context, options).await;
            outcome.map(|outcome| outcome.wrote).map_err(conversation_error)
        }
        Err(error) => Err(conversation_error(error)),
    }
}

/// Turns an error of the agent's stream into one of the conversation.
fn conversation_error(error: AssignError) -> CommandError<Rejection> {
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
