//! The types of columns, and how each is written and read.

use crate::db::{DbError, DbRow, Value, Values};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{HoldReason, IfWritten};
use event_schemas::message::{ChannelType, ContentType, Delivery, Priority, SenderType, SlaMetric, Status};
use event_schemas::{Position, Timestamp, Version};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

impl Values {
    /// Binds the next parameter.
    pub fn put<T: Column>(&mut self, value: &T) -> &mut Self {
        self.push(value.value());
        self
    }
    pub fn with<T: Column>(mut self, value: &T) -> Self {
        self.push(value.value());
        self
    }
}

/// A value that can be stored in a column.
pub trait Column {
    /// The null of this type.
    const NOTHING: Value;
    fn value(&self) -> Value;
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError>
    where
        Self: Sized;
}

/// A row that is read column by column, in the order of the select list.
pub struct Columns<'r> {
    row: &'r DbRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub fn of(row: &'r DbRow) -> Self {
        Self { row, next: 0 }
    }
    /// Reads from the column after the first `columns`.
    pub fn after(row: &'r DbRow, columns: usize) -> Self {
        Self { row, next: columns }
    }
    pub fn take<T: Column>(&mut self) -> Result<T, DbError> {
        let index = self.next;
        self.next += 1;
        T::take(self.row, index)
    }
}

fn unreadable(index: usize, source: impl std::error::Error + Send + Sync + 'static) -> DbError {
    DbError::ColumnDecode { index: index.to_string(), source: Box::new(source) }
}

impl Column for i64 {
    const NOTHING: Value = Value::NoNumber;
    fn value(&self) -> Value {
        Value::Number(*self)
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        row.number(index)
    }
}

macro_rules! small_number_columns {
    ($($type:ty),+) => {$(
        impl Column for $type {
            const NOTHING: Value = Value::NoNumber;
            fn value(&self) -> Value {
                Value::Number(i64::from(*self))
            }
            fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
                row.number(index)?.try_into().map_err(|source| unreadable(index, source))
            }
        }
    )+};
}
small_number_columns!(i32, u32);

impl Column for bool {
    const NOTHING: Value = Value::NoFlag;
    fn value(&self) -> Value {
        Value::Flag(*self)
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        row.flag(index)
    }
}

impl Column for String {
    const NOTHING: Value = Value::NoText;
    fn value(&self) -> Value {
        Value::text(self)
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        row.text(index).map(str::to_owned)
    }
}

impl Column for Uuid {
    const NOTHING: Value = Value::NoId;
    fn value(&self) -> Value {
        Value::Id(*self.as_bytes())
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        Uuid::from_slice(row.bytes(index)?).map_err(|source| unreadable(index, source))
    }
}

macro_rules! id_columns {
    ($($id:ident),+) => {$(
        impl Column for event_schemas::$id {
            const NOTHING: Value = Value::NoId;
            fn value(&self) -> Value {
                self.0.value()
            }
            fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
                Uuid::take(row, index).map(Self)
            }
        }
    )+};
}
event_schemas::for_each_id!(id_columns);
event_schemas::for_each_item_id!(id_columns);

impl Column for Timestamp {
    const NOTHING: Value = Value::NoNumber;
    fn value(&self) -> Value {
        Value::Number(self.as_micros())
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        row.number(index).map(Timestamp::from_micros)
    }
}

impl Column for Version {
    const NOTHING: Value = Value::NoNumber;
    fn value(&self) -> Value {
        Value::Number(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        u64::try_from(row.number(index)?).map(Version).map_err(|source| unreadable(index, source))
    }
}

/// Positions are opaque: a column has the text of one, which can be shown and compared for equality.
impl Column for Position {
    const NOTHING: Value = Value::NoText;
    fn value(&self) -> Value {
        Value::Text(self.to_string())
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        row.text(index)?.parse().map_err(|source| unreadable(index, source))
    }
}

macro_rules! word_columns {
    ($($word:ident),+) => {$(
        impl Column for $word {
            const NOTHING: Value = Value::NoText;
            fn value(&self) -> Value {
                Value::Text(self.as_str().to_owned())
            }
            fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
                row.text(index)?.parse().map_err(|source| unreadable(index, source))
            }
        }
    )+};
}
word_columns!(CatalogueKind, ChannelType, ContentType, Delivery, HoldReason, IfWritten, SenderType, Status);

/// Stored as its rank, so that an index sorts priorities from low to high.
impl Column for Priority {
    const NOTHING: Value = Value::NoNumber;
    fn value(&self) -> Value {
        Value::Number(self.rank())
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        let rank = row.number(index)?;
        let known = Priority::ALL.iter().copied().find(|priority| priority.rank() == rank);
        known.ok_or_else(|| unreadable(index, UnknownValue(rank.to_string())))
    }
}

impl Column for SlaMetric {
    const NOTHING: Value = Value::NoText;
    fn value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        let word = row.text(index)?;
        let known = SlaMetric::ALL.into_iter().find(|metric| metric.as_str() == word);
        known.ok_or_else(|| unreadable(index, UnknownValue(word.to_owned())))
    }
}

/// A stored word that is not one of its column's words.
#[derive(Debug, thiserror::Error)]
#[error("the value '{0}' is not known here")]
pub struct UnknownValue(pub String);

/// A value stored as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Column for Json<T> {
    const NOTHING: Value = Value::NoText;
    fn value(&self) -> Value {
        let text = serde_json::to_string(&self.0);
        // JSON escapes U+0000, so both engines can store this text.
        Value::Text(text.unwrap_or_else(|impossible| unreachable!("a row always serialises: {impossible}")))
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        serde_json::from_str(row.text(index)?).map(Json).map_err(|source| unreadable(index, source))
    }
}

impl<T: Column> Column for Option<T> {
    const NOTHING: Value = T::NOTHING;
    fn value(&self) -> Value {
        self.as_ref().map_or(T::NOTHING, T::value)
    }
    fn take(row: &DbRow, index: usize) -> Result<Self, DbError> {
        if row.is_null(index)? { Ok(None) } else { T::take(row, index).map(Some) }
    }
}
