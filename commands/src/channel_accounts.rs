//! Which account a channel belongs to: a webhook names only the channel.
//!
//! Versioned from the channels' catalogue events alone. A channel never changes its account, so an answer,
//! once known, stays right; one that is not known yet is looked for in the log before it is denied.

use event_schemas::catalogue::ChannelDefined;
use event_schemas::{AccountId, Category, ChannelId, Position, about};
use event_store::{EventStore, Filter, ReadError};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use tokio::sync::Mutex;

const PAGE: usize = 500;

pub struct ChannelAccounts {
    store: Arc<dyn EventStore>,
    accounts: RwLock<HashMap<ChannelId, AccountId>>,
    /// The position up to which the log was read; locked while a caller reads.
    through: Mutex<Option<Position>>,
}

impl ChannelAccounts {
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, accounts: RwLock::default(), through: Mutex::new(None) }
    }

    /// The account of a channel, if there ever was such a channel.
    pub async fn account_of(&self, channel: ChannelId) -> Result<Option<AccountId>, ReadError> {
        if let Some(account) = self.known(channel) {
            return Ok(Some(account));
        }
        self.catch_up().await?;
        Ok(self.known(channel))
    }

    fn known(&self, channel: ChannelId) -> Option<AccountId> {
        let accounts = self.accounts.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        accounts.get(&channel).copied()
    }

    async fn catch_up(&self) -> Result<(), ReadError> {
        let filter = Filter {
            account: None,
            categories: vec![Category::Catalogue],
            event_types: about![ChannelDefined],
        };
        let mut through = self.through.lock().await;
        loop {
            let page = self.store.read_all(*through, &filter, PAGE).await?;
            {
                let mut accounts = self.accounts.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                for event in &page.events {
                    // An unreadable definition is the catalogue's to report; here it names no channel.
                    if let Ok(defined) = serde_json::from_str::<ChannelDefined>(&event.data) {
                        accounts.insert(defined.channel.id, event.metadata.account_id);
                    }
                }
            }
            *through = page.through.or(*through);
            if page.at_end {
                return Ok(());
            }
        }
    }
}
