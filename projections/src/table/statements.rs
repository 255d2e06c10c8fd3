//! The statements of a table: each written once, for a few fixed numbers of rows.

use super::{Row, columns_of};
use crate::db::Engine;
use std::sync::Arc;

/// How many rows one statement carries: a few fixed sizes, so that each is prepared once.
const SIZES: [usize; 5] = [128, 32, 8, 2, 1];

/// The statements of a table, by how many rows they carry.
pub(super) struct Statements {
    texts: [Arc<str>; SIZES.len()],
}

impl Statements {
    pub(super) fn new(text: impl Fn(usize) -> String) -> Self {
        Self { texts: SIZES.map(|size| text(size).into()) }
    }
    /// The largest statement that `count` rows fill.
    pub(super) fn pick(&self, count: usize) -> (usize, Arc<str>) {
        let fits = SIZES.iter().position(|size| *size <= count).unwrap_or(SIZES.len() - 1);
        (SIZES[fits], Arc::clone(&self.texts[fits]))
    }
    pub(super) fn all<R: Row>(engine: Engine) -> All {
        let (table, columns, key) = (R::TABLE, columns_of::<R>(), R::KEY.join(","));
        let key_group = if R::KEY.len() == 1 { key.clone() } else { format!("({key})") };
        let set = |names: &[&str]| {
            let names = names.iter().filter(|name| !R::KEY.contains(name));
            names.map(|name| format!("{name}=excluded.{name}")).collect::<Vec<_>>().join(",")
        };
        let insert = |count| {
            format!("insert into {table} ({columns}) values {}", engine.groups(count, R::COLUMNS.len()))
        };
        let upsert = |names: &'static [&'static str]| {
            let set = set(names);
            let action = if set.is_empty() { "nothing".to_owned() } else { format!("update set {set}") };
            Statements::new(move |count| {
                format!("{} on conflict ({}) do {action}", insert(count), R::KEY.join(","))
            })
        };
        let keys = move |count: usize, verb: &str| {
            let values = if R::KEY.len() == 1 {
                engine.list(0, count)
            } else {
                // Both engines take a list of rows as a table; SQLite does not take one after `in`.
                format!("values {}", engine.groups(count, R::KEY.len()))
            };
            format!("{verb} from {table} where {key_group} in ({values})")
        };
        let select = format!("select {columns}");
        All {
            insert: Statements::new(insert),
            upsert: upsert(R::COLUMNS),
            moving: upsert(R::MOVING),
            load: Statements::new(|count| keys(count, &select)),
            delete: Statements::new(|count| keys(count, "delete")),
        }
    }
}

pub(super) struct All {
    pub insert: Statements,
    pub upsert: Statements,
    pub moving: Statements,
    pub load: Statements,
    pub delete: Statements,
}
