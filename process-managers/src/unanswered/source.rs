//! Derives the timers from the log: the conversations whose customer waits, and the earliest moment of a rule.

use crate::or_skip::OrSkip;
use commands::Commands;
use event_schemas::automation::{AutomationEvent, AutomationRuleDefined, AutomationRuleRetired};
use event_schemas::conversation::{Closed, Expired, MessageFailed, MessageReceived, MessageSent, Resolved};
use event_schemas::message::SenderType;
use event_schemas::{AccountId, Category, ConversationEvent, Event, MessageEvent, about};
use event_store::Filter;
use follower::timers::{Moment, TimerEffect, TimerSource, TimerTable};
use follower::{DecodedEvent, FollowError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Source {
    commands: Arc<Commands>,
    /// The shortest waiting time of the account's rules. `None` when it has no rule about waiting.
    shortest: HashMap<AccountId, Option<Duration>>,
}

impl Source {
    pub(super) fn new(commands: Arc<Commands>) -> Self {
        Self { commands, shortest: HashMap::new() }
    }

    async fn shortest(&mut self, account: AccountId) -> Result<Option<Duration>, FollowError> {
        if let Some(shortest) = self.shortest.get(&account) {
            return Ok(*shortest);
        }
        let rules = self.commands.automation_rules_of(account).await;
        let rules = rules.or_skip(&account, "the account's rules on unanswered customers do not run")?;
        let shortest = rules.and_then(|rules| {
            rules.on(AutomationEvent::WaitingLongerThan).filter_map(|(_, rule)| rule.waiting).min()
        });
        self.shortest.insert(account, shortest);
        Ok(shortest)
    }
}

impl TimerSource for Source {
    const NAME: &'static str = "unanswered";
    const CHECKPOINT: &'static str = "waiting";
    const TABLE: TimerTable = TimerTable { name: "waiting", by_account: true };
    const PACE: Duration = Duration::from_millis(100);

    /// The events that begin or end the wait of a customer or change the rules.
    fn about(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation, Category::Catalogue],
            event_types: about![
                MessageReceived,
                MessageSent,
                MessageFailed,
                Resolved,
                Closed,
                Expired,
                AutomationRuleDefined,
                AutomationRuleRetired,
            ],
        }
    }

    fn effect_of(&self, event: &DecodedEvent, has_timer: bool) -> TimerEffect {
        use ConversationEvent as E;
        match &event.event {
            Event::Catalogue(_) => TimerEffect::SettingsChanged,
            // When the customer waits already, the wait began with an earlier message.
            Event::Conversation(E::Message(MessageEvent::MessageReceived(_))) if !has_timer => {
                TimerEffect::Set
            }
            Event::Conversation(E::Message(MessageEvent::MessageReceived(_))) => TimerEffect::None,
            Event::Conversation(E::Message(MessageEvent::MessageSent(message)))
                if message.sender_type != SenderType::Agent =>
            {
                TimerEffect::None
            }
            // When an answer failed, the customer may still wait.
            Event::Conversation(E::Delivery(_)) => TimerEffect::Set,
            Event::Conversation(_) if has_timer => TimerEffect::Cancel,
            Event::Conversation(_)
            | Event::Agent(_)
            | Event::Contact(_)
            | Event::Inbound(_)
            | Event::Log(_)
            | Event::Account(_)
            | Event::Person(_)
            | Event::ApiKey(_)
            | Event::Bulk(_) => TimerEffect::None,
        }
    }

    async fn moment_of(&mut self, event: &DecodedEvent) -> Result<Moment, FollowError> {
        let mut since = event.metadata.occurred_at;
        if let Event::Conversation(failed @ ConversationEvent::Delivery(_)) = &event.event {
            // Uses the current state of the conversation, which may be later than this event.
            let loaded =
                self.commands.conversations.at_least(&event.stream, event.version, failed, since).await;
            let loaded = loaded.or_skip(&event.stream, "no rule runs for the unanswered customer")?;
            let Some(loaded) = loaded else { return Ok(Moment::Unknown) };
            match loaded.state.opened().ok().and_then(|opened| opened.unanswered_since()) {
                Some(unanswered_since) => since = unanswered_since,
                None => return Ok(Moment::Never),
            }
        }
        let shortest = self.shortest(event.metadata.account_id).await?;
        // Without a rule the row stays without a moment, until a rule is defined.
        let due_at = shortest.map(|shortest| since + shortest);
        Ok(due_at.map_or(Moment::Open, Moment::At))
    }

    fn settings_changed(&mut self, account: AccountId) {
        self.shortest.remove(&account);
    }

    fn reset(&mut self) {
        self.shortest.clear();
    }
}
