//! Authentication: turns a bearer token, an API key, the headers of a trusted gateway, or the cookie of a session into a
//! [`Caller`].

use crate::caller::{Caller, Role};
use crate::problem::Problem;
use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::{AccountId, Clock, Credential, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod api_key;
mod claims;
mod credentials;
mod customer_token;
mod jwks;
mod keys;
pub(crate) mod session;
mod stream_token;

pub use api_key::ApiKey;
pub use claims::{Claims, TokenError, issue_token};
pub use credentials::Credentials;
pub use customer_token::{CustomerSession, CustomerToken};
pub use jwks::{JwksError, JwksSource};
pub use session::{Membership, OwnPage, Session, SignedIn, csrf_token};
pub use stream_token::StreamToken;

use jwks::{Jwks, KeyError};
use keys::Keys;

/// How callers authenticate. At least one of `secret`, `jwks`, `trust_gateway` and `credentials` must be set.
#[derive(Clone, Default)]
pub struct AuthConfig {
    /// The secret of HS256 tokens. `None` when such tokens are refused.
    pub secret: Option<String>,
    /// A secret that tokens were signed with before. They stay valid until they expire, so that a secret can be
    /// replaced without an interruption.
    pub previous_secret: Option<String>,
    /// The secret of the tokens that open event streams and customers' sessions. `None` for `secret`, and without it for
    /// a key of this process.
    pub stream_secret: Option<String>,
    /// The public keys of RS256 and ES256 tokens. `None` when such tokens are refused.
    pub jwks: Option<JwksSource>,
    /// The required `iss` of a token. `None` when `iss` is not checked.
    pub issuer: Option<String>,
    /// The required `aud` of a token. `None` when `aud` is not checked.
    pub audience: Option<String>,
    /// Accepts `X-Account-Id`, `X-User-Id`, `X-User-Role` and `X-User-Name` in place of a token. Set it only
    /// behind a gateway that removes these headers from requests that come from outside.
    pub trust_gateway: bool,
    /// The sessions of people who signed in, and the API keys. `None` when neither is accepted.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// The address at which people reach this server. Over `https://`, a session's cookie is never sent without TLS.
    pub public_url: Option<String>,
}

/// The configuration accepts no caller, or accepts callers without proof.
#[derive(Debug, thiserror::Error)]
pub enum AuthConfigError {
    #[error("no authentication is configured: set a secret, a JWKS, or trust a gateway")]
    NotConfigured,
    /// RFC 7518, section 3.2: a key of the hash's size or larger.
    #[error(
        "the token secret has {length} bytes and needs at least {SHORTEST_SECRET}, because a caller with a token can \
         find a shorter one by brute force; `openssl rand -hex 32` makes one"
    )]
    ShortSecret { length: usize },
    #[error(transparent)]
    Jwks(#[from] JwksError),
}

/// Checks tokens. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    /// The secret and the one before it.
    secrets: Vec<DecodingKey>,
    jwks: Option<Jwks>,
    issuer: Option<String>,
    audience: Option<String>,
    trust_gateway: bool,
    credentials: Option<Arc<dyn Credentials>>,
    public_url: Option<String>,
    stream_keys: Keys,
    customer_keys: Keys,
    clock: Clock,
}

/// The bytes of the shortest secret of HS256 tokens.
const SHORTEST_SECRET: usize = 32;

/// The accepted difference between the clocks of the issuer and of this server.
const LEEWAY: Duration = Duration::from_secs(30);

impl Authenticator {
    pub fn new(config: AuthConfig, clock: Clock) -> Result<Self, AuthConfigError> {
        let has_none = config.secret.is_none() && config.jwks.is_none() && config.credentials.is_none();
        if has_none && !config.trust_gateway {
            return Err(AuthConfigError::NotConfigured);
        }
        let secrets: Vec<_> = config.secret.iter().chain(&config.previous_secret).collect();
        let mut lengths = secrets.iter().copied().chain(&config.stream_secret).map(String::len);
        if let Some(length) = lengths.find(|length| *length < SHORTEST_SECRET) {
            return Err(AuthConfigError::ShortSecret { length });
        }
        let stream_keys = Keys::of(&config, &clock, "event streams");
        let customer_keys = Keys::of(&config, &clock, "customer sessions");
        Ok(Self(Arc::new(Inner {
            secrets: secrets.iter().map(|secret| DecodingKey::from_secret(secret.as_bytes())).collect(),
            jwks: config.jwks.map(|source| Jwks::new(source, clock.clone())).transpose()?,
            issuer: config.issuer,
            audience: config.audience,
            trust_gateway: config.trust_gateway,
            credentials: config.credentials,
            public_url: config.public_url,
            stream_keys,
            customer_keys,
            clock,
        })))
    }

    /// The caller whom the headers of a request with this method authenticate.
    pub async fn identify(&self, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
        match bearer(headers)? {
            Some(token) => self.identify_token(token, headers).await,
            None if self.0.trust_gateway && headers.contains_key("x-user-id") => gateway_caller(headers),
            None if self.has_cookie(headers) => self.caller_of_session(method, headers).await,
            None => Err(Problem::unauthenticated("Send `Authorization: Bearer <token>`.")),
        }
    }

    /// The caller of a token that did not come in a header, in this account or the token's only one.
    pub async fn identify_bearer(&self, token: &str, account: Option<&str>) -> Result<Caller, Problem> {
        const FIELD: &str = "account";
        let invalid = |_| Problem::unreadable("`account` must be the id of an account.").field(FIELD);
        let requested = account.map(str::parse).transpose().map_err(invalid)?;
        self.caller_of(token, requested, FIELD).await
    }

    async fn identify_token(&self, token: &str, headers: &HeaderMap) -> Result<Caller, Problem> {
        const FIELD: &str = "X-Account-Id";
        let requested = match headers.contains_key(FIELD) {
            true => Some(uuid_header::<AccountId>(headers, FIELD)?),
            false => None,
        };
        self.caller_of(token, requested, FIELD).await
    }

    /// The caller in the account that is requested in this field.
    async fn caller_of(
        &self,
        token: &str,
        requested: Option<AccountId>,
        field: &'static str,
    ) -> Result<Caller, Problem> {
        if api_key::is_api_key(token) {
            return self.caller_of_api_key(token, requested, field).await;
        }
        let claims = self.verify(token).await?;
        let account = selected_account(requested, &claims.accounts, field, "token")?;
        let until = Instant::now().checked_add(claims.remaining(self.0.clock.now(), LEEWAY));
        let Claims { sub: user, role, name, .. } = claims;
        Ok(Caller { name, until, ..Caller::of(account, user, role, Credential::Token) })
    }

    async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let claims = self.signed(token).await?;
        claims.check_times(self.0.clock.now(), LEEWAY).map_err(Problem::unauthenticated)?;
        Ok(claims)
    }

    /// Whether the key of a token that was accepted is one that this server knows, at any time: the key may have been
    /// withdrawn. A key that cannot be fetched at the moment is known. An API key is known until it ends.
    pub async fn still_knows(&self, token: &str) -> bool {
        if api_key::is_api_key(token) {
            return self.still_accepts(token).await;
        }
        let signed = self.signed(token).await;
        signed.err().is_none_or(|problem| problem.status() != StatusCode::UNAUTHORIZED)
    }

    /// The claims of a token that is signed as it should be, whether or not it is valid now.
    async fn signed(&self, token: &str) -> Result<Claims, Problem> {
        let refused = Problem::unauthenticated;
        let header = decode_header(token).map_err(|_| refused("The token is not a JWT."))?;
        if has_critical_extension(token) {
            return Err(refused(
                "The token's header has `crit`: this server knows no extension of RFC 7515.",
            ));
        }
        // The kind of key decides which algorithms may use it, and the token's header does not: otherwise a
        // token could use a public key as an HMAC secret.
        let published;
        let keys = match header.alg {
            Algorithm::HS256 if self.0.secrets.is_empty() => {
                return Err(refused("This server does not accept HS256 tokens."));
            }
            Algorithm::HS256 => self.0.secrets.as_slice(),
            Algorithm::RS256 | Algorithm::ES256 => match &self.0.jwks {
                Some(jwks) => {
                    let key = jwks.key(header.kid.as_deref(), header.alg).await;
                    published = key.map_err(|error| match error {
                        KeyError::Unknown => {
                            refused("The token is signed with a key this server does not know.")
                        }
                        KeyError::Unreachable => Problem::unavailable(
                            "The keys that tokens are signed with cannot be fetched at the moment.",
                            Duration::from_secs(5),
                        ),
                    })?;
                    std::slice::from_ref(&published)
                }
                None => return Err(refused("This server accepts only HS256 tokens.")),
            },
            _ => return Err(refused("The token must be signed with HS256, RS256 or ES256.")),
        };
        let mut validation = Validation::new(header.alg);
        // Times are checked by a clock that tests can set.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        validation.validate_aud = self.0.audience.is_some();
        if let Some(audience) = &self.0.audience {
            validation.set_audience(&[audience]);
            validation.required_spec_claims.insert("aud".to_owned());
        }
        if let Some(issuer) = &self.0.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        let with = |key| decode::<Claims>(token, key, &validation);
        // The former secret is tried when the present one does not fit.
        let (present, former) = keys.split_first().unwrap_or_else(|| unreachable!("there is a key"));
        let decoded = with(present).or_else(|error| former.first().map_or(Err(error), with));
        Ok(decoded.map_err(|error| refused(decode_failure(&error)))?.claims)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Authenticator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // It is missing only from a router that `assemble` did not build.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

impl OperationInput for Authenticator {}

/// Whether the header says that it has extensions which a recipient must understand (RFC 7515, section 4.1.11).
fn has_critical_extension(token: &str) -> bool {
    let header = token.split('.').next().and_then(|header| BASE64_URL_SAFE_NO_PAD.decode(header).ok());
    let header = header.and_then(|header| serde_json::from_slice::<serde_json::Value>(&header).ok());
    header.is_none_or(|header| header.get("crit").is_some())
}

fn decode_failure(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "The token's signature does not match.",
        ErrorKind::InvalidIssuer => "The token's `iss` is not the issuer that this server trusts.",
        ErrorKind::InvalidAudience => "The token's `aud` does not include this server.",
        ErrorKind::MissingRequiredClaim(_) => "The token lacks `iss` or `aud`, which this server requires.",
        ErrorKind::Json(_) => {
            "The token's claims cannot be read: `sub` is a UUID, `accounts` a list of UUIDs, `role` one of \
             agent, supervisor, administrator, owner, service, and `exp` a time in seconds."
        }
        _ => "The token is not a JWT that this server can verify.",
    }
}

/// The bearer token of a request. `None` when it has no `Authorization`.
///
/// # Errors
///
/// 401: `Authorization` is something else.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    match token {
        Some(token) if !token.is_empty() => Ok(Some(token)),
        _ => Err(Problem::unauthenticated("`Authorization` must be `Bearer <token>`.")),
    }
}

fn selected_account(
    requested: Option<AccountId>,
    accounts: &[AccountId],
    field: &'static str,
    credential: &'static str,
) -> Result<AccountId, Problem> {
    match (requested, accounts) {
        (Some(requested), _) if accounts.contains(&requested) => Ok(requested),
        (Some(_), _) => {
            Err(Problem::forbidden(format!("The {credential} does not name the account in `{field}`."))
                .field(field))
        }
        (None, [only]) => Ok(*only),
        (None, []) => Err(Problem::forbidden(format!("The {credential} names no account."))),
        (None, _) => Err(Problem::unreadable(format!(
            "The {credential} names several accounts: name one of them in `{field}`."
        ))
        .field(field)),
    }
}

/// The caller that the gateway's headers name.
fn gateway_caller(headers: &HeaderMap) -> Result<Caller, Problem> {
    let role = header_text(headers, "X-User-Role")?;
    let role: Role = role.parse().map_err(|unknown: crate::caller::UnknownRole| {
        Problem::unauthenticated(format!("The gateway's `X-User-Role`: {unknown}.")).field("X-User-Role")
    })?;
    let account = uuid_header(headers, "X-Account-Id")?;
    let user = uuid_header::<UserId>(headers, "X-User-Id")?;
    Ok(Caller { name: user_name(headers)?, ..Caller::of(account, user, role, Credential::Gateway) })
}

/// The caller's name, which events store and customers read. An unreadable byte would stay in them for ever.
fn user_name(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    const NAME: &str = "X-User-Name";
    let name = headers.get(NAME).map(|value| str::from_utf8(value.as_bytes())).transpose().map_err(|_| {
        Problem::unauthenticated(format!("The gateway did not send `{NAME}` as UTF-8.")).field(NAME)
    })?;
    Ok(name.filter(|name| !name.is_empty()).map(str::to_owned))
}

fn header_text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Problem> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).ok_or_else(|| {
        Problem::unauthenticated(format!("The gateway did not send `{name}` as plain text.")).field(name)
    })
}

fn uuid_header<T: std::str::FromStr>(headers: &HeaderMap, name: &'static str) -> Result<T, Problem> {
    header_text(headers, name)?
        .parse()
        .map_err(|_| Problem::unreadable(format!("`{name}` is not a UUID.")).field(name))
}
