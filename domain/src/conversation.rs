//! The conversation with one contact on one channel.
//!
//! The state has only the data that decisions need; the data that users see is in read models. A copy of the
//! state shares its data with the original, so the cost of a decision does not depend on the number of
//! messages.

mod act;
mod answer;
mod assign;
mod begin;
mod change;
mod deliver;
mod draft;
mod fence;
mod handoff;
mod inactivity;
mod label;
mod messages;
mod offer;
mod program;
mod receive;
mod route;
mod schedule;
mod send;
mod sla;
mod status;
mod undo;
mod update;
mod wait;
mod webhook;

#[cfg(test)]
mod tests;

pub use act::{ActionList, RunBulk, RunMacro, RunRule, Step};
pub use answer::{Answer, AnswerIds, Detected};
pub use assign::{Assign, Assignee, Requester, Unassign, note_override};
pub use begin::Begin;
pub use change::{Edit, React, ReceiveEdited, RecordNotice, Revoke};
pub use deliver::{RecordDelivery, Report};
pub use fence::{Fenced, is_of_others};
pub use handoff::{Announcement, RequestHandoff};
pub use inactivity::{EndInactivity, Expire, InactivityAction, InactivityTimeouts};
pub use label::{
    ApplySla, ChangeDisplayName, ChangeLabels, CollectContext, RemoveSla, SetPriority, SetSubject,
};
pub use offer::{AcceptOffer, DeclineOffer, ExpireOffer, MakeOffer};
pub use program::{ReceiveForProgram, RecordSent, ReturnToProgram};
pub use receive::{Open, Opening, Receive, See};
pub use route::{DropAssignment, Enqueue, Overflow, ReturnToQueue, RouteTo, TimeOut};
pub use schedule::{
    CancelScheduled, ChannelState, Reschedule, Schedule, Scheduled, SendScheduled, SendTime, SendWhenDue,
};
pub use send::{AddNote, LONGEST_MESSAGE, LONGEST_NOTE, Message, Send, Sender};
pub use sla::RaiseAlarm;
pub use status::{Close, EngageBot, MarkPending, Reopen, Resolve};
pub use undo::Undo;
pub use update::Update;
pub use wait::{Offer, Wait};
pub use webhook::{RecordWebhook, WebhookEnd};

use crate::agent::Requirements;
use crate::aggregate::Evolve;
use crate::automation;
use crate::bot::{AutomaticMessages, Memory};
use crate::lifecycle::Lifecycle;
use crate::sla::Clocks;
use event_schemas::automation::ActionKind;
use event_schemas::message::{ChannelType, Delivery, Priority, SenderType, Status};
use event_schemas::placeholders::PlaceholderValues;
use event_schemas::{
    AccountId, ChannelId, ContactId, ConversationEvent, ConversationId, DeliveryEvent, DetailsEvent,
    LifecycleEvent, MessageEvent, MessageId, ScheduleEvent, SlaEvent, SlaPolicyId, Timestamp, UserId,
    Version,
};
use fence::LatestMessages;
use messages::Messages;
use schedule::ScheduledMessages;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A conversation before and after its first event.
#[derive(Clone, Debug, Default)]
pub enum Conversation {
    #[default]
    NotOpened,
    Opened(Arc<Opened>),
}

/// A conversation that has begun.
#[derive(Clone, Debug)]
pub struct Opened {
    pub id: ConversationId,
    pub account_id: AccountId,
    pub channel_id: ChannelId,
    pub channel_type: ChannelType,
    pub contact_id: ContactId,
    pub contact_identifier: String,
    pub display_name: Option<String>,
    pub opened_at: Timestamp,
    pub lifecycle: Lifecycle,
    pub priority: Priority,
    pub subject: Option<String>,
    pub labels: BTreeSet<String>,
    /// Whether the conversation waits for an agent, and the state of routing.
    pub wait: Wait,
    pub sla_policy: Option<SlaPolicyId>,
    pub clocks: Clocks,
    /// The number of messages of the customer.
    pub received: u32,
    /// When the customer's latest message was said, by the provider's time. The provider's reply window counts from
    /// it, also when the message was delivered late.
    pub last_said_at: Option<Timestamp>,
    /// When a message to the customer last failed or was held.
    failed_at: Option<Timestamp>,
    /// The state that the bot needs.
    pub bot: Memory,
    /// The automatic messages, of whichever program.
    automatic: AutomaticMessages,
    /// The state that automation rules need.
    pub automation: automation::Memory,
    /// The number of the customer's messages that each agent has seen.
    seen: HashMap<UserId, u32>,
    messages: Messages,
    latest_messages: LatestMessages,
    scheduled: ScheduledMessages,
    /// The version of the latest event.
    version: Version,
    /// The version of the event that gave the conversation its status and assignment.
    lifecycle_version: Version,
}

/// Why a command to a conversation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such conversation")]
    NotOpened,
    #[error("this contact's conversation on this channel is open already")]
    AlreadyOpen { status: Status },
    #[error("the conversation is closed; the contact's next message begins another")]
    Closed,
    #[error("a conversation that is {from} cannot become {to}")]
    NoSuchStep { from: Status, to: Status },
    #[error("the conversation is assigned to another agent")]
    Taken { by: UserId, name: Option<String> },
    #[error("the offer has ended")]
    OfferOver,
    #[error("the conversation was not offered to this agent")]
    NotOffered,
    #[error("no agent is assigned")]
    NotAssigned,
    #[error("an agent, a team, or both are required")]
    NoAssignee,
    #[error("the customer last wrote more than {hours} hours ago; only a template can be sent")]
    OutsideReplyWindow { hours: u64 },
    #[error("at most {messages} automatic messages are sent within {seconds} seconds")]
    TooManyAutomaticMessages { messages: u32, seconds: u64 },
    #[error("a message needs a text, an attachment or a template")]
    EmptyMessage,
    #[error("at most {limit} characters")]
    TooLong { limit: usize },
    #[error("there is no message {0} in this conversation")]
    NoSuchMessage(MessageId),
    #[error("others have written since version {seen}")]
    WrittenSince { seen: Version, writer: Option<UserId> },
    #[error("the conversation has no version {seen} yet")]
    NoSuchVersion { seen: Version },
    #[error("there is no such scheduled message in this conversation")]
    NoSuchScheduledMessage,
    #[error("the message was sent already")]
    AlreadySent,
    #[error("a message is scheduled for a time to come, at most a year ahead")]
    BadSendTime,
    #[error("only agents schedule messages")]
    NotScheduledByPrograms,
    #[error("a conversation has at most {limit} scheduled messages")]
    TooManyScheduled { limit: usize },
    #[error("the conversation cannot become {to} again as it was")]
    NotRestored { to: Status },
    #[error("the snooze would end in the past")]
    SnoozeInThePast,
    #[error("a label has between 1 and 64 characters")]
    BadLabel,
    #[error("a conversation has at most {limit} labels")]
    TooManyLabels { limit: usize },
    #[error("a subject has at most {limit} characters")]
    SubjectTooLong { limit: usize },
    #[error("the fields that were collected have at most {limit} bytes together")]
    ContextTooLarge { limit: usize },
    #[error("the canned response does not exist any more")]
    NoSuchCannedResponse,
    #[error("the placeholder {} has no value", quoted(names))]
    Unfilled { names: Vec<String> },
    #[error("the team does not exist any more")]
    NoSuchTeam,
    #[error("the channel is switched off or was retired: it sends no messages")]
    ChannelOff,
    /// An action of a list cannot be executed; then none is.
    #[error("the action {action} cannot be executed")]
    CannotDo {
        /// The index of the action, from 0.
        index: usize,
        action: ActionKind,
        #[source]
        because: Box<Rejection>,
    },
}

impl Conversation {
    /// The state of a conversation that has begun.
    pub fn opened(&self) -> Result<&Opened, Rejection> {
        match self {
            Self::NotOpened => Err(Rejection::NotOpened),
            Self::Opened(opened) => Ok(opened),
        }
    }

    /// The state of a conversation that has begun and is not closed.
    pub fn live(&self) -> Result<&Opened, Rejection> {
        let opened = self.opened()?;
        if opened.lifecycle.is_closed() { Err(Rejection::Closed) } else { Ok(opened) }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{{{{{name}}}}}")).collect::<Vec<_>>().join(", ")
}

impl Opened {
    /// The values of placeholders in texts of this agent. `None` for texts without an agent.
    pub fn placeholder_values<'a>(&'a self, agent_name: Option<&'a str>) -> PlaceholderValues<'a> {
        PlaceholderValues {
            contact_name: self.display_name.as_deref(),
            contact_identifier: &self.contact_identifier,
            agent_name,
            facts: Some(self.bot.collected()),
        }
    }

    pub fn status(&self) -> Status {
        self.lifecycle.status
    }

    /// The state that automation rules depend on.
    pub fn facts(&self) -> automation::ConversationFacts<'_> {
        automation::ConversationFacts {
            channel_type: self.channel_type,
            lifecycle: &self.lifecycle,
            priority: self.priority,
            labels: &self.labels,
            language: self.bot.language(),
            unanswered_since: self.unanswered_since(),
        }
    }

    /// Since when the customer has waited for an agent's answer. `None` when they do not wait.
    pub fn unanswered_since(&self) -> Option<Timestamp> {
        self.clocks.unanswered().map(|unanswered| unanswered.since)
    }

    /// The time of the last event that ends inactivity.
    pub fn inactive_since(&self) -> Timestamp {
        self.clocks.inactive_since()
    }

    /// Whether the customer waits for an answer: of an agent, or of the bot while the bot has the conversation.
    pub fn customer_waits(&self) -> bool {
        let answered_by_bot = self.clocks.is_answered_by_bot() && !self.bot.is_with_agents();
        self.unanswered_since().is_some() && !answered_by_bot
    }

    /// The version of the event that gave the conversation its status and assignment.
    pub fn lifecycle_version(&self) -> Version {
        self.lifecycle_version
    }

    /// The requirements of the conversation to an agent.
    pub fn requirements(&self) -> Requirements {
        Requirements {
            channel_type: self.channel_type,
            topics: self.labels.iter().cloned().collect(),
            language: self.bot.language().map(str::to_owned),
        }
    }

    /// The delivery state of an outgoing message. `None` when the conversation has no such message.
    pub fn delivery(&self, message: MessageId) -> Option<Delivery> {
        self.messages.delivery(message)
    }

    /// The provider's id of a message. `None` when the provider has not given one.
    pub fn provider_id(&self, message: MessageId) -> Option<&str> {
        self.messages.provider_id(message)
    }

    /// Whether the conversation has this message of the customer's or to the customer.
    pub fn has_message(&self, message: MessageId) -> bool {
        self.messages.contains(message)
    }

    /// The outgoing message that has this id at the provider.
    pub fn outgoing_by_provider_id(&self, provider_message_id: &str) -> Option<MessageId> {
        self.messages.outgoing_by_provider_id(provider_message_id)
    }
}

impl Evolve for Conversation {
    type Event = ConversationEvent;

    fn evolve(&mut self, event: &ConversationEvent, at: Timestamp) {
        if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened)) = event {
            *self = Self::Opened(Arc::new(Opened {
                id: opened.conversation_id,
                account_id: opened.account_id,
                channel_id: opened.channel_id,
                channel_type: opened.channel_type,
                contact_id: opened.contact_id,
                contact_identifier: opened.contact_identifier.clone(),
                display_name: opened.display_name.clone(),
                opened_at: at,
                lifecycle: Lifecycle::default(),
                priority: opened.priority,
                subject: opened.subject.clone(),
                labels: BTreeSet::new(),
                wait: Wait::default(),
                sla_policy: None,
                clocks: Clocks::default(),
                received: 0,
                last_said_at: None,
                failed_at: None,
                bot: Memory::default(),
                automatic: AutomaticMessages::default(),
                automation: automation::Memory::default(),
                seen: HashMap::new(),
                messages: Messages::default(),
                latest_messages: LatestMessages::default(),
                scheduled: ScheduledMessages::default(),
                version: Version::FIRST,
                lifecycle_version: Version::FIRST,
            }));
        }
        if let Self::Opened(opened) = self {
            let opened = Arc::make_mut(opened);
            if !matches!(event, ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(_))) {
                opened.version = opened.version.next();
            }
            opened.apply(event, at);
        }
    }
}

impl Opened {
    fn apply(&mut self, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        let before = self.lifecycle.clone();
        self.lifecycle.evolve(event);
        if self.lifecycle != before {
            self.lifecycle_version = self.version;
        }
        self.wait.evolve(&self.lifecycle, event, at);
        self.clocks.evolve(event, at);
        self.bot.evolve(event);
        self.automatic.evolve(event, at);
        self.automation.evolve(event, at);
        match event {
            E::Message(event) => self.apply_message(event, at),
            E::Delivery(event) => self.apply_delivery(event, at),
            E::Sla(SlaEvent::SlaApplied(applied)) => self.sla_policy = Some(applied.policy.id),
            E::Sla(SlaEvent::SlaRemoved(_)) => self.sla_policy = None,
            E::Details(event) => self.apply_details(event),
            E::Schedule(event) => self.apply_schedule(event, at),
            // The lifecycle, the wait, the clocks, the bot's and the automation's memory, or only read models
            // use these events.
            E::Lifecycle(_)
            | E::Sla(SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_))
            | E::Assignment(_)
            | E::Routing(_)
            | E::Bot(_)
            | E::Automation(_) => {}
        }
    }

    fn apply_message(&mut self, event: &MessageEvent, at: Timestamp) {
        self.latest_messages.evolve(event, self.version);
        match event {
            MessageEvent::MessageReceived(message) => {
                self.received += 1;
                // A time that is still to come is the time of receipt.
                self.last_said_at = self.last_said_at.max(Some(message.sent_at.min(at)));
                if let Some(provider_id) = &message.provider_message_id {
                    self.messages.received(message.message_id, provider_id);
                }
            }
            MessageEvent::MessageSent(message) => {
                self.messages.sent(message.message_id);
                self.scheduled.remove(message.message_id);
                if let Some(agent) = message.sender_id.filter(|_| message.sender_type == SenderType::Agent) {
                    self.seen.insert(agent, self.received);
                }
            }
            MessageEvent::MessageEdited(edited) => self.messages.edited(edited),
            MessageEvent::MessageRevoked(revoked) => self.messages.revoked(revoked.message_id),
            MessageEvent::ReactionChanged(reaction) => self.messages.reacted(reaction),
            MessageEvent::NoteAdded(_) | MessageEvent::NoticeReceived(_) => {}
        }
    }

    fn apply_delivery(&mut self, event: &DeliveryEvent, at: Timestamp) {
        match event {
            DeliveryEvent::MessageDispatched(report) => {
                self.messages.progress(
                    report.message_id,
                    Some(&report.provider_message_id),
                    Delivery::Dispatched,
                );
            }
            DeliveryEvent::MessageDelivered(report) => {
                self.messages.progress(
                    report.message_id,
                    Some(&report.provider_message_id),
                    Delivery::Delivered,
                );
            }
            DeliveryEvent::MessageRead(report) => {
                self.messages.progress(report.message_id, Some(&report.provider_message_id), Delivery::Read);
            }
            DeliveryEvent::MessageFailed(report) => {
                self.failed_at = Some(at);
                self.messages.progress(
                    report.message_id,
                    report.provider_message_id.as_deref(),
                    Delivery::Failed,
                );
            }
        }
    }

    fn apply_schedule(&mut self, event: &ScheduleEvent, at: Timestamp) {
        self.scheduled.evolve(event, self.version, at);
        if let ScheduleEvent::ScheduledMessageHeld(_) = event {
            self.failed_at = Some(at);
        }
    }

    fn apply_details(&mut self, event: &DetailsEvent) {
        match event {
            DetailsEvent::PriorityChanged(change) => self.priority = change.new,
            DetailsEvent::SubjectChanged(change) => self.subject.clone_from(&change.new),
            DetailsEvent::DisplayNameChanged(change) => self.display_name.clone_from(&change.new),
            DetailsEvent::LabelsChanged(change) => {
                change.removed.iter().for_each(|label| {
                    self.labels.remove(label);
                });
                self.labels.extend(change.added.iter().cloned());
            }
            DetailsEvent::SeenByAgent(seen) => {
                self.seen.insert(seen.agent_id, seen.received);
            }
            DetailsEvent::LanguageDetected(_) => {}
        }
    }
}
