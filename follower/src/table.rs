//! Rows as structs, and the statements that load and write many of them at once.

mod columns;
mod rows;
mod statements;

pub use crate::db::Values;
pub use columns::{Column, Columns, Json, UnknownValue};
pub use rows::Rows;

use crate::db::{DbError, DbRow};
use std::hash::Hash;

/// What names a row: one value or a few.
pub trait Key: Clone + Eq + Ord + Hash + Send + Sync + 'static {
    const WIDTH: usize;
    fn put(&self, values: &mut Values);
}

macro_rules! keys {
    ($($width:literal: $($part:ident $index:tt),+);+ $(;)?) => {$(
        impl<$($part: Column + Clone + Eq + Ord + Hash + Send + Sync + 'static),+> Key for ($($part,)+) {
            const WIDTH: usize = $width;
            fn put(&self, values: &mut Values) {
                $(values.put(&self.$index);)+
            }
        }
    )+};
}
keys! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
}

/// A row of a table. Declared with [`table!`](crate::table!).
pub trait Row: Clone + Send + Sync + 'static {
    type Key: Key;
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];
    const KEY: &'static [&'static str];
    fn key(&self) -> Self::Key;
    fn put(&self, values: &mut Values);
    fn take(row: &DbRow) -> Result<Self, DbError>;
    /// Of a row that was there before: whether all that a message does not move is as it was. Only rows
    /// with many indexes distinguish; see [`Row::MOVING`].
    fn stands_still(&self, _before: &Self) -> bool {
        false
    }
    /// The columns that may differ where [`Row::stands_still`]. SQLite rewrites every index that names a
    /// column of the `set` list, whether its value changed or not, so a short list saves most of them.
    const MOVING: &'static [&'static str] = &[];
}

/// Declares a table's row: `table! { pub struct TeamRow in "teams" key (id: TeamId) { … } }`, the fields of
/// the key first.
#[macro_export]
macro_rules! table {
    ($(#[$doc:meta])* pub struct $Row:ident in $table:literal
        key ($($key:ident: $Key:ty),+ $(,)?)
        { $($(#[$field_doc:meta])* $field:ident: $Field:ty),* $(,)? }
        $(moving ($($moving:ident),+ $(,)?) unless $still:expr)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Row {
            $(pub $key: $Key,)+
            $($(#[$field_doc])* pub $field: $Field,)*
        }
        impl $crate::table::Row for $Row {
            type Key = ($($Key,)+);
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($key),)+ $(stringify!($field)),*];
            const KEY: &'static [&'static str] = &[$(stringify!($key)),+];
            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }
            fn put(&self, values: &mut $crate::table::Values) {
                $(values.put(&self.$key);)+
                $(values.put(&self.$field);)*
            }
            fn take(row: &$crate::db::DbRow) -> Result<Self, $crate::db::DbError> {
                let mut columns = $crate::table::Columns::of(row);
                Ok(Self { $($key: columns.take()?,)+ $($field: columns.take()?,)* })
            }
            $(
                const MOVING: &'static [&'static str] = &[$(stringify!($moving)),+];
                fn stands_still(&self, before: &Self) -> bool {
                    let still: fn(&$Row, &$Row) -> bool = $still;
                    still(self, before)
                }
            )?
        }
    };
}

/// What a table looks like, for who compares two of them.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    pub key: &'static [&'static str],
}

impl Shape {
    pub const fn of<R: Row>() -> Self {
        Self { table: R::TABLE, columns: R::COLUMNS, key: R::KEY }
    }
}

/// The select list of a row.
pub fn columns_of<R: Row>() -> String {
    R::COLUMNS.join(", ")
}
