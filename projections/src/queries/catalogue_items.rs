//! The catalogue items of one kind, as their type. A catalogue is small, so its list has no pages.

use super::{row, rows};
use crate::read_models::catalogue_items::CatalogueItemRow;
use event_schemas::catalogue::Item;
use event_schemas::{AccountId, Timestamp, Version};
use follower::db::{DbError, Readers};
use follower::table::Values;
use uuid::Uuid;

/// An item without its secrets, and the times at which it was defined first and last.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogueEntry<P> {
    pub account_id: AccountId,
    pub item: P,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The version of the catalogue's stream at which this item was last defined.
    pub version: Version,
}

/// All items of a kind that an account has defined.
pub async fn list<T: Item>(
    readers: &Readers,
    account: AccountId,
) -> Result<Vec<CatalogueEntry<T::Public>>, DbError> {
    let values = Values::default().with(&account).with(&T::KIND);
    let found = rows(readers, "where account_id = $1 and kind = $2 order by sort_key, id", values).await?;
    found.iter().map(entry::<T>).collect()
}

pub async fn get<T: Item>(
    readers: &Readers,
    account: AccountId,
    id: T::Id,
) -> Result<Option<CatalogueEntry<T::Public>>, DbError> {
    let id: Uuid = id.into();
    let values = Values::default().with(&T::KIND).with(&id).with(&account);
    let found = row(readers, "where kind = $1 and id = $2 and account_id = $3", values).await?;
    found.as_ref().map(entry::<T>).transpose()
}

fn entry<T: Item>(row: &CatalogueItemRow) -> Result<CatalogueEntry<T::Public>, DbError> {
    let item = serde_json::from_str(&row.item)
        .map_err(|source| DbError::ColumnDecode { index: "item".to_owned(), source: Box::new(source) })?;
    Ok(CatalogueEntry {
        account_id: row.account_id,
        item,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
    })
}
