//! Rows as structs, and the statements that load and write many of them at once.

mod columns;
mod rows;
mod statements;

pub use crate::db::Values;
pub use columns::{Column, Columns, Json, UnknownValue};
pub use rows::Rows;

use crate::db::{DbError, DbRow};
use std::hash::Hash;

/// The key of a row: one to four values.
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
    fn take(row: &DbRow) -> Result<Self, DbError> {
        Self::take_at(row, 0)
    }
    /// Reads a row whose columns follow this many others.
    fn take_at(row: &DbRow, first: usize) -> Result<Self, DbError>;
    /// Whether only volatile columns differ from the row as it was stored before.
    fn only_volatile_differ(&self, before: &Self) -> bool;
    /// The columns that change often, in a row with many indexes on its other columns. SQLite rewrites every index on a
    /// column of the `set` list even when the value is the same, so a short list saves most of that work.
    const VOLATILE: &'static [&'static str];
}

/// Declares a table's row, the fields of the key first and columns that change often last:
/// `table! { pub struct TeamRow in "teams" key (id: TeamId) { … } volatile { … } }`
#[macro_export]
macro_rules! table {
    ($(#[$doc:meta])* pub struct $Row:ident in $table:literal
        key ($($(#[$key_doc:meta])* $key:ident: $Key:ty),+ $(,)?)
        { $($(#[$field_doc:meta])* $field:ident: $Field:ty),* $(,)? }
        $(volatile { $($(#[$volatile_doc:meta])* $volatile:ident: $Volatile:ty),+ $(,)? })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Row {
            $($(#[$key_doc])* pub $key: $Key,)+
            $($(#[$field_doc])* pub $field: $Field,)*
            $($($(#[$volatile_doc])* pub $volatile: $Volatile,)+)?
        }
        impl $crate::table::Row for $Row {
            type Key = ($($Key,)+);
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] =
                &[$(stringify!($key),)+ $(stringify!($field),)* $($(stringify!($volatile),)+)?];
            const KEY: &'static [&'static str] = &[$(stringify!($key)),+];
            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }
            fn put(&self, values: &mut $crate::table::Values) {
                $(values.put(&self.$key);)+
                $(values.put(&self.$field);)*
                $($(values.put(&self.$volatile);)+)?
            }
            fn take_at(row: &$crate::db::DbRow, first: usize) -> Result<Self, $crate::db::DbError> {
                let mut columns = $crate::table::Columns::after(row, first);
                Ok(Self {
                    $($key: columns.take()?,)+
                    $($field: columns.take()?,)*
                    $($($volatile: columns.take()?,)+)?
                })
            }
            const VOLATILE: &'static [&'static str] = &[$($(stringify!($volatile)),+)?];
            #[allow(unused_variables, reason = "a table may have no columns but those of its key")]
            fn only_volatile_differ(&self, before: &Self) -> bool {
                true $(&& self.$field == before.$field)*
            }
        }
    };
}

/// The columns and the key of a table, for comparing two tables.
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
