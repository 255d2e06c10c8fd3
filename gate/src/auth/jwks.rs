//! The public keys that tokens are signed with, from a JSON Web Key Set (RFC 7517).
//!
//! The set is cached. It is fetched again when it is older than [`MAX_AGE`], or when a token names a key that
//! is not in it, because keys rotate. One request at a time fetches, at most every [`MIN_FETCH_INTERVAL`].
//! While the source cannot be reached, the cached keys stay valid.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::{Clock, Timestamp};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, JwkSet, KeyAlgorithm, PublicKeyUse, RSAKeyParameters,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Where the keys are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    Url(String),
    File(PathBuf),
}

impl JwksSource {
    /// A URL, or `file:` and a path.
    pub fn named(text: &str) -> Self {
        match text.strip_prefix("file:") {
            Some(path) => Self::File(path.strip_prefix("//").unwrap_or(path).into()),
            None => Self::Url(text.to_owned()),
        }
    }
}

/// The keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    #[error("the HTTP client for fetching keys cannot be set up")]
    Client(#[source] reqwest::Error),
    #[error("the keys cannot be fetched")]
    Fetch(#[source] reqwest::Error),
    #[error("the response with the keys is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the key file cannot be read")]
    File(#[source] std::io::Error),
    #[error("this is not a JSON Web Key Set")]
    Unreadable(#[source] serde_json::Error),
}

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyError {
    Unknown,
    /// The source has never responded, so the token may be valid.
    Unreachable,
}

/// The shortest time between two fetches, so that tokens with invented key ids do not cause a request to
/// the source each.
const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(10);
/// The age at which the cached keys are fetched again, so that a withdrawn key is refused even while no token
/// names a new key.
const MAX_AGE: Duration = Duration::from_secs(600);
/// The longest time that a fetch may take in total.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 1 << 20;

pub(super) struct Jwks {
    source: JwksSource,
    client: reqwest::Client,
    clock: Clock,
    cached: RwLock<Option<Arc<FetchedKeys>>>,
    /// The time at which the last fetch ended. The lock is held during a fetch.
    last_fetch: tokio::sync::Mutex<Option<Timestamp>>,
}

struct FetchedKeys {
    keys: Vec<Key>,
    fetched_at: Timestamp,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl FetchedKeys {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let mut candidates = self.keys.iter().filter(|key| key.algorithm == algorithm);
        match id {
            Some(_) => candidates.find(|key| key.id.as_deref() == id).map(|key| key.key.clone()),
            // A token may omit the key id only when exactly one key has this algorithm.
            None => match (candidates.next(), candidates.next()) {
                (Some(only), None) => Some(only.key.clone()),
                _ => None,
            },
        }
    }
}

impl Jwks {
    pub(super) fn new(source: JwksSource, clock: Clock) -> Result<Self, JwksError> {
        // Another part of the process may have installed a provider already; every part installs this one.
        let _already_set = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .connect_timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::limited(3))
            .build()
            .map_err(JwksError::Client)?;
        Ok(Self { source, client, clock, cached: RwLock::default(), last_fetch: Default::default() })
    }

    pub(super) async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, KeyError> {
        let before = self.cached();
        let found = before.as_ref().and_then(|cached| cached.find(id, algorithm));
        let is_fresh =
            before.as_ref().is_some_and(|cached| self.clock.now().since(cached.fetched_at) < MAX_AGE);
        match found {
            Some(key) if is_fresh => return Ok(key),
            // The key is old and still valid: one request fetches, the others use the cached key.
            Some(key) => {
                let Ok(guard) = self.last_fetch.try_lock() else { return Ok(key) };
                self.refresh(guard).await;
            }
            // The key may be new: the request waits for the fetch in progress.
            None => self.refresh(self.last_fetch.lock().await).await,
        }
        let after = self.cached().ok_or(KeyError::Unreachable)?;
        after.find(id, algorithm).ok_or(KeyError::Unknown)
    }

    fn cached(&self) -> Option<Arc<FetchedKeys>> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn refresh(&self, mut last_fetch: tokio::sync::MutexGuard<'_, Option<Timestamp>>) {
        if last_fetch.is_some_and(|last| self.clock.now().since(last) < MIN_FETCH_INTERVAL) {
            return;
        }
        let outcome = self.fetch().await;
        let now = self.clock.now();
        // Set after the fetch: a fetch whose request was cancelled does not count.
        *last_fetch = Some(now);
        match outcome {
            Ok(keys) => {
                metrics::counter!("verbatim_jwks_fetches_total", "outcome" => "ok").increment(1);
                let cached = Arc::new(FetchedKeys { keys, fetched_at: now });
                *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
            }
            Err(error) => {
                metrics::counter!("verbatim_jwks_fetches_total", "outcome" => "failed").increment(1);
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "token keys not refreshed, the cached keys stay in use"
                );
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, JwksError> {
        let text = match &self.source {
            JwksSource::File(path) => tokio::fs::read(path).await.map_err(JwksError::File)?,
            JwksSource::Url(url) => self.download(url).await?,
        };
        let set: JwkSet = serde_json::from_slice(&text).map_err(JwksError::Unreadable)?;
        Ok(set.keys.iter().filter_map(verification_key).collect())
    }

    async fn download(&self, url: &str) -> Result<Vec<u8>, JwksError> {
        let answer = self.client.get(url).send().await.and_then(|answer| answer.error_for_status());
        let mut answer = answer.map_err(JwksError::Fetch)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(JwksError::Fetch)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(JwksError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The shortest modulus of an RSA key, in bits (RFC 7518, section 3.3).
const SHORTEST_RSA: usize = 2048;

/// The length of a key's modulus in bits. 0 when it cannot be read.
fn modulus_bits(rsa: &RSAKeyParameters) -> usize {
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(rsa.n.trim_end_matches('=')).unwrap_or_default();
    let significant = modulus.iter().skip_while(|byte| **byte == 0);
    let first = significant.clone().next().map_or(0, |byte| byte.leading_zeros() as usize);
    (significant.count() * 8).saturating_sub(first)
}

/// A key that can verify tokens. `None` for short RSA keys, for symmetric keys, for encryption keys and for algorithms that
/// Verbatim does not use.
fn verification_key(jwk: &jsonwebtoken::jwk::Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => match modulus_bits(rsa) {
            SHORTEST_RSA.. => Algorithm::RS256,
            bits => {
                tracing::warn!(bits, key_id = jwk.common.key_id, "an RSA key below 2,048 bits is not used");
                return None;
            }
        },
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let declared = match jwk.common.key_algorithm {
        None => algorithm,
        Some(KeyAlgorithm::RS256) => Algorithm::RS256,
        Some(KeyAlgorithm::ES256) => Algorithm::ES256,
        Some(_) => return None,
    };
    if declared != algorithm || matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key { id: jwk.common.key_id.clone(), algorithm, key })
}
