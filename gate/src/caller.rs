//! The caller of a request and the caller's role. A handler takes the role that it requires as a parameter,
//! so that it cannot omit the check.

use crate::auth::{Authenticator, session};
use crate::context::CallerSlot;
use crate::headers::describe_header;
use crate::limits::RateLimits;
use crate::permissions::Permissions;
use crate::problem::{Problem, kinds, problem_response};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
use event_schemas::account::Permission;
use event_schemas::{AccountId, Actor, ActorType, ApiKeyId, Credential, SessionId, UserId};
use schemars::{JsonSchema, json_schema};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;
use std::time::Instant;

/// The caller's permissions. A supervisor has all permissions of an agent, and an administrator all of a
/// supervisor; an owner is an administrator who makes other owners. A service is another program: it has the permissions of an agent and some of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Agent,
    Supervisor,
    Administrator,
    /// An administrator who also makes other owners.
    Owner,
    Service,
}

impl Role {
    pub const ALL: [Role; 5] =
        [Self::Agent, Self::Supervisor, Self::Administrator, Self::Owner, Self::Service];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Administrator => "administrator",
            Self::Owner => "owner",
            Self::Service => "service",
        }
    }
    pub fn is_agent(self) -> bool {
        true
    }
    pub fn is_supervisor(self) -> bool {
        matches!(self, Self::Supervisor | Self::Administrator | Self::Owner)
    }
    pub fn is_administrator(self) -> bool {
        matches!(self, Self::Administrator | Self::Owner)
    }
    pub fn is_supervisor_or_service(self) -> bool {
        self.is_supervisor() || matches!(self, Self::Service)
    }
    pub fn is_administrator_or_service(self) -> bool {
        self.is_administrator() || matches!(self, Self::Service)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, thiserror::Error)]
#[error("'{0}' is none of: agent, supervisor, administrator, owner, service")]
pub struct UnknownRole(String);

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// An authenticated user or service, acting in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account: AccountId,
    pub user: UserId,
    pub role: Role,
    pub name: Option<String>,
    /// The moment at which the token or key is no longer accepted. A response that goes on, such as an event stream, ends
    /// then. `None` when a gateway has authenticated the caller.
    pub until: Option<Instant>,
    /// How the caller has proved who they are.
    pub credential: Credential,
    /// The caller may do only this. `None` when the caller may do all that the role may.
    pub permissions: Option<Permissions>,
}

impl Caller {
    /// A caller whose role alone decides what they may do.
    pub fn of(account: AccountId, user: UserId, role: Role, credential: Credential) -> Self {
        Self { account, user, role, name: None, until: None, credential, permissions: None }
    }

    /// Whether the caller is another program, and no person: it has a service's token or an API key.
    pub fn is_program(&self) -> bool {
        self.role == Role::Service || self.api_key().is_some()
    }

    /// The session of a person who signed in.
    pub fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session(session) => Some(session),
            Credential::ApiKey(_) | Credential::Token | Credential::Gateway => None,
        }
    }

    pub fn api_key(&self) -> Option<ApiKeyId> {
        match self.credential {
            Credential::ApiKey(key) => Some(key),
            Credential::Session(_) | Credential::Token | Credential::Gateway => None,
        }
    }

    /// Refuses a caller who lacks one of these permissions.
    ///
    /// # Errors
    ///
    /// 403 with the `permission` that is missing.
    pub fn must_have(&self, required: &[Permission]) -> Result<(), Problem> {
        self.permissions.as_ref().map_or(Ok(()), |permissions| permissions.must_include(required))
    }

    /// The caller as the actor in an event's metadata.
    pub fn actor(&self) -> Actor {
        let actor_type = if self.is_program() { ActorType::Service } else { ActorType::User };
        Actor { actor_type, id: Some(self.user.0), name: self.name.clone() }
    }

    /// Counts the request against this caller's limits, waits for its turn while other accounts ask, and names the
    /// caller in the access log and to every extractor that follows. For an extractor that has authenticated the
    /// caller in its own way.
    ///
    /// # Errors
    ///
    /// 429: the caller or the account sends too many requests.
    pub async fn admit(self, parts: &mut Parts) -> Result<Self, Problem> {
        if let Some(limits) = RateLimits::of(parts) {
            limits.admit(&self).await?;
        }
        if let Some(slot) = parts.extensions.get::<CallerSlot>() {
            slot.set(&self);
        }
        parts.extensions.insert(self.clone());
        Ok(self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Caller>() {
            return Ok(known.clone());
        }
        let authenticator = Authenticator::from_request_parts(parts, state).await?;
        match authenticator.identify(&parts.method, &parts.headers).await {
            Ok(caller) => {
                let caller = caller.admit(parts).await?;
                caller.permissions.iter().try_for_each(|permissions| permissions.must_allow(parts))?;
                Ok(caller)
            }
            Err(refusal) => Err(refuse(parts, refusal)),
        }
    }
}

/// Counts a request whose caller is not authenticated against the limit of strangers.
pub(crate) fn refuse(parts: &Parts, refusal: Problem) -> Problem {
    match RateLimits::of(parts) {
        Some(limits) if refusal.is(&kinds::UNAUTHENTICATED) => limits.refuse_stranger(refusal),
        Some(_) | None => refusal,
    }
}

/// For routes on which the token is optional. A token that is sent must be valid. `None` when the request
/// has no credentials.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if parts.headers.contains_key(header::AUTHORIZATION) || parts.headers.contains_key("x-user-id") {
            <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

impl OperationInput for Caller {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        require_token(operation);
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        error_responses(ctx)
    }
}

fn require_token(operation: &mut Operation) {
    let schemes = ["bearer", session::SECURITY_SCHEME];
    operation.security = schemes.map(|scheme| [(scheme.to_owned(), Vec::new())].into_iter().collect()).into();
    describe_header(
        operation,
        "X-Account-Id",
        "The account of the request. Required when the token or the session names several accounts.",
        json_schema!({ "type": "string", "format": "uuid" }),
    );
}

fn error_responses(ctx: &mut GenContext) -> Vec<(Option<u16>, ApiResponse)> {
    vec![
        (Some(401), problem_response(ctx, "The request has no valid token and no session.")),
        (
            Some(403),
            problem_response(
                ctx,
                "The caller's role or accounts do not allow this, or a session's request lacks `X-CSRF-Token`.",
            ),
        ),
        (
            Some(429),
            problem_response(ctx, "Too many requests. `Retry-After` is the number of seconds to wait."),
        ),
    ]
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident: $allowed:ident, $roles:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub Caller);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;
            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
                if caller.role.$allowed() {
                    Ok(Self(caller))
                } else {
                    Err(Problem::forbidden(format!("This request is for {}; the caller is {}.", $roles, with_article(caller.role))))
                }
            }
        }

        impl Deref for $name {
            type Target = Caller;
            fn deref(&self) -> &Caller {
                &self.0
            }
        }

        impl OperationInput for $name {
            fn operation_input(_: &mut GenContext, operation: &mut Operation) {
                require_token(operation);
            }
            fn inferred_early_responses(
                ctx: &mut GenContext,
                _: &mut Operation,
            ) -> Vec<(Option<u16>, ApiResponse)> {
                error_responses(ctx)
            }
        }
    )+};
}

callers! {
    /// A caller with any role: agents, supervisors, administrators and services.
    Agent: is_agent, "agents";
    /// Supervisors and administrators.
    Supervisor: is_supervisor, "supervisors and administrators";
    /// Administrators only.
    Administrator: is_administrator, "administrators";
    /// Supervisors, administrators and services.
    SupervisorOrService: is_supervisor_or_service, "supervisors, administrators and services";
    /// Administrators and services.
    AdministratorOrService: is_administrator_or_service, "administrators and services";
}

fn with_article(role: Role) -> &'static str {
    match role {
        Role::Agent => "an agent",
        Role::Supervisor => "a supervisor",
        Role::Administrator => "an administrator",
        Role::Owner => "an owner",
        Role::Service => "a service",
    }
}
