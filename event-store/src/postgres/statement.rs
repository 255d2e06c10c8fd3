//! A statement and its values, sent to the server by one of two protocols.
//!
//! On a direct connection a statement is prepared once and then executed by name. Behind a pooler each
//! transaction may use another connection of the server, so statements cannot be prepared: there the values are
//! written into the statement's text. Both take one round trip.

use futures::stream::BoxStream;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, PgConnection};
use std::fmt::Write;
use uuid::Uuid;

/// A value of a statement.
pub enum Value<'a> {
    Number(i64),
    Text(&'a str),
    Id(Uuid),
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
    Texts(Vec<&'a str>),
    Ids(Vec<Uuid>),
}

/// How statements are sent over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The extended query protocol, with prepared statements.
    Prepared,
    /// The simple query protocol, with the values in the text.
    Simple,
}

/// A statement with `$1`, `$2`, … in place of its values. It must contain no other `$`.
pub struct Statement<'a> {
    sql: &'static str,
    values: Vec<Value<'a>>,
}

impl<'a> Statement<'a> {
    pub fn new(sql: &'static str) -> Self {
        Self { sql, values: Vec::new() }
    }

    pub fn with(mut self, value: Value<'a>) -> Self {
        self.values.push(value);
        self
    }

    pub fn rows<'c>(
        &self,
        connection: &'c mut PgConnection,
        protocol: Protocol,
    ) -> Result<BoxStream<'c, Result<PgRow, sqlx::Error>>, sqlx::Error> {
        Ok(match protocol {
            Protocol::Prepared => sqlx::query_with(self.sql, self.arguments()?).fetch(connection),
            Protocol::Simple => sqlx::raw_sql(AssertSqlSafe(self.text())).fetch(connection),
        })
    }

    fn arguments(&self) -> Result<PgArguments, sqlx::Error> {
        let mut arguments = PgArguments::default();
        for value in &self.values {
            match value {
                Value::Number(number) => arguments.add(number),
                Value::Text(text) => arguments.add(text),
                Value::Id(id) => arguments.add(id),
                Value::Numbers(numbers) => arguments.add(numbers),
                Value::Flags(flags) => arguments.add(flags),
                Value::Texts(texts) => arguments.add(texts),
                Value::Ids(ids) => arguments.add(ids),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    /// The statement's text with the values written into it.
    fn text(&self) -> String {
        let mut text = String::with_capacity(self.sql.len() * 2);
        let mut parts = self.sql.split('$');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = part[..digits].parse().unwrap_or_default();
            if let Some(value) = number.checked_sub(1).and_then(|index| self.values.get(index)) {
                value.write(&mut text);
            }
            text.push_str(&part[digits..]);
        }
        text
    }
}

impl Value<'_> {
    fn write(&self, text: &mut String) {
        match self {
            Value::Number(number) => write_number(text, *number),
            Value::Text(value) => write_text(text, value),
            Value::Id(id) => write_id(text, *id),
            Value::Numbers(numbers) => write_array(text, numbers, "bigint", |text, n| write_number(text, *n)),
            Value::Flags(flags) => write_array(text, flags, "boolean", |text, flag| {
                text.push_str(if *flag { "true" } else { "false" });
            }),
            Value::Texts(texts) => write_array(text, texts, "text", |text, value| write_text(text, value)),
            Value::Ids(ids) => write_array(text, ids, "uuid", |text, id| write_id(text, *id)),
        }
    }
}

fn write_array<T>(text: &mut String, values: &[T], kind: &str, write: impl Fn(&mut String, &T)) {
    text.push_str("array[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, value);
    }
    text.push_str("]::");
    text.push_str(kind);
    text.push_str("[]");
}

fn write_number(text: &mut String, number: i64) {
    // In quotes, because the smallest number is out of range when the sign is an operator before it.
    let _never_fails = write!(text, "'{number}'::bigint");
}

fn write_id(text: &mut String, id: Uuid) {
    let _never_fails = write!(text, "'{id}'::uuid");
}

/// Quoted so that no character ends the quotation, whether or not the server treats a backslash as an escape.
fn write_text(text: &mut String, value: &str) {
    text.push_str(if value.contains('\\') { "E'" } else { "'" });
    for part in value.split_inclusive(['\'', '\\']) {
        text.push_str(part);
        match part.as_bytes().last() {
            Some(b'\'') => text.push('\''),
            Some(b'\\') => text.push('\\'),
            _ => {}
        }
    }
    text.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_where_they_belong_and_stay_what_they_are() {
        let statement = Statement::new("select $2, $1 from t where a = any($3) and b = $10$4")
            .with(Value::Text("it's \\ '' $1 \\' ; --"))
            .with(Value::Number(i64::MIN))
            .with(Value::Texts(vec!["a", "'"]))
            .with(Value::Flags(vec![]));
        assert_eq!(
            statement.text(),
            "select '-9223372036854775808'::bigint, E'it''s \\\\ '''' $1 \\\\'' ; --' from t \
             where a = any(array['a','''']::text[]) and b = array[]::boolean[]"
        );
    }
}
