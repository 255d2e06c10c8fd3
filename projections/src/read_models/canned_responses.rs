//! The texts that agents reuse.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::catalogue::CannedResponse;
use event_schemas::{AccountId, CannedResponseId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct CannedResponseRow in "canned_responses" key (id: CannedResponseId) {
        account_id: AccountId,
        short_code: String, category: Option<String>,
        canned_response: Json<CannedResponse>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for CannedResponseRow {
    type CatalogueItem = CannedResponse;
    fn key_of(canned_response: &CannedResponse) -> (CannedResponseId,) {
        (canned_response.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(canned_response: &CannedResponse, since: Since) -> Self {
        Self {
            id: canned_response.id,
            account_id: since.account_id,
            short_code: canned_response.short_code.clone(),
            category: canned_response.category.clone(),
            canned_response: Json(canned_response.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
