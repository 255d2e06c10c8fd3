//! The rows of one table that a page reads and changes.

use super::statements::{All, Statements};
use super::{Key, Row};
use crate::db::{AssertSqlSafe, DbError, Tx, Values};
use quick_cache::unsync::Cache;
use std::collections::HashMap;
use std::sync::Arc;

/// A row during the projection of a page.
struct Slot<R> {
    /// The row in the table, which is kept from the first change on when the table has volatile columns.
    stored: Option<Box<R>>,
    now: Option<Box<R>>,
    in_table: bool,
    changed: bool,
}

/// The rows of one table that a page reads and changes, and a cache of rows of earlier pages.
///
/// Call `load`, then `get`, `change`, `put` and `remove`, then `write`; after the commit `committed`, after a failure
/// `reset`. The cache only contains committed rows.
pub struct Rows<R: Row> {
    /// `None` until the first transaction says which engine they are for.
    statements: Option<All>,
    page: HashMap<R::Key, Slot<R>>,
    cache: Cache<R::Key, Box<R>>,
}

impl<R: Row> Rows<R> {
    pub fn new(cached: usize) -> Self {
        Self { statements: None, page: HashMap::new(), cache: Cache::new(cached.max(1)) }
    }

    /// Loads these rows from the cache, or with few statements from the table.
    pub async fn load(&mut self, tx: &mut Tx, keys: impl IntoIterator<Item = R::Key>) -> Result<(), DbError> {
        let mut missing = Vec::new();
        for key in keys {
            if self.page.contains_key(&key) {
                continue;
            }
            let cached = self.cache.remove(&key).map(|(_, row)| row);
            if cached.is_none() {
                missing.push(key.clone());
            }
            let in_table = cached.is_some();
            self.page.insert(key, Slot { stored: None, now: cached, in_table, changed: false });
        }
        missing.sort_unstable();
        let statements = self.statements.get_or_insert_with(|| Statements::all::<R>(tx.engine()));
        let mut rest = &missing[..];
        while !rest.is_empty() {
            let (size, text) = statements.load.pick(rest.len());
            let (these, others) = rest.split_at(size);
            rest = others;
            let mut values = statements.load.values(size, R::KEY.len());
            these.iter().for_each(|key| key.put(&mut values));
            for row in tx.fetch_all(AssertSqlSafe(text), values).await? {
                let row = R::take(&row)?;
                if let Some(slot) = self.page.get_mut(&row.key()) {
                    slot.now = Some(Box::new(row));
                    slot.in_table = true;
                }
            }
        }
        Ok(())
    }

    /// Declares that this row is not in the table, which saves a query.
    pub fn absent(&mut self, key: R::Key) {
        self.page.entry(key).or_insert(Slot { stored: None, now: None, in_table: false, changed: false });
    }

    /// Whether the row is in memory, so that it need not be loaded.
    pub fn knows(&self, key: &R::Key) -> bool {
        self.page.contains_key(key) || self.cache.contains_key(key)
    }

    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.page.get(key)?.now.as_deref()
    }

    /// The row, for a change.
    pub fn change(&mut self, key: &R::Key) -> Option<&mut R> {
        let slot = self.page.get_mut(key)?;
        if !slot.changed {
            slot.changed = true;
            if slot.in_table && !R::VOLATILE.is_empty() {
                slot.stored = slot.now.clone();
            }
        }
        slot.now.as_deref_mut()
    }

    /// Adds or replaces a row.
    pub fn put(&mut self, row: R) {
        let key = row.key();
        let slot =
            self.page.entry(key).or_insert(Slot { stored: None, now: None, in_table: true, changed: false });
        slot.now = Some(Box::new(row));
        slot.changed = true;
    }

    pub fn remove(&mut self, key: &R::Key) {
        let slot = self.page.entry(key.clone()).or_insert(Slot {
            stored: None,
            now: None,
            in_table: true,
            changed: false,
        });
        slot.now = None;
        slot.changed = true;
    }

    /// Applies a function to every row that will be written.
    pub fn finish(&mut self, finish: impl Fn(&mut R)) {
        let changed = self.page.values_mut().filter(|slot| slot.changed);
        changed.filter_map(|slot| slot.now.as_deref_mut()).for_each(finish);
    }

    /// All rows of the page that exist now.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.page.values().filter_map(|slot| slot.now.as_deref())
    }

    /// Writes the changes, many rows in one statement. Returns the number of rows.
    pub async fn write(&mut self, tx: &mut Tx) -> Result<usize, DbError> {
        let (mut new, mut volatile, mut rest, mut deleted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (key, slot) in self.page.iter().filter(|(_, slot)| slot.changed) {
            match (slot.now.as_deref(), slot.in_table) {
                (Some(row), false) => new.push((key, row)),
                (Some(row), true) => match &slot.stored {
                    Some(stored) if row.only_volatile_differ(stored) => volatile.push((key, row)),
                    _ => rest.push((key, row)),
                },
                (None, true) => deleted.push(key),
                (None, false) => {}
            }
        }
        let written = new.len() + volatile.len() + rest.len() + deleted.len();
        let statements = self.statements.get_or_insert_with(|| Statements::all::<R>(tx.engine()));
        write_rows(tx, &statements.insert, new).await?;
        write_rows(tx, &statements.volatile, volatile).await?;
        write_rows(tx, &statements.upsert, rest).await?;
        deleted.sort_unstable();
        let mut deleted = &deleted[..];
        while !deleted.is_empty() {
            let (size, text) = statements.delete.pick(deleted.len());
            let (these, others) = deleted.split_at(size);
            deleted = others;
            let mut values = statements.delete.values(size, R::KEY.len());
            these.iter().for_each(|key| key.put(&mut values));
            tx.write(text, values).await?;
        }
        Ok(written)
    }

    /// The transaction is committed: moves the rows of the page into the cache.
    pub fn committed(&mut self) {
        for (key, slot) in self.page.drain() {
            match slot.now {
                Some(row) => self.cache.insert(key, row),
                None => {
                    self.cache.remove(&key);
                }
            }
        }
    }

    /// The transaction was not committed, or another process wrote: drops all rows from memory.
    pub fn reset(&mut self) {
        self.page.clear();
        self.cache.clear();
    }
}

async fn write_rows<R: Row>(
    tx: &mut Tx,
    statements: &Statements,
    mut rows: Vec<(&R::Key, &R)>,
) -> Result<(), DbError> {
    // Rows are sorted by key, so that neighbours in the index are written together.
    rows.sort_unstable_by_key(|(key, _)| *key);
    let mut rest = &rows[..];
    let mut next = bind(statements, &mut rest);
    while let Some((text, values)) = next {
        let write = tx.write(text, values);
        // The engine works in another thread or process: while it writes these rows, the next ones are prepared.
        let (written, bound) = futures::join!(write, async { bind(statements, &mut rest) });
        written?;
        next = bound;
    }
    Ok(())
}

/// The next statement and its values, which are removed from the front of the remaining rows.
fn bind<R: Row>(statements: &Statements, rest: &mut &[(&R::Key, &R)]) -> Option<(Arc<str>, Values)> {
    if rest.is_empty() {
        return None;
    }
    let (size, text) = statements.pick(rest.len());
    let (these, others) = rest.split_at(size);
    *rest = others;
    let mut values = statements.values(size, R::COLUMNS.len());
    these.iter().for_each(|(_, row)| row.put(&mut values));
    Some((text, values))
}
