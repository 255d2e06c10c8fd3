//! The catalogue items of one kind, as their type.

use super::{InvalidCursor, row, rows};
use crate::read_models::catalogue_items::CatalogueItemRow;
use event_schemas::catalogue::Item;
use event_schemas::{AccountId, Timestamp, Version};
use follower::db::{DbError, Readers};
use follower::table::Values;
use std::fmt;
use std::str::FromStr;
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

/// Where a page of items begins: after this item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AfterItem {
    sort_key: String,
    id: Uuid,
}

impl fmt::Display for AfterItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.id.as_bytes().iter().chain(self.sort_key.as_bytes());
        bytes.copied().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AfterItem {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        let digits = text.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap_or_default());
        let bytes: Result<Vec<u8>, _> = digits.map(|two| u8::from_str_radix(two, 16)).collect();
        let bytes = bytes.map_err(|_| InvalidCursor)?;
        let (id, sort_key) = bytes.split_at_checked(16).ok_or(InvalidCursor)?;
        let id = Uuid::from_slice(id).map_err(|_| InvalidCursor)?;
        let sort_key = str::from_utf8(sort_key).map_err(|_| InvalidCursor)?.to_owned();
        Ok(Self { sort_key, id })
    }
}

/// A page of items.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemPage<P> {
    pub items: Vec<CatalogueEntry<P>>,
    /// Where the next page begins. `None` when this page is the last.
    pub next: Option<AfterItem>,
}

/// The items that are read at once.
const AT_ONCE: usize = 500;

/// The items of a kind that an account has defined and that `keep` keeps, in the order of their names: at most `most`,
/// and at most four megabytes.
pub async fn list<T: Item>(
    readers: &Readers,
    account: AccountId,
    after: Option<AfterItem>,
    most: usize,
    keep: impl Fn(&T::Public) -> bool,
) -> Result<ItemPage<T::Public>, DbError> {
    const NEXT: &str = "where account_id = $1 and kind = $2 and (sort_key, id) > ($3, $4)
        order by sort_key, id limit 0 + $5";
    let mut place = after.unwrap_or_default();
    let (mut items, mut bytes) = (Vec::new(), 0);
    loop {
        let values = Values::default().with(&account).with(&T::KIND).with(&place.sort_key).with(&place.id);
        let found: Vec<CatalogueItemRow> = rows(readers, NEXT, values.with(&(AT_ONCE as i64))).await?;
        for row in &found {
            let entry = entry::<T>(row)?;
            let is_kept = keep(&entry.item);
            if is_kept && (items.len() >= most || (bytes + row.item.len() > LARGEST_LIST && bytes > 0)) {
                return Ok(ItemPage { items, next: Some(place) });
            }
            place = AfterItem { sort_key: row.sort_key.clone(), id: row.id };
            if is_kept {
                bytes += row.item.len();
                items.push(entry);
            }
        }
        if found.len() < AT_ONCE {
            return Ok(ItemPage { items, next: None });
        }
    }
}

/// The bytes of the items of a page.
const LARGEST_LIST: usize = 4 << 20;

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
