//! The statements of a table, each for a few fixed numbers of rows.

use super::{Row, columns_of};
use crate::db::{Engine, Values};
use std::sync::Arc;

/// One statement of a table, in a version for each number of rows.
pub(super) struct Statements {
    engine: Engine,
    texts: Vec<Arc<str>>,
}

impl Statements {
    fn new(engine: Engine, text: impl Fn(usize) -> String) -> Self {
        Self { engine, texts: engine.sizes().iter().map(|size| text(*size).into()).collect() }
    }
    /// The version for the largest number of rows that `count` rows fill, and that number.
    pub(super) fn pick(&self, count: usize) -> (usize, Arc<str>) {
        let (index, size) = self.engine.pick(count);
        (size, Arc::clone(&self.texts[index]))
    }
    /// Empty values with capacity for this many rows.
    pub(super) fn values(&self, rows: usize, width: usize) -> Values {
        Values::for_rows(self.engine, rows, width)
    }
    pub(super) fn all<R: Row>(engine: Engine) -> All {
        let (table, columns) = (R::TABLE, columns_of::<R>());
        let set = |names: &[&str]| {
            let names = names.iter().filter(|name| !R::KEY.contains(name));
            names.map(|name| format!("{name}=excluded.{name}")).collect::<Vec<_>>().join(",")
        };
        let insert =
            |count| format!("insert into {table} ({columns}) {}", engine.rows(count, R::COLUMNS.len()));
        let upsert = |names: &'static [&'static str]| {
            let set = set(names);
            let action = if set.is_empty() { "nothing".to_owned() } else { format!("update set {set}") };
            Statements::new(engine, move |count| {
                format!("{} on conflict ({}) do {action}", insert(count), R::KEY.join(","))
            })
        };
        let keys = move |count: usize, verb: &str| {
            format!("{verb} from {table} where {}", engine.among(R::KEY, count))
        };
        let select = format!("select {columns}");
        All {
            insert: Statements::new(engine, insert),
            upsert: upsert(R::COLUMNS),
            volatile: upsert(R::VOLATILE),
            load: Statements::new(engine, |count| keys(count, &select)),
            delete: Statements::new(engine, |count| keys(count, "delete")),
        }
    }
}

pub(super) struct All {
    pub insert: Statements,
    pub upsert: Statements,
    pub volatile: Statements,
    pub load: Statements,
    pub delete: Statements,
}
