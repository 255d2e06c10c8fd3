//! A row of a result, from either engine.

use super::DbError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, TypeInfo, ValueRef};

/// A row whose columns are read by their index in the select list.
pub enum DbRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for DbRow {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<PgRow> for DbRow {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

impl DbRow {
    pub fn len(&self) -> usize {
        match self {
            Self::Sqlite(row) => row.len(),
            Self::Postgres(row) => row.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_null(&self, index: usize) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(row) => Ok(row.try_get_raw(index)?.is_null()),
            Self::Postgres(row) => Ok(row.try_get_raw(index)?.is_null()),
        }
    }

    /// An integer. Its column may have any width.
    pub fn number(&self, index: usize) -> Result<i64, DbError> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get_unchecked(index),
        }
    }

    pub fn flag(&self, index: usize) -> Result<bool, DbError> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }

    pub fn text(&self, index: usize) -> Result<&str, DbError> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }

    pub fn bytes(&self, index: usize) -> Result<&[u8], DbError> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }

    /// The kind of the value itself, which in SQLite may differ from the type of the column.
    pub fn kind(&self, index: usize) -> Result<Kind, DbError> {
        let (name, null) = match self {
            Self::Sqlite(row) => {
                let value = row.try_get_raw(index)?;
                (value.type_info().name().to_owned(), value.is_null())
            }
            Self::Postgres(row) => {
                let value = row.try_get_raw(index)?;
                (value.type_info().name().to_owned(), value.is_null())
            }
        };
        Ok(match &*name {
            _ if null => Kind::Null,
            "TEXT" => Kind::Text,
            "BLOB" | "BYTEA" => Kind::Bytes,
            "BOOL" => Kind::Flag,
            _number => Kind::Number,
        })
    }
}

/// The kinds of stored values. SQLite stores flags as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Number,
    Flag,
    Text,
    Bytes,
}
