//! The values of a statement's parameters, for either engine.

use super::Engine;
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// A value, or null of a kind. PostgreSQL prepares a statement for the types of its first values, so a null needs a
/// type as well.
#[derive(Clone, Debug)]
pub enum Value {
    Number(i64),
    NoNumber,
    Flag(bool),
    NoFlag,
    Text(String),
    NoText,
    Id([u8; 16]),
    NoId,
}

impl Value {
    /// Text that both engines can store. PostgreSQL cannot store U+0000, which a customer can send: the tables have the
    /// replacement character instead, and the log keeps the original text.
    pub fn text(text: &str) -> Self {
        Self::Text(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() })
    }
}

/// Values in the order of the parameters. For statements with many rows they are in the order of the rows.
#[derive(Clone, Debug, Default)]
pub struct Values {
    all: Vec<Value>,
    /// The number of columns of the rows. `None` when each value is a parameter.
    width: Option<usize>,
}

impl Values {
    /// Values for this many rows, in the form that [`Engine::rows`] and [`Engine::among`] expect.
    pub fn for_rows(engine: Engine, rows: usize, width: usize) -> Self {
        let by_column = matches!(engine, Engine::Postgres);
        Self { all: Vec::with_capacity(rows * width), width: by_column.then_some(width) }
    }

    pub fn push(&mut self, value: Value) {
        self.all.push(value);
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.all.append(&mut others.all);
    }

    pub(super) fn for_sqlite(self) -> SqliteArguments {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(self.all.len(), 0);
        for value in self.all {
            // Numbers, text and bytes can always be encoded; only other types can fail.
            let encoded = match value {
                Value::Number(number) => arguments.add(number),
                Value::Flag(flag) => arguments.add(flag),
                Value::Text(text) => arguments.add(text),
                Value::Id(id) => arguments.add(id.to_vec()),
                Value::NoNumber | Value::NoFlag | Value::NoText | Value::NoId => arguments.add(None::<i64>),
            };
            debug_assert!(encoded.is_ok());
        }
        arguments
    }

    pub(super) fn for_postgres(self) -> PgArguments {
        let mut arguments = PgArguments::default();
        self.bind_postgres(&mut arguments);
        arguments
    }

    /// Adds the values to the bound arguments. Returns the number of parameters that they are.
    pub(super) fn bind_postgres(self, arguments: &mut PgArguments) -> usize {
        if let Some(width) = self.width {
            for array in arrays(self.all, width) {
                let encoded = match array {
                    Array::Numbers(numbers) => arguments.add(numbers),
                    Array::Flags(flags) => arguments.add(flags),
                    Array::Texts(texts) => arguments.add(texts),
                    Array::Ids(ids) => arguments.add(ids),
                };
                debug_assert!(encoded.is_ok());
            }
            return width;
        }
        let count = self.all.len();
        arguments.reserve(count, count * 16);
        for value in self.all {
            let encoded = match value {
                Value::Number(number) => arguments.add(number),
                Value::NoNumber => arguments.add(None::<i64>),
                Value::Flag(flag) => arguments.add(flag),
                Value::NoFlag => arguments.add(None::<bool>),
                Value::Text(text) => arguments.add(text),
                Value::NoText => arguments.add(None::<String>),
                Value::Id(id) => arguments.add(&id[..]),
                Value::NoId => arguments.add(None::<Vec<u8>>),
            };
            debug_assert!(encoded.is_ok());
        }
        count
    }
}

/// A column of several rows.
enum Array {
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Ids(Vec<Option<Vec<u8>>>),
}

impl Array {
    /// An empty column for values of the same kind.
    fn of(value: &Value, rows: usize) -> Self {
        match value {
            Value::Number(_) | Value::NoNumber => Self::Numbers(Vec::with_capacity(rows)),
            Value::Flag(_) | Value::NoFlag => Self::Flags(Vec::with_capacity(rows)),
            Value::Text(_) | Value::NoText => Self::Texts(Vec::with_capacity(rows)),
            Value::Id(_) | Value::NoId => Self::Ids(Vec::with_capacity(rows)),
        }
    }

    /// Adds a value. All values of a column have one kind, because a row's fields have types.
    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Numbers(numbers), Value::Number(number)) => numbers.push(Some(number)),
            (Self::Numbers(numbers), _) => numbers.push(None),
            (Self::Flags(flags), Value::Flag(flag)) => flags.push(Some(flag)),
            (Self::Flags(flags), _) => flags.push(None),
            (Self::Texts(texts), Value::Text(text)) => texts.push(Some(text)),
            (Self::Texts(texts), _) => texts.push(None),
            (Self::Ids(ids), Value::Id(id)) => ids.push(Some(id.to_vec())),
            (Self::Ids(ids), _) => ids.push(None),
        }
    }
}

/// Turns rows into columns.
fn arrays(values: Vec<Value>, width: usize) -> Vec<Array> {
    let rows = values.len() / width.max(1);
    let mut arrays: Vec<Array> = values.iter().take(width).map(|value| Array::of(value, rows)).collect();
    for (index, value) in values.into_iter().enumerate() {
        arrays[index % width].push(value);
    }
    arrays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_an_array_for_each_column() {
        let mut values = Values::for_rows(Engine::Postgres, 2, 2);
        for value in [Value::NoNumber, Value::text("a"), Value::Number(7), Value::NoText] {
            values.push(value);
        }
        let [Array::Numbers(numbers), Array::Texts(texts)] = &arrays(values.all, 2)[..] else {
            panic!("a column of numbers and one of texts")
        };
        assert_eq!(numbers, &[None, Some(7)]);
        assert_eq!(texts, &[Some("a".to_owned()), None]);
    }

    #[test]
    fn text_has_no_character_that_an_engine_cannot_store() {
        let Value::Text(text) = Value::text("a\0b") else { panic!("text stays text") };
        assert_eq!(text, "a\u{fffd}b");
    }
}
