//! The keys that seal texts: ChaCha20-Poly1305 (RFC 8439), with a random nonce for each text.
//!
//! A sealed text is bound to its place: it cannot be opened in another place, or when one character of it was changed.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use event_schemas::catalogue::Secret;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::str::FromStr;

/// The version of the sealed form.
const VERSION: &str = "1";

/// A key that seals credentials: 32 random bytes, written as Base64.
#[derive(Clone)]
pub struct CredentialsKey {
    /// Sealed texts name their key by it. It is derived from the key and does not tell it.
    id: String,
    cipher: LessSafeKey,
}

/// The text is not a key. The text is not part of the error, because it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 32 bytes in Base64, as `openssl rand -base64 32` makes them")]
pub struct BadKey;

impl CredentialsKey {
    /// The bytes of a key.
    pub const BYTES: usize = 32;

    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        let hash = digest(&SHA256, &[b"id of a key of credentials\n", &bytes[..]].concat());
        let id = hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let Ok(key) = UnboundKey::new(&CHACHA20_POLY1305, bytes) else {
            unreachable!("a key of the cipher has 32 bytes")
        };
        Self { id, cipher: LessSafeKey::new(key) }
    }

    /// The form in which a key is configured.
    pub fn encode(bytes: &[u8; Self::BYTES]) -> String {
        BASE64_STANDARD.encode(bytes)
    }

    /// The name that sealed texts have of it: eight hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl FromStr for CredentialsKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| BadKey)?;
        Ok(Self::new(&bytes.try_into().map_err(|_| BadKey)?))
    }
}

impl fmt::Debug for CredentialsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsKey({})", self.id)
    }
}

/// Why a sealed text cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The key is not among those of this process.
    #[error("it was sealed with the key {0}, which this process does not have")]
    UnknownKey(String),
    /// It was changed, or sealed for another place.
    #[error("it was changed, or copied from another item")]
    NotForThisPlace,
    #[error("its form is unknown: a newer version may have sealed it")]
    UnknownForm,
}

/// The keys of this process: the first seals, all of them open.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: Vec<CredentialsKey>,
}

impl FromIterator<CredentialsKey> for KeyRing {
    fn from_iter<I: IntoIterator<Item = CredentialsKey>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect() }
    }
}

impl KeyRing {
    /// Without a key nothing is sealed.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The text sealed for this place. `None` when there is no key. A nonce is used once.
    pub(crate) fn seal(&self, text: &str, place: &str, nonce: [u8; NONCE_LEN]) -> Option<String> {
        let key = self.keys.first()?;
        let mut sealed = text.as_bytes().to_vec();
        let for_cipher = Nonce::assume_unique_for_key(nonce);
        if key.cipher.seal_in_place_append_tag(for_cipher, Aad::from(place), &mut sealed).is_err() {
            unreachable!("the cipher takes texts of up to 256 GB")
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat());
        Some(format!("{}{VERSION}:{}:{sealed}", Secret::SEALED, key.id))
    }

    /// The text that was sealed for this place.
    pub(crate) fn open(&self, sealed: &str, place: &str) -> Result<String, OpenError> {
        let (id, encoded) = parts(sealed).ok_or(OpenError::UnknownForm)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| OpenError::NotForThisPlace)?;
        let mut error = OpenError::UnknownKey(id.to_owned());
        for key in self.keys.iter().filter(|key| key.id == id) {
            error = OpenError::NotForThisPlace;
            let Some((nonce, text)) = bytes.split_first_chunk::<NONCE_LEN>() else { break };
            let (nonce, mut text) = (Nonce::assume_unique_for_key(*nonce), text.to_vec());
            if let Ok(text) = key.cipher.open_in_place(nonce, Aad::from(place), &mut text) {
                return String::from_utf8(text.to_vec()).map_err(|_| OpenError::NotForThisPlace);
            }
        }
        Err(error)
    }

    /// Whether the key that seals today has sealed this text.
    pub(super) fn is_newest(&self, sealed: &str) -> bool {
        self.keys.first().is_some_and(|key| parts(sealed).is_some_and(|(id, _)| id == key.id))
    }
}

/// The id of the key and the encoded rest of a sealed text.
fn parts(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix(Secret::SEALED)?.strip_prefix(VERSION)?.strip_prefix(':')?.split_once(':')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NONCE: [u8; NONCE_LEN] = [7; NONCE_LEN];

    fn ring(keys: &[u8]) -> KeyRing {
        keys.iter().map(|byte| CredentialsKey::new(&[*byte; 32])).collect()
    }

    #[test]
    fn a_sealed_text_is_opened_in_its_place_and_in_no_other() {
        let sealed = ring(&[1]).seal("EAAJB", "here", NONCE).unwrap();
        assert!(sealed.starts_with("sealed:1:") && !sealed.contains("EAAJB"), "{sealed}");
        assert_eq!(ring(&[1]).open(&sealed, "here").unwrap(), "EAAJB");
        assert_eq!(ring(&[1]).open(&sealed, "there"), Err(OpenError::NotForThisPlace));
    }

    #[test]
    fn a_changed_text_is_not_opened() {
        let sealed = ring(&[1]).seal("EAAJB", "here", NONCE).unwrap();
        for index in "sealed:1:".len()..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[index] = if changed[index] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(ring(&[1]).open(&changed, "here").is_err(), "{index}");
        }
        for (other, error) in [("sealed:2:x", OpenError::UnknownForm), ("sealed:", OpenError::UnknownForm)] {
            assert_eq!(ring(&[1]).open(other, "here"), Err(error));
        }
        let id = ring(&[1]).keys[0].id.clone();
        for short in ["", "AA", "AAAAAAAAAAAAAAAA"] {
            let short = format!("sealed:1:{id}:{short}");
            assert_eq!(ring(&[1]).open(&short, "here"), Err(OpenError::NotForThisPlace));
        }
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = ring(&[1]).seal("EAAJB", "here", NONCE).unwrap();
        let rotated = ring(&[2, 1]);
        assert_eq!(rotated.open(&old, "here").unwrap(), "EAAJB");
        assert!(!rotated.is_newest(&old));
        let new = rotated.seal("EAAJB", "here", NONCE).unwrap();
        assert!(rotated.is_newest(&new));
        assert_eq!(ring(&[2]).open(&new, "here").unwrap(), "EAAJB");
        let id = ring(&[1]).keys[0].id.clone();
        assert_eq!(ring(&[2]).open(&old, "here"), Err(OpenError::UnknownKey(id)));
        assert_eq!(ring(&[]).seal("EAAJB", "here", NONCE), None);
    }

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        let text = CredentialsKey::encode(&[9; 32]);
        assert_eq!(text.parse::<CredentialsKey>().unwrap().id, CredentialsKey::new(&[9; 32]).id);
        assert!(format!("{text}\n").parse::<CredentialsKey>().is_ok(), "as a file has it");
        let short = BASE64_STANDARD.encode([9; 31]);
        for bad in ["", "a password", &short] {
            let error = bad.parse::<CredentialsKey>().unwrap_err();
            assert!(bad.is_empty() || !error.to_string().contains(bad));
        }
        assert!(!format!("{:?}", CredentialsKey::new(&[9; 32])).contains("9, 9"));
    }
}
