//! Sessions of people who signed in with a mail address and a password. The secret of a session is in a cookie that no
//! script can read.
//!
//! A browser adds the cookie to every request, whichever page sends it. Therefore a request with it is refused when
//! another origin's page has sent it, and a request that changes something must repeat the session's `csrf_token`, which
//! only a page of this origin can read.

use super::{Authenticator, selected_account, uuid_header};
use crate::caller::{Caller, Role, refuse};
use crate::headers::describe_header;
use crate::problem::{Problem, problem_response};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::{AccountId, Credential, SessionId, Timestamp, UserId};
use schemars::json_schema;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// The session of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// The accounts in which the session is valid. At least one.
    pub memberships: Vec<Membership>,
    pub expires_at: Timestamp,
    /// Whether the person may set a password without giving the present one.
    pub may_set_password: bool,
}

/// A person in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub account: AccountId,
    /// `None` of an account that was not opened here.
    pub account_name: Option<String>,
    pub role: Role,
    pub name: Option<String>,
    pub email: String,
}

/// The cookie of a page that was loaded over TLS or from this machine. No other host, and no page over plain HTTP, can set
/// a cookie of this name (RFC 6265bis, section 4.1.3.2).
const COOKIE: &str = "__Host-verbatim-session";
/// The cookie of a page that was loaded over plain HTTP from another machine, where browsers keep no other.
const PLAIN_COOKIE: &str = "verbatim-session";
/// The header that repeats the session's `csrf_token`.
const CSRF: &str = "X-CSRF-Token";
/// The longest time that a response goes on, such as an event stream, before the session is looked up again.
const RECHECK: Duration = Duration::from_secs(60);

/// The text that requests of a session must repeat.
pub fn csrf_token(token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(b"csrf\n").chain_update(token).finalize())
}

impl Authenticator {
    /// The secret of the session's cookie.
    fn cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let pairs = || {
            let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
        };
        let of_name = |name| pairs().find(|(found, _)| *found == name).map(|(_, token)| token);
        of_name(COOKIE).or_else(|| of_name(PLAIN_COOKIE).filter(|_| !self.is_over_tls()))
    }

    pub(super) fn has_cookie(&self, headers: &HeaderMap) -> bool {
        self.cookie(headers).is_some()
    }

    /// Whether people reach this server over TLS only.
    fn is_over_tls(&self) -> bool {
        self.0.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Whether a page of another origin sent the request. Programs that are no browsers name no origin.
    fn is_cross_origin(&self, headers: &HeaderMap) -> bool {
        if let Some(site) = headers.get("sec-fetch-site") {
            return site != "same-origin" && site != "none";
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return false };
        let is_public = self.0.public_url.as_ref().is_some_and(|url| origin == url.trim_end_matches('/'));
        !is_public && !crate::assemble::is_own(origin, headers)
    }

    fn refuse_other_origins(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self.is_cross_origin(headers) {
            true => Err(Problem::forbidden("A page of another origin cannot use the session of this one.")),
            false => Ok(()),
        }
    }

    /// The session of the request's cookie, and the secret. A request that changes something must have its `csrf_token`.
    async fn session_of(&self, method: &Method, headers: &HeaderMap) -> Result<(Session, String), Problem> {
        let token =
            self.cookie(headers).ok_or_else(|| Problem::unauthenticated("Sign in, or send a token."))?;
        self.refuse_other_origins(headers)?;
        if !method.is_safe() {
            check_csrf(headers, token)?;
        }
        Ok((self.find_session(token).await?, token.to_owned()))
    }

    async fn find_session(&self, token: &str) -> Result<Session, Problem> {
        let found = match &self.0.credentials {
            Some(credentials) => credentials.session(token).await?,
            None => None,
        };
        found.ok_or_else(|| Problem::unauthenticated("The session has ended: sign in again."))
    }

    /// The caller whose session the request's cookie names.
    pub(super) async fn caller_of_session(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        const FIELD: &str = "X-Account-Id";
        let (session, _) = self.session_of(method, headers).await?;
        let requested = match headers.contains_key(FIELD) {
            true => Some(uuid_header::<AccountId>(headers, FIELD)?),
            false => None,
        };
        let caller = self.in_account(session, requested, FIELD)?;
        let recheck = Instant::now() + RECHECK;
        Ok(Caller { until: caller.until.map(|until| until.min(recheck)), ..caller })
    }

    /// The caller of a connection that was opened with the cookie, in this account or the session's only one, until the
    /// session ends.
    pub async fn identify_connection(
        &self,
        headers: &HeaderMap,
        account: Option<&str>,
    ) -> Result<Caller, Problem> {
        const FIELD: &str = "account";
        let invalid = |_| Problem::unreadable("`account` must be the id of an account.").field(FIELD);
        let requested = account.map(str::parse).transpose().map_err(invalid)?;
        let (session, _) = self.session_of(&Method::GET, headers).await?;
        self.in_account(session, requested, FIELD)
    }

    /// Whether the session of a connection that was opened with the cookie is still valid in the account. It is, while that
    /// cannot be found out.
    pub async fn still_admits(&self, headers: &HeaderMap, account: AccountId) -> bool {
        let Some(token) = self.cookie(headers) else { return false };
        match &self.0.credentials {
            None => false,
            Some(credentials) => match credentials.session(token).await {
                Ok(found) => {
                    found.is_some_and(|session| session.memberships.iter().any(|m| m.account == account))
                }
                Err(_) => true,
            },
        }
    }

    fn in_account(
        &self,
        session: Session,
        requested: Option<AccountId>,
        field: &'static str,
    ) -> Result<Caller, Problem> {
        let accounts: Vec<_> = session.memberships.iter().map(|membership| membership.account).collect();
        let account = selected_account(requested, &accounts, field, "session")?;
        let membership = session.memberships.into_iter().find(|membership| membership.account == account);
        let membership = membership.ok_or_else(Problem::internal)?;
        let until = Instant::now().checked_add(session.expires_at.since(self.0.clock.now()));
        Ok(Caller {
            account,
            user: session.user,
            role: membership.role,
            name: membership.name,
            until,
            credential: Credential::Session(session.id),
            permissions: None,
        })
    }
}

fn check_csrf(headers: &HeaderMap, token: &str) -> Result<(), Problem> {
    let sent = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    match bool::from(sent.ct_eq(csrf_token(token).as_bytes())) {
        true => Ok(()),
        false => Err(Problem::forbidden(format!(
            "A request that changes something needs the `csrf_token` of `GET /v1/session` in `{CSRF}`."
        ))
        .field(CSRF)),
    }
}

/// The session of the request, in whichever account. For routes that are about the person and not about an account.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: Session,
    pub csrf_token: String,
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let authenticator = Authenticator::from_request_parts(parts, state).await?;
        match authenticator.session_of(&parts.method, &parts.headers).await {
            Ok((session, token)) => Ok(Self { session, csrf_token: csrf_token(&token) }),
            Err(refusal) => Err(refuse(parts, refusal)),
        }
    }
}

/// Describes that a route takes the session's cookie.
pub(crate) const SECURITY_SCHEME: &str = "session";

impl OperationInput for SignedIn {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        operation.security = vec![[(SECURITY_SCHEME.to_owned(), Vec::new())].into_iter().collect()];
        describe_header(
            operation,
            CSRF,
            "The `csrf_token` of `GET /v1/session`. Required for requests that change something.",
            json_schema!({ "type": "string" }),
        );
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        vec![
            (Some(401), problem_response(ctx, "There is no session, or it has ended.")),
            (
                Some(403),
                problem_response(ctx, "The page is of another origin, or `X-CSRF-Token` is missing."),
            ),
        ]
    }
}

/// The page that wants to sign in: it is of this origin. It has the cookie that its session is kept in.
#[derive(Clone, Copy, Debug)]
pub struct OwnPage {
    name: &'static str,
    attributes: &'static str,
}

impl OwnPage {
    /// `Set-Cookie` of a session with this secret.
    pub fn cookie(self, token: &str, lasts: Duration) -> Option<HeaderValue> {
        let Self { name, attributes } = self;
        let seconds = lasts.as_secs();
        let text = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{attributes}");
        HeaderValue::try_from(text).ok()
    }

    /// `Set-Cookie` that removes the session's cookie.
    pub fn no_cookie(self) -> Option<HeaderValue> {
        self.cookie("", Duration::ZERO)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OwnPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let authenticator = Authenticator::from_request_parts(parts, state).await?;
        authenticator.refuse_other_origins(&parts.headers)?;
        let is_plain = !authenticator.is_over_tls() && is_plain_and_elsewhere(&parts.headers);
        Ok(match is_plain {
            true => Self { name: PLAIN_COOKIE, attributes: "" },
            false => Self { name: COOKIE, attributes: "; Secure" },
        })
    }
}

impl OperationInput for OwnPage {
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        vec![
            (Some(401), problem_response(ctx, "There is no session, or it has ended.")),
            (Some(403), problem_response(ctx, "The page is of another origin, or the password is wrong.")),
            (Some(410), problem_response(ctx, "The link is no longer valid.")),
            (
                Some(429),
                problem_response(ctx, "Too many attempts. `Retry-After` is the number of seconds to wait."),
            ),
        ]
    }
}

/// Whether the page was loaded over plain HTTP from another machine. Browsers say so with every request that changes
/// something. From this machine they keep a `Secure` cookie over plain HTTP too.
fn is_plain_and_elsewhere(headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(host) = origin.and_then(|origin| origin.strip_prefix("http://")) else { return false };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    let is_here = name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_over_plain_http_from_another_machine_gets_a_cookie_that_its_browser_keeps() {
        let is_plain = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            is_plain_and_elsewhere(&headers)
        };
        for here in [
            "http://localhost:8080",
            "http://desk.localhost",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://desk.example.com",
            "null",
        ] {
            assert!(!is_plain(here), "{here}");
        }
        for elsewhere in ["http://desk.example.com", "http://10.0.0.5:8080", "http://localhost.example.com"] {
            assert!(is_plain(elsewhere), "{elsewhere}");
        }
    }
}
