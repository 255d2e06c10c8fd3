//! What an account promises its customers.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::catalogue::SlaPolicy;
use event_schemas::{AccountId, SlaPolicyId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct SlaPolicyRow in "sla_policies" key (id: SlaPolicyId) {
        account_id: AccountId,
        name: String,
        sla_policy: Json<SlaPolicy>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for SlaPolicyRow {
    type CatalogueItem = SlaPolicy;
    fn key_of(sla_policy: &SlaPolicy) -> (SlaPolicyId,) {
        (sla_policy.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(sla_policy: &SlaPolicy, since: Since) -> Self {
        Self {
            id: sla_policy.id,
            account_id: since.account_id,
            name: sla_policy.name.clone(),
            sla_policy: Json(sla_policy.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
