//! Derives the outbox from the log: `MessageSent` inserts a message, and the first event of its delivery removes it.

use crate::history::History;
use crate::or_skip::OrSkip;
use commands::Commands;
use event_schemas::conversation::{
    Addressee, MessageDelivered, MessageDispatched, MessageFailed, MessageRead, MessageSent,
};
use event_schemas::{
    AccountId, Category, ChannelId, ConversationEvent, ConversationId, Event, MessageEvent, MessageId,
    StreamId, Timestamp, Version, about,
};
use event_store::Filter;
use follower::outbox::{Job, JobEffect, JobSource, JobState, Order};
use follower::{DecodedEvent, FollowError};
use std::sync::Arc;

follower::table! {
    /// A message whose delivery has no result in the log.
    pub struct OutgoingMessage in "outbox" key (message_id: MessageId) {
        account_id: AccountId,
        conversation_id: ConversationId,
        channel_id: ChannelId,
        version: Version,
        state: JobState,
        /// The number of attempts, counted when an attempt begins.
        attempts: u32,
        queued_at: Timestamp,
        next_attempt_at: Timestamp,
    }
}

impl Job for OutgoingMessage {
    type Id = MessageId;
    type Queue = ChannelId;
    const QUEUE: &'static str = "channel_id";
    const ORDER: Option<Order> = Some(Order { within: "conversation_id", by: "version" });

    fn id(&self) -> MessageId {
        self.message_id
    }
    fn queue(&self) -> ChannelId {
        self.channel_id
    }
}

pub(super) struct Source {
    commands: Arc<Commands>,
    history: History,
}

impl Source {
    pub(super) fn new(commands: Arc<Commands>, history: History) -> Self {
        Self { commands, history }
    }

    /// The channel of a conversation, which never changes. `None` when the conversation's history cannot be read, so
    /// that no message can be sent in it.
    async fn channel_of(&self, stream: &StreamId) -> Result<Option<ChannelId>, FollowError> {
        let conversations = &self.commands.conversations;
        for load in [false, true] {
            let loaded =
                if load { conversations.current(stream).await } else { conversations.cached(stream).await };
            let Some(loaded) = loaded.or_skip(stream, "a message cannot be sent")? else { return Ok(None) };
            if let Ok(conversation) = loaded.state.opened() {
                return Ok(Some(conversation.channel_id));
            }
        }
        tracing::error!(%stream, "a message cannot be sent: its conversation was never opened");
        Ok(None)
    }
}

/// The addressee that a `MessageSent` names. `None` for other events and for its first version.
fn addressee(event: &DecodedEvent) -> Option<&Addressee> {
    match &event.event {
        Event::Conversation(ConversationEvent::Message(MessageEvent::MessageSent(sent))) => sent.to.as_ref(),
        Event::Conversation(_)
        | Event::Catalogue(_)
        | Event::Agent(_)
        | Event::Contact(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Account(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => None,
    }
}

/// The events that begin or end the job of a message.
fn about() -> Filter {
    Filter {
        account: None,
        categories: vec![Category::Conversation],
        event_types: about![MessageSent, MessageDispatched, MessageDelivered, MessageRead, MessageFailed],
    }
}

fn effect_of(event: &DecodedEvent) -> JobEffect<MessageId> {
    use ConversationEvent as E;
    let Event::Conversation(event) = &event.event else { return JobEffect::None };
    match event {
        E::Message(MessageEvent::MessageSent(message)) => JobEffect::Begins(message.message_id),
        E::Delivery(report) => JobEffect::Ends(report.message_id()),
        E::Message(
            MessageEvent::MessageReceived(_)
            | MessageEvent::NoteAdded(_)
            | MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_)
            | MessageEvent::NoticeReceived(_),
        )
        | E::Lifecycle(_)
        | E::Assignment(_)
        | E::Routing(_)
        | E::Sla(_)
        | E::Bot(_)
        | E::Automation(_)
        | E::Schedule(_)
        | E::Details(_) => JobEffect::None,
    }
}

impl JobSource for Source {
    type Job = OutgoingMessage;
    const NAME: &'static str = "outbound-delivery";
    const CHECKPOINT: &'static str = "outbound-delivery";
    const SCRIPT: &'static str = include_str!("../../../migrations/process-managers/outbox.sql");
    const DURABLE: bool = true;

    fn about(&self) -> Filter {
        about()
    }

    fn effect_of(&self, event: &DecodedEvent) -> JobEffect<MessageId> {
        effect_of(event)
    }

    async fn job_of(&mut self, event: &DecodedEvent) -> Result<Option<OutgoingMessage>, FollowError> {
        let JobEffect::Begins(message_id) = self.effect_of(event) else { return Ok(None) };
        let Some(conversation_id) = event.stream.as_conversation() else { return Ok(None) };
        if self.history.repeats(event) {
            return Ok(None);
        }
        // Version 1 of `MessageSent` does not name the channel; the conversation does.
        let channel_id = match addressee(event) {
            Some(to) => Some(to.channel_id),
            None => self.channel_of(&event.stream).await?,
        };
        let Some(channel_id) = channel_id else { return Ok(None) };
        let queued_at = event.metadata.occurred_at;
        Ok(Some(OutgoingMessage {
            message_id,
            account_id: event.metadata.account_id,
            conversation_id,
            channel_id,
            version: event.version,
            state: JobState::Waiting,
            attempts: 0,
            queued_at,
            next_attempt_at: queued_at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::conversation_events;

    #[test]
    fn every_event_that_concerns_a_job_is_read() {
        let read = about().event_types;
        for (name, event) in conversation_events() {
            let concerns_a_job = effect_of(&event) != JobEffect::None;
            assert_eq!(read.iter().any(|wanted| wanted == name), concerns_a_job, "{name}");
        }
    }
}
