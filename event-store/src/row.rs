//! An event encoded for an engine that stores rows.

use event_schemas::{AccountId, Category, EventId, Metadata, NewEvent, Recorded};
use std::borrow::Cow;

/// The columns of an event that do not depend on its position.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: EventId,
    pub event_type: Cow<'static, str>,
    pub schema_version: u16,
    pub account: AccountId,
    pub metadata_json: String,
    pub data: String,
    /// The metadata before encoding: readers of [`crate::EventStore::read_recent`] get it without parsing.
    pub metadata: Metadata,
}

impl Row {
    pub fn encode(event: NewEvent) -> Self {
        Self {
            id: event.id,
            event_type: event.event_type,
            schema_version: event.schema_version,
            account: event.metadata.account_id,
            metadata_json: encode_metadata(&event.metadata),
            data: event.data,
            metadata: event.metadata,
        }
    }

    /// The row of an event that is imported from another log.
    pub fn from_recorded(event: Recorded) -> Self {
        let Recorded { id, event_type, schema_version, metadata, data, .. } = event;
        Self::encode(NewEvent { id, event_type, schema_version, metadata, data })
    }
}

fn encode_metadata(metadata: &Metadata) -> String {
    // Metadata always serialises: it has no map with keys that are not text, and no foreign code.
    serde_json::to_string(metadata).unwrap_or_default()
}

/// The number that stands for a kind of stream in the column `category`. Stored, so it never changes.
pub const fn category_code(category: Category) -> i64 {
    match category {
        Category::Conversation => 1,
        Category::Catalogue => 2,
        Category::Agent => 3,
        Category::Contact => 4,
        Category::Inbound => 5,
        Category::Log => 6,
        Category::Account => 7,
        Category::Person => 8,
        Category::ApiKey => 9,
        Category::Bulk => 10,
    }
}
