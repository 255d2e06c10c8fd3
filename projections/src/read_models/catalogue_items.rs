//! The catalogue items of every kind, without their secrets.

use super::registry::ReadModel;
use event_schemas::catalogue::CatalogueKind;
use event_schemas::{AccountId, Event, Timestamp, Version};
use follower::runner::DecodedEvent;
use follower::table::Rows;
use uuid::Uuid;

follower::table! {
    /// A catalogue item.
    pub struct CatalogueItemRow in "catalogue_items" key (kind: CatalogueKind, id: Uuid) {
        account_id: AccountId,
        /// Lists are sorted by this text.
        sort_key: String,
        /// JSON, without secrets.
        item: String,
        created_at: Timestamp,
        updated_at: Timestamp,
        /// The version of the catalogue's stream at which this item was last defined.
        version: Version,
    }
}

impl ReadModel for CatalogueItemRow {
    const CACHED: usize = 512;

    fn keys(event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key> {
        let Event::Catalogue(change) = &event.event else { return None };
        Some((change.kind(), change.item_id()))
    }

    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent) {
        let Event::Catalogue(change) = &event.event else { return };
        let (kind, id) = (change.kind(), change.item_id());
        let Some(item) = change.item() else {
            rows.remove(&(kind, id));
            return;
        };
        let at = event.metadata.occurred_at;
        let created_at = rows.get(&(kind, id)).map_or(at, |before| before.created_at);
        rows.put(Self {
            kind,
            id,
            account_id: event.metadata.account_id,
            sort_key: item.sort_key(),
            item: item.public_json(),
            created_at,
            updated_at: at,
            version: event.version,
        });
    }
}
