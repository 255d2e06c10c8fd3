//! What an account has set of its bot, where it has set anything.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::bot::BotSettings;
use event_schemas::{AccountId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct BotSettingsRow in "bot_settings" key (id: AccountId) {
        account_id: AccountId,
        bot_settings: Json<BotSettings>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for BotSettingsRow {
    type CatalogueItem = BotSettings;
    fn key_of(settings: &BotSettings) -> (AccountId,) {
        (settings.account_id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(settings: &BotSettings, since: Since) -> Self {
        Self {
            id: settings.account_id,
            account_id: since.account_id,
            bot_settings: Json(settings.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
