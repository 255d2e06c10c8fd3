//! An event on its way into a log that keeps rows.

use event_schemas::{AccountId, Category, EventId, Metadata, NewEvent, Recorded};
use std::borrow::Cow;

/// What of an event does not depend on where it will be.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: EventId,
    pub event_type: Cow<'static, str>,
    pub schema_version: u16,
    pub account: AccountId,
    pub metadata_json: String,
    pub data: String,
    /// The metadata as it was given, for who reads the event right away.
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

    /// The row of an event that another log has had.
    pub fn from_recorded(event: Recorded) -> Self {
        let Recorded { id, event_type, schema_version, metadata, data, .. } = event;
        Self::encode(NewEvent { id, event_type, schema_version, metadata, data })
    }
}

fn encode_metadata(metadata: &Metadata) -> String {
    // Nothing in it can fail to serialise: no map with odd keys, no foreign code.
    serde_json::to_string(metadata).unwrap_or_default()
}

/// A kind of stream as its column has it. Stored for ever.
pub const fn category_code(category: Category) -> i64 {
    match category {
        Category::Conversation => 1,
        Category::Catalogue => 2,
        Category::Agent => 3,
        Category::Contact => 4,
        Category::Inbound => 5,
    }
}
