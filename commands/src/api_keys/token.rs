//! The text of an API key: `vbt_` and 91 letters of URL-safe Base64. They hold the account and the id of the key, so that
//! it is found without a table, a secret of 32 random bytes, and a CRC-32 by which scanners of source code recognise a
//! key, and by which one that was copied in part is refused without a look at the log.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::catalogue::Secret;
use event_schemas::{AccountId, ApiKeyId};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

const PREFIX: &str = "vbt_";
const SECRET: usize = 32;

/// An API key with its secret. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyToken {
    pub account: AccountId,
    pub id: ApiKeyId,
    secret: [u8; SECRET],
}

/// The text is no API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no API key, or only a part of one")]
pub struct NotAnApiKey;

impl ApiKeyToken {
    pub fn new(account: AccountId, id: ApiKeyId, secret: [u8; SECRET]) -> Self {
        Self { account, id, secret }
    }

    /// SHA-256 of the whole key. The secret is random, so it needs no salt.
    pub fn hash(&self) -> Secret {
        let hash = digest(&SHA256, self.to_string().as_bytes());
        Secret(BASE64_URL_SAFE_NO_PAD.encode(hash))
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32fast::hash(bytes).to_be_bytes()
}

impl fmt::Display for ApiKeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [&self.account.0.as_bytes()[..], self.id.0.as_bytes(), &self.secret].concat();
        bytes.extend(checksum(&bytes));
        write!(f, "{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for ApiKeyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyToken({}, {}, …)", self.account, self.id)
    }
}

impl FromStr for ApiKeyToken {
    type Err = NotAnApiKey;

    fn from_str(text: &str) -> Result<Self, NotAnApiKey> {
        read(text).ok_or(NotAnApiKey)
    }
}

fn read(text: &str) -> Option<ApiKeyToken> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let (bytes, sum) = bytes.split_last_chunk::<4>()?;
    if checksum(bytes) != *sum {
        return None;
    }
    let (ids, secret) = bytes.split_last_chunk::<SECRET>()?;
    let (account, id) = ids.split_at_checked(16)?;
    let (account, id) = (Uuid::from_slice(account).ok()?, Uuid::from_slice(id).ok()?);
    Some(ApiKeyToken { account: account.into(), id: id.into(), secret: *secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> ApiKeyToken {
        ApiKeyToken::new(AccountId::from_u128(1), ApiKeyId::from_u128(2), [7; SECRET])
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let text = token().to_string();
        assert!(text.starts_with("vbt_") && text.len() == 95, "{text}");
        assert_eq!(text.parse(), Ok(token()));
    }

    #[test]
    fn a_key_with_another_letter_or_less_is_none() {
        let text = token().to_string();
        for index in 0..text.len() {
            let other = if text.as_bytes()[index] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..index], &text[index + 1..]);
            assert!(changed.parse::<ApiKeyToken>().is_err(), "{changed}");
            assert!(text[..index].parse::<ApiKeyToken>().is_err(), "{index}");
        }
        assert!(format!("{text}A").parse::<ApiKeyToken>().is_err());
    }

    #[test]
    fn no_secret_is_in_a_debug_text() {
        let shown = format!("{:?}", token());
        assert!(!shown.contains("7, 7") && !shown.contains(&token().to_string()[50..]), "{shown}");
    }
}
