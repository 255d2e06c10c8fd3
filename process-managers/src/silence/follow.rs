//! From the log to the table: when each conversation can come to the end of a silence, at the earliest.

use super::patience_of;
use command_api::Commands;
use command_api::write::LoadError;
use domain::conversation::Patience;
use event_schemas::{
    AccountId, CatalogueEvent, Category, ConversationEvent, ConversationId, Event, Timestamp,
};
use event_store::Filter;
use projections::table::Values;
use projections::{DbError, Happened, Projection, Tx};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Notify;

/// What begins a silence of another kind, and what changes how long silences may last. What is said only
/// makes a silence begin later, which is found out when it seems over.
const ABOUT: [&str; 12] = [
    "ConversationOpened",
    "BotEngaged",
    "MarkedPending",
    "Resolved",
    "Reopened",
    "Closed",
    "Expired",
    "HandoffRequested",
    "HandoffRuleDefined",
    "HandoffRuleRetired",
    "BotSettingsDefined",
    "BotSettingsRetired",
];

pub(super) struct Follow {
    commands: Arc<Commands>,
    changed: Arc<Notify>,
    patience: HashMap<AccountId, Patience>,
}

/// What a page says of a conversation, last.
enum Next {
    Over,
    LookAt(Timestamp),
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, changed: Arc<Notify>) -> Self {
        Self { commands, changed, patience: HashMap::new() }
    }

    async fn patience(&mut self, account: AccountId) -> Result<Option<&Patience>, DbError> {
        if !self.patience.contains_key(&account) {
            match patience_of(&self.commands, account).await {
                Ok(patience) => {
                    self.patience.insert(account, patience);
                }
                Err(LoadError::Unavailable(unavailable)) => {
                    return Err(DbError::AnyDriverError(Box::new(unavailable)));
                }
                Err(error @ LoadError::Damaged { .. }) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(%account, error, "the account's conversations end by themselves no more");
                }
            }
        }
        Ok(self.patience.get(&account))
    }

    async fn write(tx: &mut Tx, next: BTreeMap<ConversationId, (AccountId, Next)>) -> Result<(), DbError> {
        const LOOK: &str = "insert into silences (conversation_id, account_id, due_at) values ($1, $2, $3)
            on conflict (conversation_id) do update set due_at = excluded.due_at";
        const OVER: &str = "delete from silences where conversation_id = $1";
        for (id, (account, next)) in next {
            match next {
                Next::LookAt(at) => {
                    tx.execute(LOOK, Values::default().with(&id).with(&account).with(&at)).await?;
                }
                Next::Over => {
                    tx.execute(OVER, Values::default().with(&id)).await?;
                }
            }
        }
        Ok(())
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn filter(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation, Category::Catalogue],
            event_types: ABOUT.map(str::to_owned).into(),
        }
    }

    async fn project(&mut self, page: &[Happened], tx: &mut Tx) -> Result<(), DbError> {
        let mut next = BTreeMap::new();
        for happened in page {
            let account = happened.metadata.account_id;
            match (&happened.event, happened.stream.as_conversation()) {
                (Event::Catalogue(event), _) if changes_patience(event) => {
                    Self::write(tx, std::mem::take(&mut next)).await?;
                    self.patience.remove(&account);
                    // All of them are looked at anew: the account's silences may be shorter now.
                    const ANEW: &str = "update silences set due_at = $1 where account_id = $2";
                    let now = self.commands.clock.now();
                    tx.execute(ANEW, Values::default().with(&now).with(&account)).await?;
                }
                (
                    Event::Conversation(ConversationEvent::Closed(_) | ConversationEvent::Expired(_)),
                    Some(id),
                ) => {
                    next.insert(id, (account, Next::Over));
                }
                (Event::Conversation(_), Some(id)) => {
                    let at = happened.metadata.occurred_at;
                    let Some(patience) = self.patience(account).await? else { continue };
                    // Where nothing ends by itself the row waits for settings that say otherwise.
                    let soonest = patience.soonest(at).unwrap_or(Timestamp::from_micros(i64::MAX));
                    next.insert(id, (account, Next::LookAt(soonest)));
                }
                _ => {}
            }
        }
        Self::write(tx, next).await
    }

    fn keep(&mut self) {
        self.changed.notify_one();
    }

    fn forget(&mut self) {
        self.patience.clear();
    }
}

fn changes_patience(event: &CatalogueEvent) -> bool {
    use CatalogueEvent as E;
    matches!(
        event,
        E::HandoffRuleDefined(_)
            | E::HandoffRuleRetired(_)
            | E::BotSettingsDefined(_)
            | E::BotSettingsRetired(_)
    )
}
