//! The secrets of links and cookies. Only their hashes are in the log.
//!
//! A secret is 32 random bytes, so its hash needs no salt and tells nothing of the secret. The ids of
//! the streams in which it is decided are in front of it.

use super::PeopleError;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::catalogue::Secret;
use event_schemas::{AccountId, UserId};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

const SECRET: usize = 32;

/// The secret in the link of an invitation.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationLink {
    pub account: AccountId,
    pub user: UserId,
    secret: [u8; SECRET],
}

/// The secret in a link that signs a person in, or in the cookie of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonLink {
    pub user: UserId,
    secret: [u8; SECRET],
}

fn hash_of(purpose: &str, secret: &[u8; SECRET]) -> Secret {
    let hash = digest(&SHA256, &[purpose.as_bytes(), b"\n", secret].concat());
    Secret(BASE64_URL_SAFE_NO_PAD.encode(hash))
}

impl InvitationLink {
    pub fn new(account: AccountId, user: UserId, secret: [u8; SECRET]) -> Self {
        Self { account, user, secret }
    }

    pub fn hash(&self) -> Secret {
        hash_of("invitation", &self.secret)
    }
}

impl PersonLink {
    pub fn new(user: UserId, secret: [u8; SECRET]) -> Self {
        Self { user, secret }
    }

    pub fn hash(&self) -> Secret {
        hash_of("person", &self.secret)
    }
}

impl fmt::Display for InvitationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.account.0.as_bytes()[..], self.user.0.as_bytes(), &self.secret].concat();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Display for PersonLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.user.0.as_bytes()[..], &self.secret].concat();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for InvitationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvitationLink({}, {}, …)", self.account, self.user)
    }
}

impl fmt::Debug for PersonLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonLink({}, …)", self.user)
    }
}

/// The ids and the secret that a text has.
fn parts<const IDS: usize>(text: &str) -> Option<([Uuid; IDS], [u8; SECRET])> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (ids, secret) = bytes.split_last_chunk::<SECRET>()?;
    let ids: Vec<_> = ids.chunks(16).map(Uuid::from_slice).collect::<Result<_, _>>().ok()?;
    Some((ids.try_into().ok()?, *secret))
}

impl FromStr for InvitationLink {
    type Err = PeopleError;
    fn from_str(text: &str) -> Result<Self, PeopleError> {
        let ([account, user], secret) = parts(text).ok_or(PeopleError::NoLink)?;
        Ok(Self { account: account.into(), user: user.into(), secret })
    }
}

impl FromStr for PersonLink {
    type Err = PeopleError;
    fn from_str(text: &str) -> Result<Self, PeopleError> {
        let ([user], secret) = parts(text).ok_or(PeopleError::NoLink)?;
        Ok(Self { user: user.into(), secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: AccountId = AccountId::from_u128(1);
    const ANA: UserId = UserId::from_u128(2);

    #[test]
    fn links_are_read_as_they_were_written() {
        let invitation = InvitationLink::new(ACME, ANA, [7; SECRET]);
        assert_eq!(invitation.to_string().parse::<InvitationLink>().unwrap(), invitation);
        let person = PersonLink::new(ANA, [7; SECRET]);
        assert_eq!(person.to_string().parse::<PersonLink>().unwrap(), person);
        assert_ne!(invitation.hash(), person.hash());
    }

    #[test]
    fn other_texts_are_no_links() {
        let person = PersonLink::new(ANA, [7; SECRET]).to_string();
        for text in ["", "a", "not a link", &person[1..], &format!("{person}AAAA"), &person[..40]] {
            assert!(text.parse::<PersonLink>().is_err(), "{text}");
            assert!(text.parse::<InvitationLink>().is_err(), "{text}");
        }
        assert!(person.parse::<InvitationLink>().is_err());
    }

    #[test]
    fn no_secret_is_in_a_debug_text() {
        let link = PersonLink::new(ANA, [7; SECRET]);
        assert!(!format!("{link:?}").contains(&link.to_string()[24..]));
        assert!(!format!("{link:?}").contains("7, 7"));
    }
}
