//! Derives the timers from the log: the earliest moment at which each conversation can have been inactive for too long.

use crate::or_skip::OrSkip;
use commands::Commands;
use domain::conversation::InactivityTimeouts;
use event_schemas::bot::{BotSettingsDefined, BotSettingsRetired, HandoffRuleDefined, HandoffRuleRetired};
use event_schemas::conversation::{
    BotEngaged, Closed, ConversationOpened, Expired, HandoffRequested, MarkedPending, Reopened, Resolved,
};
use event_schemas::{AccountId, Category, ConversationEvent, Event, LifecycleEvent, about};
use event_store::Filter;
use follower::timers::{Moment, TimerEffect, TimerSource, TimerTable};
use follower::{DecodedEvent, FollowError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Source {
    commands: Arc<Commands>,
    timeouts: HashMap<AccountId, InactivityTimeouts>,
}

impl Source {
    pub(super) fn new(commands: Arc<Commands>) -> Self {
        Self { commands, timeouts: HashMap::new() }
    }

    /// `None` when the account's settings cannot be read.
    async fn timeouts(&mut self, account: AccountId) -> Result<Option<&InactivityTimeouts>, FollowError> {
        if !self.timeouts.contains_key(&account) {
            let timeouts = self.commands.timeouts(account).await;
            let timeouts =
                timeouts.or_skip(&account, "the account's conversations do not end by themselves")?;
            if let Some((timeouts, _)) = timeouts {
                self.timeouts.insert(account, timeouts);
            }
        }
        Ok(self.timeouts.get(&account))
    }
}

impl TimerSource for Source {
    const NAME: &'static str = "inactivity";
    const CHECKPOINT: &'static str = "silence";
    const TABLE: TimerTable = TimerTable { name: "silences", by_account: true };
    const PACE: Duration = Duration::from_millis(100);
    const KNOWS_TIMERS: bool = false;

    /// The events that begin another kind of inactivity or change a timeout. A message only makes the moment later,
    /// which the handler finds when the timer is due.
    fn about(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation, Category::Catalogue],
            event_types: about![
                ConversationOpened,
                BotEngaged,
                MarkedPending,
                Resolved,
                Reopened,
                Closed,
                Expired,
                HandoffRequested,
                HandoffRuleDefined,
                HandoffRuleRetired,
                BotSettingsDefined,
                BotSettingsRetired,
            ],
        }
    }

    fn effect_of(&self, event: &DecodedEvent, _has_timer: bool) -> TimerEffect {
        match &event.event {
            Event::Catalogue(_) => TimerEffect::SettingsChanged,
            Event::Conversation(ConversationEvent::Lifecycle(
                LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_),
            )) => TimerEffect::Cancel,
            Event::Conversation(_) => TimerEffect::Set,
            Event::Agent(_)
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
        let Some(timeouts) = self.timeouts(event.metadata.account_id).await? else {
            return Ok(Moment::Unknown);
        };
        Ok(timeouts.soonest(event.metadata.occurred_at).map_or(Moment::Open, Moment::At))
    }

    fn settings_changed(&mut self, account: AccountId) {
        self.timeouts.remove(&account);
    }

    fn reset(&mut self) {
        self.timeouts.clear();
    }
}
