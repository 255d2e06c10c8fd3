//! The namespace `/customers`: a customer follows the customer's own conversations. What a customer gets is built here
//! field by field, so that nothing internal is among it because it was added elsewhere.

use crate::argument::{answer, no_such_event, read};
use crate::clients::{Clients, Connected};
use crate::events::{Done, InConversation, Join, Joined, ServerEvent};
use crate::namespace::Customer;
use crate::push::{Offset, Push, Room, part};
use crate::soft_state::{Act, Doer};
use crate::{client_events, server_events};
use event_schemas::message::{Attachment, ContentType, SenderType};
use event_schemas::{
    AssignmentEvent, ConversationEvent, ConversationId, LifecycleEvent, MessageEvent, MessageId, Position,
    Timestamp,
};
use follower::runner::DecodedEvent;
use gate::Problem;
use projections::queries::conversations::PushedRow;
use projections::read_models::messages::{MessageRow, Reaction};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

server_events! { CUSTOMERS_EVENTS:
    /// The customer began a conversation.
    NewConversation = "conversation:new" (Placed<Begun>) Pushed to "the customer";
    /// A new message of the customer, or to the customer.
    NewMessage = "conversation:message" (Placed<CustomerMessage>) Pushed to "the customer";
    /// The text or the reactions of a message changed, or it was deleted.
    ChangedMessage = "conversation:message:updated" (Placed<CustomerMessage>) Pushed to "the customer";
    /// An agent has taken the conversation.
    Taken = "conversation:taken" (Placed<OfConversation>) Pushed to "the customer";
    /// The conversation was resolved or closed, or goes on.
    StatusChanged = "conversation:status" (Placed<StatusChange>) Pushed to "the customer";
    /// An agent types an answer, or stopped. Without another sign it ends after 5 s.
    AnswerTyping = "conversation:typing" (AnswerTyped) Once to "the customer's clients that joined the conversation";
}

client_events! { CUSTOMERS_REQUESTS of CustomerRequest:
    /// Get who types in a conversation. With `after`, the events since then come first, with `{"replayed": true}` as
    /// their last argument. A client is in at most 50 conversations.
    Join = "conversation:join" (Join) -> Joined;
    /// Get who types in a conversation no longer.
    Leave = "conversation:leave" (InConversation) -> Done;
    /// Tell the agents that the customer types. It is sent every few seconds while the customer does.
    StartTyping = "conversation:typing:start" (InConversation) -> Done;
    /// Tell the agents that the customer stopped typing.
    StopTyping = "conversation:typing:stop" (InConversation) -> Done;
}

impl Clients {
    /// Handles an event of a customer's client.
    pub(crate) async fn customer_event(
        &self,
        connected: &Connected,
        customer: &Customer,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Value, Problem> {
        let request = CustomerRequest::named(name);
        match request.ok_or_else(|| no_such_event(name, CUSTOMERS_REQUESTS))? {
            CustomerRequest::Join => {
                let Join { conversation_id, after } = read(name, argument)?;
                let room = self.conversation_room(connected, conversation_id).await?;
                let position = self.enter(connected, room, after.as_deref()).await?;
                answer(&Joined { position })
            }
            CustomerRequest::Leave => {
                let InConversation { conversation_id } = read(name, argument)?;
                let of = Doer::customer(customer.session.account, conversation_id);
                // The session of one conversation is always in it.
                if customer.session.conversation != Some(conversation_id)
                    && self.hub.leave(&connected.client, of.customer_room())
                {
                    self.soft.types(of, Act::StopsTyping, None);
                }
                answer(&Done {})
            }
            CustomerRequest::StartTyping => {
                self.types(connected, customer, read(name, argument)?, Act::Types).await
            }
            CustomerRequest::StopTyping => {
                self.types(connected, customer, read(name, argument)?, Act::StopsTyping).await
            }
        }
    }

    async fn types(
        &self,
        connected: &Connected,
        customer: &Customer,
        InConversation { conversation_id }: InConversation,
        act: Act,
    ) -> Result<Value, Problem> {
        let of = Doer::customer(customer.session.account, conversation_id);
        if !connected.client.is_in(of.customer_room()) {
            self.conversation_room(connected, conversation_id).await?;
        }
        self.soft.types(of, act, None);
        answer(&Done {})
    }
}

/// An object with the position of its event in the log. The version of the stream is left out: it counts notes too.
#[derive(Serialize, JsonSchema)]
pub struct Placed<T> {
    #[serde(flatten)]
    object: T,
    position: Position,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CustomerConversation")]
pub struct OfConversation {
    conversation_id: ConversationId,
}

#[derive(Serialize, JsonSchema)]
pub struct Begun {
    conversation_id: ConversationId,
    created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
pub struct StatusChange {
    conversation_id: ConversationId,
    status: CustomerStatus,
}

/// The status that a customer sees: the others are the account's own matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum CustomerStatus {
    Open,
    Resolved,
    Closed,
}

#[derive(Serialize, JsonSchema)]
pub struct AnswerTyped {
    pub conversation_id: ConversationId,
    pub is_typing: bool,
}

/// A message as its customer sees it.
#[derive(Serialize, JsonSchema)]
pub struct CustomerMessage {
    id: MessageId,
    conversation_id: ConversationId,
    sender_type: SenderType,
    /// The name of the agent or the bot.
    sender_name: Option<String>,
    /// Empty when the message was deleted.
    content: String,
    content_type: ContentType,
    attachments: Vec<CustomerAttachment>,
    /// Structured content: coordinates, contact cards, buttons.
    details: Option<Value>,
    in_reply_to: Option<MessageId>,
    sent_at: Timestamp,
    edited_at: Option<Timestamp>,
    /// When its sender deleted it.
    revoked_at: Option<Timestamp>,
    reactions: Vec<CustomerReaction>,
}

#[derive(Serialize, JsonSchema)]
struct CustomerAttachment {
    content_type: ContentType,
    url: Option<String>,
    mime_type: Option<String>,
    file_name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct CustomerReaction {
    sender_type: SenderType,
    emoji: String,
}

impl CustomerMessage {
    fn of(conversation_id: ConversationId, row: &MessageRow) -> Self {
        let attachments = row.attachments.as_ref().map_or(&[][..], |attachments| &attachments.0);
        let reactions = row.reactions.as_ref().map_or(&[][..], |reactions| &reactions.0);
        Self {
            id: row.id,
            conversation_id,
            sender_type: row.sender_type,
            // Some identity providers have an e-mail address for a name.
            sender_name: row.sender_name.clone().filter(|name| !name.contains('@')),
            content: row.content.clone(),
            content_type: row.content_type,
            attachments: attachments.iter().map(CustomerAttachment::of).collect(),
            details: row.details.as_ref().map(|details| details.0.clone()),
            in_reply_to: row.in_reply_to,
            sent_at: row.sent_at,
            edited_at: row.edited_at,
            revoked_at: row.revoked_at,
            reactions: reactions.iter().map(CustomerReaction::of).collect(),
        }
    }
}

impl CustomerAttachment {
    fn of(attachment: &Attachment) -> Self {
        let Attachment { content_type, url, mime_type, file_name, provider_media_id: _, sha256: _ } =
            attachment;
        Self {
            content_type: *content_type,
            url: url.clone(),
            mime_type: mime_type.clone(),
            file_name: file_name.clone(),
        }
    }
}

impl CustomerReaction {
    fn of(reaction: &Reaction) -> Self {
        Self { sender_type: reaction.sender_type, emoji: reaction.emoji.clone() }
    }
}

/// An event of a conversation, of which the customer's push is made.
pub struct Draft<'e> {
    pub event: &'e DecodedEvent,
    pub conversation: ConversationId,
    pub row: &'e PushedRow,
    /// The message that the event begins or changes.
    pub message: Option<&'e MessageRow>,
}

impl Draft<'_> {
    /// The push that the customer gets. `None` when the event is the account's own matter.
    pub fn push_of(&self, change: &ConversationEvent) -> Option<Push> {
        match change {
            ConversationEvent::Lifecycle(lifecycle) => self.of_lifecycle(lifecycle),
            ConversationEvent::Message(said) => self.of_message(said),
            ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) => {
                // An agent has it; the customer is not told which one.
                let taken = OfConversation { conversation_id: self.conversation };
                assigned.assignee_id.map(|_| self.push::<Taken, _>(taken))
            }
            ConversationEvent::Assignment(
                AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_),
            )
            | ConversationEvent::Delivery(_)
            | ConversationEvent::Routing(_)
            | ConversationEvent::Sla(_)
            | ConversationEvent::Bot(_)
            | ConversationEvent::Automation(_)
            | ConversationEvent::Schedule(_)
            | ConversationEvent::Details(_) => None,
        }
    }

    fn of_lifecycle(&self, change: &LifecycleEvent) -> Option<Push> {
        let conversation_id = self.conversation;
        let status = match change {
            LifecycleEvent::ConversationOpened(_) => {
                let begun = Begun { conversation_id, created_at: self.event.metadata.occurred_at };
                return Some(self.push::<NewConversation, _>(begun));
            }
            LifecycleEvent::MarkedPending(_) => return None,
            LifecycleEvent::Reopened(_) => CustomerStatus::Open,
            LifecycleEvent::Resolved(_) => CustomerStatus::Resolved,
            LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => CustomerStatus::Closed,
        };
        Some(self.push::<StatusChanged, _>(StatusChange { conversation_id, status }))
    }

    fn of_message(&self, change: &MessageEvent) -> Option<Push> {
        let message = self.message.filter(|message| !message.is_private)?;
        let message = CustomerMessage::of(self.conversation, message);
        match change {
            MessageEvent::MessageReceived(_) | MessageEvent::MessageSent(_) => {
                Some(self.push::<NewMessage, _>(message))
            }
            MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_) => Some(self.push::<ChangedMessage, _>(message)),
            MessageEvent::NoteAdded(_) | MessageEvent::NoticeReceived(_) => None,
        }
    }

    fn push<E, T>(&self, object: T) -> Push
    where
        E: ServerEvent<Object = Placed<T>>,
        Placed<T>: Serialize,
    {
        let (account, position) = (self.event.metadata.account_id, self.event.position);
        let rooms = vec![
            Room::Customer(account, self.row.channel_id, self.row.contact_id),
            Room::CustomerConversation(account, self.conversation),
        ];
        // An object always serialises.
        let fields = serde_json::to_string(&Placed { object, position }).unwrap_or_default();
        Push::new(Offset { position, part: part::CUSTOMER }, rooms, E::NAME, &fields)
    }
}
