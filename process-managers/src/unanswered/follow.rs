//! From the log to the table: whose customer waits, and when a rule's time can be over at the earliest.

use super::WAITING;
use crate::or_skip::OrSkip;
use crate::timers::{Entry, Waker};
use commands::Commands;
use event_schemas::automation::{AutomationEvent, AutomationRuleDefined, AutomationRuleRetired};
use event_schemas::conversation::{Closed, Expired, MessageReceived, MessageSent, Resolved};
use event_schemas::message::SenderType;
use event_schemas::{
    AccountId, Category, ConversationEvent, ConversationId, Event, MessageEvent, Timestamp, about,
};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long events gather before it looks again: rules wait for minutes.
const PACE: Duration = Duration::from_millis(100);

pub(super) struct Follow {
    commands: Arc<Commands>,
    waker: Arc<Waker>,
    /// The conversations that have a row. None: the table has not been asked.
    rows: Option<HashSet<ConversationId>>,
    /// How long each account's most impatient rule waits.
    shortest: HashMap<AccountId, Option<Duration>>,
    /// The first moment that this page brought.
    earliest: Option<Timestamp>,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, waker: Arc<Waker>) -> Self {
        Self { commands, waker, rows: None, shortest: HashMap::new(), earliest: None }
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

    fn comes(&mut self, at: Timestamp) {
        self.earliest = self.earliest.into_iter().chain([at]).min();
    }

    /// What a page says of the conversations in it, last.
    async fn write(
        &mut self,
        tx: &mut Tx,
        waits: BTreeMap<ConversationId, (AccountId, Option<Timestamp>)>,
    ) -> Result<(), FollowError> {
        let mut page = Vec::with_capacity(waits.len());
        for (id, (account, since)) in waits {
            let entry = match since {
                Some(since) => {
                    // Where nobody is impatient the row waits for a rule.
                    let at = self.shortest(account).await?.map(|shortest| since + shortest);
                    at.into_iter().for_each(|at| self.comes(at));
                    Entry::LookAt(at)
                }
                None => Entry::Cancel,
            };
            page.push((id, account, entry));
        }
        Ok(WAITING.write(tx, &page).await?)
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "waiting"
    }

    /// What begins and ends a waiting, and what changes how long one may last.
    fn filter(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation, Category::Catalogue],
            event_types: about![
                MessageReceived,
                MessageSent,
                Resolved,
                Closed,
                Expired,
                AutomationRuleDefined,
                AutomationRuleRetired,
            ],
        }
    }

    /// Most messages find somebody waiting already, and say nothing new.
    fn concerns(&self, happened: &DecodedEvent) -> bool {
        let Some(rows) = &self.rows else { return true };
        match (&happened.event, happened.stream.as_conversation()) {
            (Event::Catalogue(_), _) => true,
            (Event::Conversation(ConversationEvent::Message(MessageEvent::MessageReceived(_))), Some(id)) => {
                !rows.contains(&id)
            }
            (Event::Conversation(ConversationEvent::Message(MessageEvent::MessageSent(message))), _)
                if message.sender_type != SenderType::Agent =>
            {
                false
            }
            (Event::Conversation(_), Some(id)) => rows.contains(&id),
            (Event::Conversation(_) | Event::Agent(_) | Event::Contact(_) | Event::Inbound(_), _) => false,
        }
    }

    fn pace(&self) -> Duration {
        PACE
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        let mut rows = match self.rows.take() {
            Some(rows) => rows,
            None => WAITING.conversations(tx).await?,
        };
        let mut waits = BTreeMap::new();
        for happened in page {
            let account = happened.metadata.account_id;
            match (&happened.event, happened.stream.as_conversation()) {
                (Event::Catalogue(_), _) => {
                    self.write(tx, std::mem::take(&mut waits)).await?;
                    self.shortest.remove(&account);
                    // Who waits is looked at anew: there may be a rule for them now.
                    let now = self.commands.clock.now();
                    WAITING.put_all(tx, account, now).await?;
                    self.comes(now);
                }
                (
                    Event::Conversation(ConversationEvent::Message(MessageEvent::MessageReceived(_))),
                    Some(id),
                ) => {
                    if rows.insert(id) {
                        waits.insert(id, (account, Some(happened.metadata.occurred_at)));
                    }
                }
                (Event::Conversation(ConversationEvent::Message(MessageEvent::MessageSent(message))), _)
                    if message.sender_type != SenderType::Agent => {}
                (Event::Conversation(_), Some(id)) => {
                    if rows.remove(&id) {
                        waits.insert(id, (account, None));
                    }
                }
                (Event::Conversation(_) | Event::Agent(_) | Event::Contact(_) | Event::Inbound(_), _) => {}
            }
        }
        self.write(tx, waits).await?;
        self.rows = Some(rows);
        Ok(())
    }

    fn committed(&mut self) {
        if let Some(moment) = self.earliest.take() {
            self.waker.due_at(moment);
        }
    }

    fn reset(&mut self) {
        self.rows = None;
        self.shortest.clear();
        self.earliest = None;
    }
}
