//! What the tables of catalogues have in common: each event carries the whole thing, so a row is the thing
//! with the times around it.

use crate::read_models::registry::TableSet;
use event_schemas::{AccountId, Timestamp, Version};
use follower::db::{DbError, Tx};
use follower::runner::DecodedEvent;
use follower::table::{Row, Rows, Shape};

/// A row that holds one defined thing.
pub trait Entry: Row {
    type CatalogueItem;
    fn key_of(thing: &Self::CatalogueItem) -> Self::Key;
    fn created_at(&self) -> Timestamp;
    fn defined(thing: &Self::CatalogueItem, since: Since) -> Self;
}

/// AssigneeFilter it is and since when it is so.
pub struct Since {
    pub account_id: AccountId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Of the catalogue's stream, when this thing was last defined.
    pub version: Version,
}

/// One catalogue's table.
pub struct Catalogue<R: Entry> {
    rows: Rows<R>,
}

impl<R: Entry> Default for Catalogue<R> {
    fn default() -> Self {
        Self { rows: Rows::new(64) }
    }
}

impl<R: Entry> Catalogue<R> {
    pub async fn load(&mut self, tx: &mut Tx, keys: Vec<R::Key>) -> Result<(), DbError> {
        self.rows.load(tx, keys).await
    }
    pub fn define(&mut self, thing: &R::CatalogueItem, happened: &DecodedEvent) {
        let at = happened.metadata.occurred_at;
        let before = self.rows.get(&R::key_of(thing));
        let since = Since {
            account_id: happened.metadata.account_id,
            created_at: before.map_or(at, |row| row.created_at()),
            updated_at: at,
            version: happened.version,
        };
        self.rows.put(R::defined(thing, since));
    }
    pub fn retire(&mut self, key: &R::Key) {
        self.rows.remove(key);
    }
}

impl<R: Entry> TableSet for Catalogue<R> {
    fn shapes() -> Vec<Shape> {
        vec![Shape::of::<R>()]
    }
    async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        TableSet::write(&mut self.rows, tx).await
    }
    fn committed(&mut self) {
        self.rows.committed();
    }
    fn reset(&mut self) {
        self.rows.reset();
    }
}
