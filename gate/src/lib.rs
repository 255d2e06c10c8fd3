//! The HTTP layer that the command API and the query API share: authentication and authorisation, reading
//! requests, problem details, limits, health, metrics and the API's description.
//!
//! A service builds its routes as an [`aide::axum::ApiRouter`] of handlers that take these extractors and
//! return `Result<_, Problem>`; [`assemble`] adds everything else as routes and middleware.

mod assemble;
pub mod auth;
mod caller;
mod context;
mod created;
mod docs;
mod extract;
mod headers;
mod health;
pub mod limits;
pub mod metrics;
mod neighbours;
mod permissions;
pub mod places;
mod plain;
mod position;
pub mod problem;
mod query_parameters;
mod starting;
mod stream_caller;

pub use assemble::{Cors, Gate, assemble, operations};
pub use auth::{AuthConfig, Authenticator, Claims, JwksSource, issue_token};
pub use caller::{
    Administrator, AdministratorOrService, Agent, Caller, Role, Supervisor, SupervisorOrService,
};
pub use context::RequestContext;
pub use created::Created;
pub use docs::About;
pub use extract::{
    Change, Json, NotNull, OptionalJson, Path, Query, RawBody, UnreadBody, not_null, parse, parse_value,
};
pub use headers::{After, IdempotencyKey, IfMatch, KeyedRequest, describe_header};
pub use health::Check;
pub use limits::{Limits, RateLimits};
pub use metrics_exporter_prometheus::PrometheusHandle;
pub use permissions::Permissions;
pub use places::{PlaceOfRequest, Places};
pub use position::{AnsweredAt, answer_position};
pub use problem::{FieldError, Kind, Problem};
pub use starting::Starting;
pub use stream_caller::StreamCaller;
