//! Messages that are sent later: because their sender can take them back for some seconds, or has chosen a time.
//!
//! Whether a message is cancelled or sent is decided here, on one state: it never is both.

use super::fence::LatestMessages;
use super::send::{Send, Sender};
use super::{Conversation, Opened, Rejection};
use crate::aggregate::Decide;
use event_schemas::conversation::{
    HoldReason, IfWritten, MessageRescheduled, MessageScheduled, ScheduleReason, ScheduledMessageCancelled,
    ScheduledMessageHeld,
};
use event_schemas::message::SenderType;
use event_schemas::{ConversationEvent, MessageId, ScheduleEvent, Timestamp, Version};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The most messages of a conversation that wait for their time or are held.
const MOST_SCHEDULED: usize = 50;
/// How far ahead a message can be scheduled.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The scheduled messages of a conversation that were neither sent nor cancelled.
#[derive(Clone, Debug, Default)]
pub(super) struct ScheduledMessages(BTreeMap<MessageId, Scheduled>);

/// A message that waits for its time, or is held.
#[derive(Clone, Debug)]
pub struct Scheduled {
    message: Arc<MessageScheduled>,
    pub send_at: Timestamp,
    if_written: IfWritten,
    /// When its sender scheduled it, and the version of that event.
    scheduled_at: Timestamp,
    pub version: Version,
    /// The version up to which its sender, or the agent who changed its time, has read.
    seen: Version,
    is_held: bool,
}

impl ScheduledMessages {
    pub(super) fn evolve(&mut self, event: &ScheduleEvent, version: Version, at: Timestamp) {
        match event {
            ScheduleEvent::MessageScheduled(message) => {
                let scheduled = Scheduled {
                    message: Arc::new(message.clone()),
                    send_at: message.send_at,
                    if_written: message.if_written,
                    scheduled_at: at,
                    version,
                    seen: version,
                    is_held: false,
                };
                self.0.insert(message.message_id, scheduled);
            }
            ScheduleEvent::MessageRescheduled(change) => {
                if let Some(scheduled) = self.0.get_mut(&change.message_id) {
                    scheduled.send_at = change.send_at;
                    scheduled.if_written = change.if_written;
                    scheduled.seen = version;
                    scheduled.is_held = false;
                }
            }
            ScheduleEvent::ScheduledMessageHeld(held) => {
                if let Some(scheduled) = self.0.get_mut(&held.message_id) {
                    scheduled.is_held = true;
                }
            }
            ScheduleEvent::ScheduledMessageCancelled(cancelled) => self.remove(cancelled.message_id),
        }
    }

    pub(super) fn remove(&mut self, message: MessageId) {
        self.0.remove(&message);
    }

    fn waiting(&self) -> impl Iterator<Item = &Scheduled> {
        self.0.values().filter(|scheduled| !scheduled.is_held)
    }
}

impl Scheduled {
    pub fn message_id(&self) -> MessageId {
        self.message.message_id
    }

    pub fn message(&self) -> &MessageScheduled {
        &self.message
    }

    fn send(&self, reply_window: Option<Duration>) -> Send {
        let message = &*self.message;
        Send {
            message_id: message.message_id,
            sender: Sender {
                sender_type: SenderType::Agent,
                id: Some(message.sender_id),
                name: message.sender_name.clone(),
            },
            body: message.body.clone(),
            template: message.template.clone(),
            in_reply_to: message.in_reply_to,
            metadata: message.metadata.clone(),
            scheduled_at: Some(self.scheduled_at),
            reply_window,
            handoff: None,
            automatic_limit: None,
        }
    }

    /// Whether others have written since, and the message is to be held then.
    fn is_overtaken(&self, latest: &LatestMessages) -> bool {
        let writer = Some(self.message.sender_id);
        self.if_written == IfWritten::Hold && latest.of_others(writer).is_some_and(|at| at > self.seen)
    }
}

impl Opened {
    /// The scheduled message with this id. `None` when it was sent or cancelled, or when there never was one.
    pub fn scheduled(&self, message: MessageId) -> Option<&Scheduled> {
        self.scheduled.0.get(&message)
    }

    /// The messages whose time has come. When the conversation is closed, no message is waited for any longer.
    pub fn due_messages(&self, now: Timestamp) -> impl Iterator<Item = &Scheduled> {
        let is_closed = self.lifecycle.is_closed();
        self.scheduled.waiting().filter(move |scheduled| is_closed || scheduled.send_at <= now)
    }

    /// The time of the next message. `None` when none waits for its time.
    pub fn next_message_at(&self) -> Option<Timestamp> {
        self.scheduled.waiting().map(|scheduled| scheduled.send_at).min()
    }

    /// The time of the last message. `None` when none waits for its time.
    pub(super) fn last_message_at(&self) -> Option<Timestamp> {
        self.scheduled.waiting().map(|scheduled| scheduled.send_at).max()
    }

    fn known_scheduled(&self, message: MessageId) -> Result<&Scheduled, Rejection> {
        match self.scheduled(message) {
            Some(scheduled) => Ok(scheduled),
            None if self.has_message(message) => Err(Rejection::AlreadySent),
            None => Err(Rejection::NoSuchScheduledMessage),
        }
    }
}

/// Schedules an agent's answer to the customer.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub send: Send,
    pub time: SendTime,
    pub if_written: IfWritten,
}

/// When a scheduled message is to be sent.
#[derive(Clone, Copy, Debug)]
pub enum SendTime {
    /// At the time that its sender has chosen.
    At(Timestamp),
    /// After the time in which its sender can take it back.
    After(Duration),
}

impl Decide<Conversation> for Schedule {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.live()?;
        let (send_at, reason) = match self.time {
            SendTime::At(time) => (time, ScheduleReason::SendLater),
            SendTime::After(span) => (now + span, ScheduleReason::UndoSend),
        };
        check_time(send_at, now)?;
        if conversation.scheduled.0.len() >= MOST_SCHEDULED {
            return Err(Rejection::TooManyScheduled { limit: MOST_SCHEDULED });
        }
        // What could not be sent then is refused now, as far as it is known.
        self.send.decide(state, send_at)?;
        let Some(sender_id) = self.send.sender.id.filter(|_| self.is_of_agent()) else {
            return Err(Rejection::NotScheduledByPrograms);
        };
        let send = self.send.clone();
        Ok(vec![
            MessageScheduled {
                message_id: send.message_id,
                send_at,
                reason,
                if_written: self.if_written,
                sender_id,
                sender_name: send.sender.name,
                body: send.body,
                template: send.template,
                in_reply_to: send.in_reply_to,
                metadata: send.metadata,
            }
            .into(),
        ])
    }
}

impl Schedule {
    fn is_of_agent(&self) -> bool {
        self.send.sender.sender_type == SenderType::Agent
    }
}

fn check_time(send_at: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    match send_at > now && send_at.since(now) <= FURTHEST {
        true => Ok(()),
        false => Err(Rejection::BadSendTime),
    }
}

/// The state of the channel, for messages of agents.
#[derive(Clone, Copy, Debug)]
pub struct ChannelState {
    /// Whether the channel is neither switched off nor retired.
    pub is_enabled: bool,
    /// How long after the customer's last message the channel allows a message that is no template. `None` for ever.
    pub reply_window: Option<Duration>,
}

/// Sends a scheduled message whose time has come, or holds it and records why. Changes nothing when the message was
/// sent, cancelled, held or given another time meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct SendWhenDue {
    pub message_id: MessageId,
    pub channel: ChannelState,
    /// Whether its time is past, so that it is not sent any more without being asked for.
    pub is_overdue: bool,
}

impl Decide<Conversation> for SendWhenDue {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let conversation = state.opened()?;
        let Some(scheduled) = conversation.due_messages(now).find(|due| due.message_id() == self.message_id)
        else {
            return Ok(Vec::new());
        };
        let held = |reason, detail| {
            let message_id = self.message_id;
            Ok(vec![ScheduledMessageHeld { message_id, reason, detail }.into()])
        };
        if self.is_overdue && !conversation.lifecycle.is_closed() {
            let detail = "Its time had passed for too long before it could be sent";
            return held(HoldReason::Overdue, detail.to_owned());
        }
        if scheduled.is_overtaken(&conversation.latest_messages) && !conversation.lifecycle.is_closed() {
            let detail = "Others have written since the message was scheduled";
            return held(HoldReason::WrittenSince, detail.to_owned());
        }
        match send_now(state, scheduled, self.channel, now) {
            Ok(events) => Ok(events),
            Err(rejection) => held(hold_reason(&rejection), rejection.to_string()),
        }
    }
}

fn send_now(
    state: &Conversation,
    scheduled: &Scheduled,
    channel: ChannelState,
    now: Timestamp,
) -> Result<Vec<ConversationEvent>, Rejection> {
    state.live()?;
    if !channel.is_enabled {
        return Err(Rejection::ChannelOff);
    }
    scheduled.send(channel.reply_window).decide(state, now)
}

fn hold_reason(rejection: &Rejection) -> HoldReason {
    match rejection {
        Rejection::Closed => HoldReason::Closed,
        Rejection::ChannelOff => HoldReason::ChannelOff,
        Rejection::OutsideReplyWindow { .. } => HoldReason::OutsideReplyWindow,
        _ => HoldReason::Refused,
    }
}

/// Sends a scheduled message at once, also when others have written and before its time.
#[derive(Clone, Copy, Debug)]
pub struct SendScheduled {
    pub message_id: MessageId,
    pub channel: ChannelState,
}

impl Decide<Conversation> for SendScheduled {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let scheduled = match state.opened()?.known_scheduled(self.message_id) {
            // A repetition, or its time has come meanwhile.
            Err(Rejection::AlreadySent) => return Ok(Vec::new()),
            scheduled => scheduled?,
        };
        send_now(state, scheduled, self.channel, now)
    }
}

/// Gives a scheduled message another time. A message that is held waits again.
#[derive(Clone, Copy, Debug)]
pub struct Reschedule {
    pub message_id: MessageId,
    /// `None` to keep its time, which must not have passed.
    pub send_at: Option<Timestamp>,
    /// `None` to keep what happens when others write.
    pub if_written: Option<IfWritten>,
}

impl Decide<Conversation> for Reschedule {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        let scheduled = state.opened()?.known_scheduled(self.message_id)?;
        state.live()?;
        let send_at = self.send_at.unwrap_or(scheduled.send_at);
        let if_written = self.if_written.unwrap_or(scheduled.if_written);
        check_time(send_at, now)?;
        if !scheduled.is_held && (send_at, if_written) == (scheduled.send_at, scheduled.if_written) {
            return Ok(Vec::new());
        }
        Ok(vec![MessageRescheduled { message_id: self.message_id, send_at, if_written }.into()])
    }
}

/// Cancels a scheduled message, while it was not sent.
#[derive(Clone, Copy, Debug)]
pub struct CancelScheduled {
    pub message_id: MessageId,
}

impl Decide<Conversation> for CancelScheduled {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, _: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        state.opened()?.known_scheduled(self.message_id)?;
        Ok(vec![ScheduledMessageCancelled { message_id: self.message_id }.into()])
    }
}
