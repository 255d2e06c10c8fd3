//! The account of each channel, for webhooks, whose URL contains only the channel.
//!
//! It is computed from the catalogue events of channels alone. A channel never changes its account, so a
//! known account stays right. For an unknown channel the log is read before the channel counts as missing.

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
    /// The position up to which the log was read. Locked while a caller reads.
    through: Mutex<Option<Position>>,
}

impl ChannelAccounts {
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, accounts: RwLock::default(), through: Mutex::new(None) }
    }

    /// The account of a channel. `None` when there never was such a channel.
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
                    // An unreadable definition is skipped here. It is reported when its catalogue is loaded.
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
