//! A conversation as it was: the same folds as the tables', over its own stream up to some event.

use crate::read_models::agent_seen::AgentSeenRow;
use crate::read_models::inbox::ConversationRow;
use crate::read_models::messages::MessageRow;
use crate::read_models::sla_timers::SlaTimerRow;
use domain::sla::Clocks;
use event_schemas::{ConversationEvent, Event, LifecycleEvent, UserId};
use follower::runner::DecodedEvent;
use std::collections::HashMap;

/// The rows that the tables would have of one conversation.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub conversation: ConversationRow,
    pub messages: Vec<MessageRow>,
    seen: HashMap<UserId, u32>,
    clocks: Clocks,
}

impl Snapshot {
    /// Folds a stream, oldest event first. `None` when it does not begin with `ConversationOpened`.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e DecodedEvent>) -> Option<Self> {
        let mut past = None;
        for happened in events {
            let Event::Conversation(event) = &happened.event else { continue };
            if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened)) = event {
                past = Some(Self {
                    conversation: ConversationRow::opened(0, opened, happened),
                    messages: Vec::new(),
                    seen: HashMap::new(),
                    clocks: Clocks::default(),
                });
            }
            past.as_mut()?.remember(event, happened);
        }
        past
    }

    fn remember(&mut self, event: &ConversationEvent, happened: &DecodedEvent) {
        self.clocks.evolve(event, happened.metadata.occurred_at);
        self.conversation.apply(event, happened);
        self.conversation.show_clocks(&self.clocks);
        if let Some(seen) = AgentSeenRow::after(event, &self.conversation) {
            self.seen.insert(seen.agent_id, seen.received);
        }
        if let Some(message) = MessageRow::begun(0, event, happened) {
            self.messages.push(message);
        } else if let Some(reported) = MessageRow::reported(event)
            && let Some(message) = self.messages.iter_mut().rev().find(|message| message.id == reported)
        {
            message.apply(event);
        }
    }

    /// How many messages this agent had not seen.
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
