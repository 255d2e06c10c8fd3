//! Assembles a service: its own routes, the routes that every service has, and the middleware.

use crate::auth::Authenticator;
use crate::context::request_context;
use crate::docs::{self, About};
use crate::health::{self, Check};
use crate::limits::{HeldRefusals, Limits, RateLimits, hold_refusals, timeout};
use crate::problem::{Kind, Problem, kinds};
use crate::query_parameters::{DeclaredParameters, refuse_undeclared};
use aide::axum::ApiRouter;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use event_schemas::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Which web pages may call the API from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// Only pages of the same origin.
    #[default]
    SameOrigin,
    /// Pages of these origins, for example `https://desk.example.com`.
    Origins(Vec<HeaderValue>),
    /// Pages of every origin. A page must set the token's header itself, so a page without a token gains no
    /// access.
    Any,
}

impl Cors {
    /// Whether the page that sends this request may: a browser names the page's origin, other programs name none.
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        match self {
            Self::Any => true,
            Self::Origins(origins) => origins.contains(origin) || is_own(origin, headers),
            Self::SameOrigin => is_own(origin, headers),
        }
    }

    /// These routes with the headers that let the pages call them.
    pub fn layer(self, routes: Router) -> Router {
        routes.layer(cors(self))
    }
}

/// Whether the origin is that of the host to which the request was sent.
pub(crate) fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    host.zip(origin).is_some_and(|(host, (_, origin))| host.eq_ignore_ascii_case(origin))
}

/// The settings and parts that [`assemble`] adds to a service's routes.
pub struct Gate {
    pub about: About,
    pub authenticator: Authenticator,
    pub limits: Limits,
    pub cors: Cors,
    pub clock: Clock,
    /// `None` when no metrics are recorded; there is no `/metrics` then.
    pub metrics: Option<PrometheusHandle>,
    /// The checks that `/readyz` runs.
    pub checks: Vec<Check>,
    /// Whether health and metrics are served beside the API. Otherwise [`operations`] serves them elsewhere.
    pub serves_operations: bool,
    /// The descriptions that are served beside that of the API, each with its path.
    pub descriptions: Vec<(&'static str, Bytes)>,
    /// The service's own kinds of problem, which `/problems` lists after the common ones.
    pub problems: Vec<&'static Kind>,
}

/// Builds a service's router: its routes with authentication, limits, the access log, health, metrics and the
/// API's description.
pub fn assemble(api: ApiRouter, gate: Gate) -> Router {
    let mut document = docs::new_document(&gate.about);
    let service = api.finish_api(&mut document);
    docs::complete_document(&mut document);
    let declared = DeclaredParameters::of(&document);
    let document = Bytes::from(docs::completed(&document).to_string());
    let operations = if gate.serves_operations { operations(&gate) } else { Router::new() };
    let problems = kinds::COMMON.iter().copied().chain(gate.problems).collect();

    service
        .merge(docs::routes(document, gate.descriptions, problems))
        .merge(operations)
        .fallback(async || Problem::new(&kinds::NOT_FOUND, "No route has this path."))
        .method_not_allowed_fallback(async || {
            Problem::new(&kinds::METHOD_NOT_ALLOWED, "The `Allow` header lists the methods of this path.")
        })
        .layer(from_fn_with_state(declared, refuse_undeclared))
        .layer(DefaultBodyLimit::max(gate.limits.body_bytes))
        .layer(Extension(RateLimits::new(&gate.limits)))
        .layer(Extension(gate.authenticator))
        .layer(from_fn_with_state(gate.limits.timeout, timeout))
        .layer(from_fn_with_state(HeldRefusals::default(), hold_refusals))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(cors(gate.cors))
        .layer(map_response(protect))
        .layer(from_fn_with_state(gate.clock, request_context))
}

/// Health and metrics, which need no token: operators' monitoring asks for them.
pub fn operations(gate: &Gate) -> Router {
    let checks: Arc<[Check]> = gate.checks.clone().into();
    let routes = Router::new()
        .route("/healthz", get(health::liveness))
        .route("/readyz", get(move || health::readiness(checks.clone())));
    match gate.metrics.clone() {
        None => routes,
        Some(handle) => routes.route(
            "/metrics",
            get(async move || {
                // Also drops the samples that the histograms no longer need, which otherwise accumulate.
                handle.run_upkeep();
                ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
            }),
        ),
    }
}

fn panic_response(panic: Box<dyn Any + Send>) -> Response {
    // A panic's message may quote the data that caused it, so the log gets only its type. The panic hook has
    // logged the source location already.
    let is_text = panic.is::<String>() || panic.is::<&str>();
    tracing::error!(is_text, "request handler panicked");
    metrics::counter!("verbatim_panics_total").increment(1);
    Problem::internal().into_response()
}

/// The headers with which no cache keeps a response, and no browser guesses its type or tells other sites its URL.
async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

const EXPOSED_HEADERS: [HeaderName; 8] = [
    header::ETAG,
    header::RETRY_AFTER,
    header::LOCATION,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("x-request-id"),
    crate::position::NAME,
    HeaderName::from_static("verbatim-next"),
    HeaderName::from_static("verbatim-at-end"),
];

fn cors(cors: Cors) -> CorsLayer {
    let origins = match cors {
        // Without an allowed origin the layer adds no CORS headers, and browsers then refuse the request.
        Cors::SameOrigin => return CorsLayer::new(),
        Cors::Origins(origins) => AllowOrigin::list(origins),
        Cors::Any => AllowOrigin::any(),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("verbatim-after"),
            HeaderName::from_static("x-account-id"),
            HeaderName::from_static("x-tenant-id"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-correlation-id"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers(EXPOSED_HEADERS)
        .max_age(Duration::from_secs(600))
}
