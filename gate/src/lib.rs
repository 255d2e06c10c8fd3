//! What both doors share: who may come in, how requests are read, what a refusal looks like, how much is let
//! through, and what a program shows of itself.
//!
//! A service builds its routes as an [`aide::axum::ApiRouter`] of handlers that take these extractors and
//! answer `Result<_, Problem>`; [`assemble`] puts everything else around them.

mod assemble;
pub mod auth;
mod caller;
mod context;
mod docs;
mod extract;
mod headers;
mod health;
pub mod limits;
pub mod metrics;
pub mod problem;

pub use assemble::{Cors, Gate, assemble};
pub use auth::{AuthConfig, Authenticator, Claims, JwksSource, issue_token};
pub use caller::{
    Administrator, AdministratorOrService, Agent, Caller, Role, Supervisor, SupervisorOrService,
};
pub use context::RequestContext;
pub use docs::About;
pub use extract::{Change, Json, OptionalJson, Path, Query, RawBody, parse};
pub use headers::{After, IdempotencyKey, IfMatch};
pub use health::Check;
pub use limits::{Limits, RateLimits};
pub use metrics_exporter_prometheus::PrometheusHandle;
pub use problem::{FieldError, Kind, Problem};
