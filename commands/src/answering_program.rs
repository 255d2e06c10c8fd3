//! The commands for a program that answers in the bot's place (requirement 001).

use crate::conversations::Begin;
use crate::customers::Identifiers;
use crate::execute::{CommandError, Context, Outcome, Read};
use crate::language::detect;
use crate::{Commands, dry_run};
use domain::bot::Playbook;
use domain::conversation::{Answer, AnswerIds, Close, Conversation, Rejection};
use event_schemas::conversation::MessageReceived;
use event_schemas::message::{SenderType, Status};
use event_schemas::{ConversationId, Recorded, StreamId, Timestamp};
use std::sync::Arc;

/// A contact's conversation on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOrBegun {
    pub id: ConversationId,
    /// Whether this call began it.
    pub is_new: bool,
}

impl Commands {
    /// The contact's conversation on the channel that is neither resolved nor closed, or a new one. A resolved
    /// conversation is closed first, because a contact has one conversation at a time on a channel. All callers get the
    /// same conversation, whichever process they ask.
    pub async fn find_or_begin(
        &self,
        begin: &Begin,
        context: &Context,
    ) -> Result<FoundOrBegun, CommandError<Rejection>> {
        let of = Identifiers { account: context.account, kind: begin.channel.channel_type };
        let identifiers = std::slice::from_ref(&begin.contact_identifier);
        // After each change by another caller the conversation is looked up again. The bound only ends a loop by a
        // defect.
        for _ in 0..16 {
            let customer = self.customer(of, identifiers, Read::Log).await?;
            let found = self.current_of_customer(of, begin.channel.id, &customer.names, Read::Log).await?;
            let (current, loaded) = (&found.current, &found.current.fold);
            let status = match &loaded.state {
                Conversation::NotOpened => match self.begin(begin, context).await {
                    Ok((id, outcome)) => return Ok(FoundOrBegun { id, is_new: outcome.wrote }),
                    Err(CommandError::Rejected(Rejection::AlreadyOpen { .. })) => continue,
                    Err(error) => return Err(error),
                },
                Conversation::Opened(opened) => opened.status(),
            };
            match status {
                Status::Open | Status::Bot | Status::Assigned | Status::Pending => {
                    return Ok(FoundOrBegun { id: current.id, is_new: false });
                }
                Status::Resolved => {
                    let part = format!("close:{}", current.id);
                    // A message of the customer may reopen it meanwhile.
                    let at_this_version = Context { if_match: loaded.version, ..context.for_part(&part) };
                    let close = Close { reason: Some("The customer's next conversation begins".to_owned()) };
                    match self.conversations.execute(&current.stream, &close, &at_this_version).await {
                        Ok(_) | Err(CommandError::VersionMismatch { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Status::Closed => self.current_conversations.set_closed(
                    begin.channel.id,
                    &current.identifier,
                    current.ordinal,
                ),
            }
        }
        Err(CommandError::Contended)
    }

    /// Answers a customer's message with this playbook, once: the context says for which message it is.
    pub async fn answer_as_bot(
        &self,
        stream: &StreamId,
        playbook: Arc<Playbook>,
        message: &MessageReceived,
        received_at: Timestamp,
        context: &Context,
    ) -> Result<Outcome<Conversation>, CommandError<Rejection>> {
        let loaded = self.conversations.cached(stream).await?;
        let kind = loaded.state.opened().ok().map(|conversation| conversation.channel_type);
        let command = Answer {
            playbook,
            message_id: message.message_id,
            body: message.body.clone(),
            metadata: message.metadata.clone(),
            received_at,
            language: detect(&message.body.content),
            ids: AnswerIds {
                reply: context.further_message_id(&self.clock, "reply"),
                question: context.further_message_id(&self.clock, "question"),
            },
            reply_window: kind.and_then(|kind| self.providers.reply_window(kind, SenderType::Bot)),
        };
        self.conversations.execute(stream, &command, context).await
    }

    /// Answers a stored message of the customer at once, as the bot router does it later: only one of the two takes
    /// effect.
    pub async fn answer_at_once(
        &self,
        recorded: &Recorded,
        message: &MessageReceived,
    ) -> Result<Outcome<Conversation>, CommandError<Rejection>> {
        let playbook = self.playbook(recorded.metadata.account_id).await?;
        let context = Context::because_of(recorded, dry_run::ROUTER);
        let received_at = recorded.metadata.occurred_at;
        self.answer_as_bot(&recorded.stream, playbook, message, received_at, &context).await
    }
}
