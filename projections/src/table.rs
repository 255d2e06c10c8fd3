//! Rows as structs, and the statements that load and write many of them at once.

use crate::db::{DbError, Tx};
use event_schemas::message::{ChannelType, ContentType, Delivery, Priority, SenderType, SlaMetric, Status};
use event_schemas::{
    AccountId, BotRuleId, CalendarId, CannedResponseId, ChannelId, ContactId, ContactIdentifierId,
    ConversationId, EventId, MessageId, Position, SlaPolicyId, TeamId, Timestamp, UserId, Version,
};
use quick_cache::unsync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Row as _};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use uuid::Uuid;

/// What is bound to a statement's parameters, in order.
#[derive(Default)]
pub struct Values(SqliteArguments);

impl Values {
    /// Binds the next parameter.
    pub fn put<T: Column>(&mut self, value: &T) -> &mut Self {
        value.put(self);
        self
    }
    pub fn with<T: Column>(mut self, value: &T) -> Self {
        value.put(&mut self);
        self
    }
    fn for_rows(count: usize) -> Self {
        let mut values = Self::default();
        values.0.reserve(count, 0);
        values
    }
    pub fn into_arguments(self) -> SqliteArguments {
        self.0
    }
    fn add<'t, T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(&mut self, value: T) {
        // Numbers, text and bytes always encode; only types this module does not use can refuse.
        let encoded = self.0.add(value);
        debug_assert!(encoded.is_ok());
    }
}

/// A value that a column can hold.
pub trait Column {
    fn put(&self, values: &mut Values);
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError>
    where
        Self: Sized;
}

/// A row that is read column by column, in the order of the select list.
pub struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
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

macro_rules! plain_columns {
    ($($type:ty),+) => {$(
        impl Column for $type {
            fn put(&self, values: &mut Values) {
                values.add(*self);
            }
            fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
                row.try_get(index)
            }
        }
    )+};
}
plain_columns!(i64, i32, u32, bool);

impl Column for String {
    fn put(&self, values: &mut Values) {
        values.add(self.as_str());
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        row.try_get(index)
    }
}

impl Column for Uuid {
    fn put(&self, values: &mut Values) {
        values.add(&self.as_bytes()[..]);
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        Uuid::from_slice(row.try_get::<&[u8], _>(index)?).map_err(|source| unreadable(index, source))
    }
}

macro_rules! id_columns {
    ($($id:ident),+) => {$(
        impl Column for $id {
            fn put(&self, values: &mut Values) {
                self.0.put(values);
            }
            fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
                Uuid::take(row, index).map($id)
            }
        }
    )+};
}
id_columns!(
    AccountId,
    BotRuleId,
    CalendarId,
    CannedResponseId,
    ChannelId,
    ContactId,
    ContactIdentifierId,
    ConversationId,
    EventId,
    MessageId,
    SlaPolicyId,
    TeamId,
    UserId
);

impl Column for Timestamp {
    fn put(&self, values: &mut Values) {
        values.add(self.as_micros());
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        row.try_get(index).map(Timestamp::from_micros)
    }
}

impl Column for Version {
    fn put(&self, values: &mut Values) {
        values.add(i64::try_from(self.0).unwrap_or(i64::MAX));
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        let version: i64 = row.try_get(index)?;
        u64::try_from(version).map(Version).map_err(|source| unreadable(index, source))
    }
}

/// Positions are opaque: a column holds one as it is written, to be shown and compared for equality.
impl Column for Position {
    fn put(&self, values: &mut Values) {
        values.add(self.to_string());
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        row.try_get::<&str, _>(index)?.parse().map_err(|source| unreadable(index, source))
    }
}

macro_rules! word_columns {
    ($($word:ident),+) => {$(
        impl Column for $word {
            fn put(&self, values: &mut Values) {
                values.add(self.as_str());
            }
            fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
                row.try_get::<&str, _>(index)?.parse().map_err(|source| unreadable(index, source))
            }
        }
    )+};
}
word_columns!(ChannelType, ContentType, Delivery, SenderType, Status);

/// Stored as its rank, so that an index sorts it as people mean it.
impl Column for Priority {
    fn put(&self, values: &mut Values) {
        values.add(self.rank());
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        let rank: i64 = row.try_get(index)?;
        let known = Priority::ALL.iter().copied().find(|priority| priority.rank() == rank);
        known.ok_or_else(|| unreadable(index, UnknownValue(rank.to_string())))
    }
}

impl Column for SlaMetric {
    fn put(&self, values: &mut Values) {
        values.add(self.as_str());
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        let word: &str = row.try_get(index)?;
        let known = SlaMetric::ALL.into_iter().find(|metric| metric.as_str() == word);
        known.ok_or_else(|| unreadable(index, UnknownValue(word.to_owned())))
    }
}

/// A stored value that none of the words of its column is.
#[derive(Debug, thiserror::Error)]
#[error("the value '{0}' is not known here")]
pub struct UnknownValue(pub String);

/// A value kept as JSON text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Json<T>(pub T);

impl<T: Serialize + DeserializeOwned> Column for Json<T> {
    fn put(&self, values: &mut Values) {
        let text = serde_json::to_string(&self.0);
        values.add(text.unwrap_or_else(|impossible| unreachable!("a row always serialises: {impossible}")));
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        serde_json::from_str(row.try_get(index)?).map(Json).map_err(|source| unreadable(index, source))
    }
}

impl<T: Column> Column for Option<T> {
    fn put(&self, values: &mut Values) {
        match self {
            Some(value) => value.put(values),
            None => values.add(None::<i64>),
        }
    }
    fn take(row: &SqliteRow, index: usize) -> Result<Self, DbError> {
        use sqlx::ValueRef;
        if row.try_get_raw(index)?.is_null() { Ok(None) } else { T::take(row, index).map(Some) }
    }
}

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
                $(self.$index.put(values);)+
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
    fn take(row: &SqliteRow) -> Result<Self, DbError>;
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
            fn take(row: &sqlx::sqlite::SqliteRow) -> Result<Self, $crate::db::DbError> {
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

/// `(?, ?), (?, ?)`. Parameters are numbered where SQL is written by hand; here they are left to their
/// order, because SQLite looks every numbered one up in a list, which is quadratic in a long statement.
fn groups(count: usize, width: usize) -> String {
    let group = format!("({})", vec!["?"; width].join(","));
    vec![group; count].join(",")
}

/// How many rows one statement carries: a few fixed sizes, so that each is prepared once.
const SIZES: [usize; 5] = [128, 32, 8, 2, 1];

/// The statements of a table, by how many rows they carry.
struct Statements {
    texts: [Arc<str>; SIZES.len()],
}

impl Statements {
    fn new(text: impl Fn(usize) -> String) -> Self {
        Self { texts: SIZES.map(|size| text(size).into()) }
    }
    /// The largest statement that `count` rows fill.
    fn pick(&self, count: usize) -> (usize, Arc<str>) {
        let fits = SIZES.iter().position(|size| *size <= count).unwrap_or(SIZES.len() - 1);
        (SIZES[fits], Arc::clone(&self.texts[fits]))
    }
    fn all<R: Row>() -> All {
        let (table, columns, key) = (R::TABLE, columns_of::<R>(), R::KEY.join(","));
        let key_group = if R::KEY.len() == 1 { key.clone() } else { format!("({key})") };
        let set = |names: &[&str]| {
            let names = names.iter().filter(|name| !R::KEY.contains(name));
            names.map(|name| format!("{name}=excluded.{name}")).collect::<Vec<_>>().join(",")
        };
        let insert =
            |count| format!("insert into {table} ({columns}) values {}", groups(count, R::COLUMNS.len()));
        let upsert = |names: &'static [&'static str]| {
            let set = set(names);
            let action = if set.is_empty() { "nothing".to_owned() } else { format!("update set {set}") };
            Statements::new(move |count| {
                format!("{} on conflict ({}) do {action}", insert(count), R::KEY.join(","))
            })
        };
        let keys = move |count: usize, verb: &str| {
            let values = if R::KEY.len() == 1 {
                vec!["?"; count].join(",")
            } else {
                // Both engines take a list of rows as a table; SQLite does not take one after `in`.
                format!("values {}", groups(count, R::KEY.len()))
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

struct All {
    insert: Statements,
    upsert: Statements,
    moving: Statements,
    load: Statements,
    delete: Statements,
}

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
    statements: All,
    page: HashMap<R::Key, Slot<R>>,
    cache: Cache<R::Key, Box<R>>,
}

impl<R: Row> Rows<R> {
    pub fn new(cached: usize) -> Self {
        Self { statements: Statements::all::<R>(), page: HashMap::new(), cache: Cache::new(cached.max(1)) }
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
        let mut rest = &missing[..];
        while !rest.is_empty() {
            let (size, text) = self.statements.load.pick(rest.len());
            let (these, others) = rest.split_at(size);
            rest = others;
            let mut values = Values::default();
            these.iter().for_each(|key| key.put(&mut values));
            let query = sqlx::query_with(AssertSqlSafe(text), values.into_arguments());
            for row in query.fetch_all(&mut **tx).await? {
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
            if slot.in_table && !R::MOVING.is_empty() {
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
        let (mut new, mut moved, mut rest, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (key, slot) in self.page.iter().filter(|(_, slot)| slot.changed) {
            match (slot.now.as_deref(), slot.in_table) {
                (Some(row), false) => new.push((key, row)),
                (Some(row), true) => match &slot.stored {
                    Some(stored) if row.stands_still(stored) => moved.push((key, row)),
                    _ => rest.push((key, row)),
                },
                (None, true) => gone.push(key),
                (None, false) => {}
            }
        }
        let written = new.len() + moved.len() + rest.len() + gone.len();
        write_rows(tx, &self.statements.insert, new).await?;
        write_rows(tx, &self.statements.moving, moved).await?;
        write_rows(tx, &self.statements.upsert, rest).await?;
        gone.sort_unstable();
        let mut gone = &gone[..];
        while !gone.is_empty() {
            let (size, text) = self.statements.delete.pick(gone.len());
            let (these, others) = gone.split_at(size);
            gone = others;
            let mut values = Values::default();
            these.iter().for_each(|key| key.put(&mut values));
            sqlx::query_with(AssertSqlSafe(text), values.into_arguments()).execute(&mut **tx).await?;
        }
        Ok(written)
    }

    /// The transaction is committed: what the page knew is true, and some of it stays at hand.
    pub fn keep(&mut self) {
        for (key, slot) in self.page.drain() {
            match slot.now {
                Some(row) => self.cache.insert(key, row),
                None => {
                    self.cache.remove(&key);
                }
            }
        }
    }

    /// The transaction was not committed, or somebody else wrote: nothing that is remembered counts.
    pub fn forget(&mut self) {
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
        let write = sqlx::query_with(AssertSqlSafe(text), values.into_arguments()).execute(&mut **tx);
        // The connection has a thread of its own: while it writes these, the next are made ready.
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
    let mut values = Values::for_rows(size * R::COLUMNS.len());
    these.iter().for_each(|(_, row)| row.put(&mut values));
    Some((text, values))
}
