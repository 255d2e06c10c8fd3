//! A conversation at an earlier moment. The folds of the tables are applied to its stream up to an event.

use crate::read_models::agent_seen::AgentSeenRow;
use crate::read_models::inbox::ConversationRow;
use crate::read_models::messages::MessageRow;
use crate::read_models::sla_timers::SlaTimerRow;
use domain::sla::Clocks;
use event_schemas::{ConversationEvent, Event, LifecycleEvent, Position, Recorded, Timestamp, UserId};
use follower::runner::DecodedEvent;
use std::collections::HashMap;
use std::str::FromStr;

/// A time or a position of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Time(Timestamp),
    Position(Position),
}

impl FromStr for Moment {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        text.parse().map(Self::Time).map_err(|_| "neither a time (RFC 3339) nor a position of the log")
    }
}

impl Moment {
    /// Whether an event had occurred, and was in the log, at this moment.
    pub fn includes(self, event: &Recorded) -> bool {
        match self {
            Self::Time(time) => event.metadata.occurred_at <= time,
            Self::Position(position) => event.position <= position,
        }
    }
}

/// The rows of one conversation after an event.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub conversation: ConversationRow,
    /// As they were said, oldest first.
    pub messages: Vec<MessageRow>,
    seen: HashMap<UserId, u32>,
    clocks: Clocks,
}

impl Snapshot {
    /// Folds a stream, oldest event first. `None` when it does not begin with `ConversationOpened`.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e DecodedEvent>) -> Option<Self> {
        let mut snapshot = None;
        for decoded in events {
            let Event::Conversation(event) = &decoded.event else { continue };
            if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened)) = event {
                snapshot = Some(Self {
                    conversation: ConversationRow::opened(0, opened, decoded),
                    messages: Vec::new(),
                    seen: HashMap::new(),
                    clocks: Clocks::default(),
                });
            }
            snapshot.as_mut()?.apply(event, decoded);
        }
        if let Some(snapshot) = &mut snapshot {
            snapshot.messages.sort_by_key(MessageRow::order);
        }
        snapshot
    }

    fn apply(&mut self, event: &ConversationEvent, decoded: &DecodedEvent) {
        self.clocks.evolve(event, decoded.metadata.occurred_at);
        self.conversation.apply(event, decoded);
        self.conversation.set_clocks(&self.clocks);
        if let Some(seen) = AgentSeenRow::after(event, &self.conversation) {
            self.seen.insert(seen.agent_id, seen.received);
        }
        if let Some(message) = MessageRow::begun(0, event, decoded) {
            self.messages.push(message);
        } else if let Some(changed) = MessageRow::changed_by(event)
            && let Some(message) = self.messages.iter_mut().rev().find(|message| message.id == changed)
        {
            message.apply(event);
        }
    }

    /// The number of messages that this agent had not seen.
    pub fn unread(&self, reader: UserId) -> u32 {
        let seen = self.seen.get(&reader).copied().unwrap_or(0);
        self.conversation.received_count.saturating_sub(seen)
    }

    pub fn timers(&self) -> Vec<SlaTimerRow> {
        let Some(policy) = self.conversation.sla_policy_id else { return Vec::new() };
        let account = self.conversation.account_id;
        self.clocks.timers().map(|timer| SlaTimerRow::of(0, account, policy, &timer)).collect()
    }
}
