//! The bound on automatic messages, so that programs that answer each other stop.

use event_schemas::bot::{BotSettings, HandoffCause};
use event_schemas::message::SenderType;
use event_schemas::{ConversationEvent, MessageEvent, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

use super::HandoffNeed;

/// The most automatic messages of a conversation within a span of time: messages of the bot, of automation rules, of
/// queues and of other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutomaticLimit {
    pub messages: u32,
    pub within: Duration,
}

impl AutomaticLimit {
    /// The highest limit that an account can set.
    pub const MOST: u32 = 1_000;

    pub fn of(settings: &BotSettings) -> Self {
        Self {
            messages: settings.automatic_messages_limit,
            within: Duration::from_secs(settings.automatic_messages_seconds.into()),
        }
    }

    /// The handoff that comes with the last automatic message.
    pub(crate) fn handoff(self) -> HandoffNeed {
        let (messages, seconds) = (self.messages, self.within.as_secs());
        let reason =
            format!("The limit of {messages} automatic messages within {seconds} seconds is reached");
        HandoffNeed::of(HandoffCause::AutomaticLimit, reason)
    }
}

/// When the last automatic messages of a conversation were sent.
#[derive(Clone, Debug, Default)]
pub struct AutomaticMessages(VecDeque<Timestamp>);

impl AutomaticMessages {
    /// How many more automatic messages may be sent now.
    pub(crate) fn left(&self, limit: AutomaticLimit, now: Timestamp) -> u32 {
        let sent = self.0.iter().filter(|at| now < **at + limit.within).count();
        limit.messages.saturating_sub(u32::try_from(sent).unwrap_or(u32::MAX))
    }

    pub(crate) fn evolve(&mut self, event: &ConversationEvent, at: Timestamp) {
        if let ConversationEvent::Message(MessageEvent::MessageSent(sent)) = event
            && is_automatic(sent.sender_type)
        {
            if self.0.len() == AutomaticLimit::MOST as usize {
                self.0.pop_front();
            }
            self.0.push_back(at);
        }
    }
}

/// Whether messages of this sender are automatic. A macro's reply is its agent's.
pub(crate) fn is_automatic(sender: SenderType) -> bool {
    match sender {
        SenderType::Bot | SenderType::System => true,
        SenderType::Agent | SenderType::Contact => false,
    }
}
