//! What is bound to a statement's parameters, whichever engine it is for.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// One value, or the absence of one of its kind: PostgreSQL prepares a statement for the kinds it is first
/// given, so that "nothing" must say what it is nothing of.
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
    /// Text as both engines hold it. PostgreSQL's text cannot hold U+0000, which a customer can send all the
    /// same; the tables show the replacement character in its place, and the log keeps what was sent.
    pub fn text(text: &str) -> Self {
        Self::Text(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() })
    }
}

/// Values in the order of the parameters.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<Value>);

impl Values {
    pub(crate) fn for_rows(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    pub(crate) fn push(&mut self, value: Value) {
        self.0.push(value);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn for_sqlite(self) -> SqliteArguments {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(self.0.len(), 0);
        for value in self.0 {
            // Numbers, text and bytes always encode; only types not used here can refuse.
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
        arguments.reserve(self.0.len(), self.0.len() * 16);
        for value in self.0 {
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
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_holds_what_one_of_the_engines_could_not() {
        let Value::Text(text) = Value::text("a\0b") else { panic!("text stays text") };
        assert_eq!(text, "a\u{fffd}b");
    }
}
