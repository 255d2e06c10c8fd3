//! Lists of actions that agents run. What their webhooks are signed with is never shown again: it is not here.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::automation::Macro;
use event_schemas::{AccountId, MacroId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct MacroRow in "macros" key (id: MacroId) {
        account_id: AccountId,
        name: String,
        macro_list: Json<Macro>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for MacroRow {
    type CatalogueItem = Macro;
    fn key_of(list: &Macro) -> (MacroId,) {
        (list.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(list: &Macro, since: Since) -> Self {
        Self {
            id: list.id,
            account_id: since.account_id,
            name: list.name.clone(),
            macro_list: Json(Macro { webhook_secret: None, ..list.clone() }),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
