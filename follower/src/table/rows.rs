//! The rows of one table that a page touches.

use super::statements::{All, Statements};
use super::{Key, Row};
use crate::db::{AssertSqlSafe, DbError, Tx, Values};
use quick_cache::unsync::Cache;
use std::collections::HashMap;
use std::sync::Arc;

/// A row on its way through a page.
struct Slot<R> {
    /// As the table has it; kept only until the first change.
    stored: Option<Box<R>>,
    now: Option<Box<R>>,
    in_table: bool,
    changed: bool,
}

/// The rows of one table that a page touches, and a bounded number of those it touched before.
///
/// `load`, then `get`, `change`, `put` and `remove`, then `write`; after the commit `keep`, after a
/// failure `forget`. The cache only ever holds what is committed.
pub struct Rows<R: Row> {
    /// Once it is known which engine they are for.
    statements: Option<All>,
    page: HashMap<R::Key, Slot<R>>,
    cache: Cache<R::Key, Box<R>>,
}

impl<R: Row> Rows<R> {
    pub fn new(cached: usize) -> Self {
        Self { statements: None, page: HashMap::new(), cache: Cache::new(cached.max(1)) }
    }

    /// Makes these rows available, from the cache or, together, from the table.
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

    /// Says that this row is known not to be in the table, which saves looking.
    pub fn absent(&mut self, key: R::Key) {
        self.page.entry(key).or_insert(Slot { stored: None, now: None, in_table: false, changed: false });
    }

    /// Whether the page or the cache knows this row, so that it need not be loaded.
    pub fn knows(&self, key: &R::Key) -> bool {
        self.page.contains_key(key) || self.cache.contains_key(key)
    }

    pub fn get(&self, key: &R::Key) -> Option<&R> {
        self.page.get(key)?.now.as_deref()
    }

    /// The row, to be changed.
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

    /// Does something to every row that is about to be written.
    pub fn finish(&mut self, finish: impl Fn(&mut R)) {
        let changed = self.page.values_mut().filter(|slot| slot.changed);
        changed.filter_map(|slot| slot.now.as_deref_mut()).for_each(finish);
    }

    /// Every row of the page that is there now.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.page.values().filter_map(|slot| slot.now.as_deref())
    }

    /// Writes what changed, many rows to a statement.
    pub async fn write(&mut self, tx: &mut Tx) -> Result<usize, DbError> {
        let (mut new, mut volatile, mut rest, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (key, slot) in self.page.iter().filter(|(_, slot)| slot.changed) {
            match (slot.now.as_deref(), slot.in_table) {
                (Some(row), false) => new.push((key, row)),
                (Some(row), true) => match &slot.stored {
                    Some(stored) if row.only_volatile_differ(stored) => volatile.push((key, row)),
                    _ => rest.push((key, row)),
                },
                (None, true) => gone.push(key),
                (None, false) => {}
            }
        }
        let written = new.len() + volatile.len() + rest.len() + gone.len();
        let statements = self.statements.get_or_insert_with(|| Statements::all::<R>(tx.engine()));
        write_rows(tx, &statements.insert, new).await?;
        write_rows(tx, &statements.volatile, volatile).await?;
        write_rows(tx, &statements.upsert, rest).await?;
        gone.sort_unstable();
        let mut gone = &gone[..];
        while !gone.is_empty() {
            let (size, text) = statements.delete.pick(gone.len());
            let (these, others) = gone.split_at(size);
            gone = others;
            let mut values = statements.delete.values(size, R::KEY.len());
            these.iter().for_each(|key| key.put(&mut values));
            tx.write(text, values).await?;
        }
        Ok(written)
    }

    /// The transaction is committed: what the page knew is true, and some of it stays at hand.
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

    /// Forgets all rows: the transaction was not committed, or another process wrote.
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
    // In the order of the key, neighbours in the index are written together.
    rows.sort_unstable_by_key(|(key, _)| *key);
    let mut rest = &rows[..];
    let mut next = bind(statements, &mut rest);
    while let Some((text, values)) = next {
        let write = tx.write(text, values);
        // The engine has a thread of its own, or a process: while it writes these, the next are made ready.
        let (written, ready) = futures::join!(write, async { bind(statements, &mut rest) });
        written?;
        next = ready;
    }
    Ok(())
}

/// The next statement and what is bound to it, taken off the front of what is to be written.
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
