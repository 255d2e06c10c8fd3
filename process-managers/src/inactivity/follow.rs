//! From the log to the table: when each conversation can come to the end of a silence, at the earliest.

use super::INACTIVITY;
use crate::or_skip::OrSkip;
use crate::timers::{Entry, Waker};
use commands::Commands;
use domain::conversation::InactivityTimeouts;
use event_schemas::bot::{BotSettingsDefined, BotSettingsRetired, HandoffRuleDefined, HandoffRuleRetired};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{
    BotEngaged, Closed, ConversationOpened, Expired, HandoffRequested, MarkedPending, Reopened, Resolved,
};
use event_schemas::{
    AccountId, Category, ConversationEvent, ConversationId, Event, LifecycleEvent, Timestamp, about,
};
use event_store::Filter;
use follower::{DbError, DecodedEvent, FollowError, Projection, Tx};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How long events gather before it looks again: silences last for hours.
const PACE: Duration = Duration::from_millis(100);

pub(super) struct Follow {
    commands: Arc<Commands>,
    waker: Arc<Waker>,
    timeouts: HashMap<AccountId, InactivityTimeouts>,
    /// The first moment that this page brought.
    earliest: Option<Timestamp>,
}

/// What a page says of a conversation, last.
enum Next {
    Over,
    LookAt(Timestamp),
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, waker: Arc<Waker>) -> Self {
        Self { commands, waker, timeouts: HashMap::new(), earliest: None }
    }

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

    async fn write(
        &mut self,
        tx: &mut Tx,
        next: BTreeMap<ConversationId, (AccountId, Next)>,
    ) -> Result<(), DbError> {
        let mut page = Vec::with_capacity(next.len());
        for (id, (account, next)) in next {
            let entry = match next {
                Next::LookAt(at) => {
                    self.comes(at);
                    Entry::LookAt(Some(at))
                }
                Next::Over => Entry::Cancel,
            };
            page.push((id, account, entry));
        }
        INACTIVITY.write(tx, &page).await
    }

    fn comes(&mut self, at: Timestamp) {
        self.earliest = self.earliest.into_iter().chain([at]).min();
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "silence"
    }

    /// What begins a silence of another kind, and what changes how long silences may last. What is said only
    /// makes a silence begin later, which is found out when it seems over.
    fn filter(&self) -> Filter {
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

    fn pace(&self) -> Duration {
        PACE
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        let mut next = BTreeMap::new();
        for happened in page {
            let account = happened.metadata.account_id;
            match (&happened.event, happened.stream.as_conversation()) {
                (Event::Catalogue(event), _) if changes_timeouts(event.kind()) => {
                    self.write(tx, std::mem::take(&mut next)).await?;
                    self.timeouts.remove(&account);
                    // All of them are looked at anew: the account's silences may be shorter now.
                    let now = self.commands.clock.now();
                    INACTIVITY.put_all(tx, account, now).await?;
                    self.comes(now);
                }
                (
                    Event::Conversation(ConversationEvent::Lifecycle(
                        LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_),
                    )),
                    Some(id),
                ) => {
                    next.insert(id, (account, Next::Over));
                }
                (Event::Conversation(_), Some(id)) => {
                    let at = happened.metadata.occurred_at;
                    let Some(timeouts) = self.timeouts(account).await? else { continue };
                    // Where nothing ends by itself the row waits for settings that say otherwise.
                    let soonest = timeouts.soonest(at).unwrap_or(Timestamp::from_micros(i64::MAX));
                    next.insert(id, (account, Next::LookAt(soonest)));
                }
                (
                    Event::Conversation(_)
                    | Event::Catalogue(_)
                    | Event::Agent(_)
                    | Event::Contact(_)
                    | Event::Inbound(_),
                    _,
                ) => {}
            }
        }
        Ok(self.write(tx, next).await?)
    }

    fn committed(&mut self) {
        if let Some(moment) = self.earliest.take() {
            self.waker.due_at(moment);
        }
    }

    fn reset(&mut self) {
        self.timeouts.clear();
        self.earliest = None;
    }
}

fn changes_timeouts(kind: CatalogueKind) -> bool {
    matches!(kind, CatalogueKind::HandoffRules | CatalogueKind::BotSettings)
}
