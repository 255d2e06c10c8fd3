//! Parameters of queries.

use event_schemas::AccountId;
use projections::queries::{Cursor, InvalidLimit, Limit, Page};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use std::str::FromStr;

/// The page of a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// Between 1 and 200. The default is 50.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    pub cursor: Option<Cursor>,
}

impl Paging {
    pub fn of(&self, account: AccountId) -> Page {
        Page { account, limit: self.limit, after: self.cursor }
    }
}

/// The `limit` parameter.
pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.parse::<usize>().map_err(|_| InvalidLimit);
    number.and_then(Limit::new).map_err(de::Error::custom)
}

/// A parameter whose text is parsed by `FromStr`.
pub fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse()).transpose().map_err(de::Error::custom)
}

/// A parameter with several words, separated by commas.
pub fn comma_separated<'de, D: Deserializer<'de>, T: FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::parse).collect::<Result<_, _>>().map_err(de::Error::custom)
}
