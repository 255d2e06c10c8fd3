//! The queues of an account, as they are defined. What waits in them is in [`super::queue_entries`].

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::routing::Queue;
use event_schemas::{AccountId, QueueId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct QueueRow in "queues" key (id: QueueId) {
        account_id: AccountId,
        name: String,
        queue: Json<Queue>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for QueueRow {
    type CatalogueItem = Queue;
    fn key_of(queue: &Queue) -> (QueueId,) {
        (queue.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(queue: &Queue, since: Since) -> Self {
        Self {
            id: queue.id,
            account_id: since.account_id,
            name: queue.name.clone(),
            queue: Json(queue.clone()),
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
