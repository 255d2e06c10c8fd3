//! The context of a request: its ids, its trace and its line in the access log.

use crate::caller::Caller;
use crate::problem::{Kind, Problem};
use aide::OperationInput;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use event_schemas::{AccountId, Clock, UserId};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use uuid::Uuid;

/// The ids that go into the metadata of every event that a request causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// From `X-Request-Id` or `X-Correlation-Id`; generated when the request has neither.
    pub correlation_id: Uuid,
    /// W3C Trace Context: the caller's trace with a new parent span. `None` when the request has no valid
    /// `traceparent`.
    pub traceparent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<RequestContext>().cloned().ok_or_else(Problem::internal)
    }
}

impl OperationInput for RequestContext {}

/// Holds the caller's ids for the access log, once the caller is authenticated.
#[derive(Clone, Default)]
pub(crate) struct CallerSlot(Arc<OnceLock<(AccountId, UserId)>>);

impl CallerSlot {
    pub(crate) fn set(&self, caller: &Caller) {
        self.0.get_or_init(|| (caller.account, caller.user));
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Adds the context to the request, and logs and measures the response. The log has the route's pattern and
/// never the URL, which can contain text that customers and agents typed.
pub(crate) async fn request_context(
    State(clock): State<Clock>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let (request_id, correlation_id) = correlation_ids(request.headers(), &clock);
    let traceparent = continued_trace(request.headers(), &clock);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let slot = CallerSlot::default();
    request.extensions_mut().insert(slot.clone());
    request.extensions_mut().insert(RequestContext { correlation_id, traceparent: traceparent.clone() });

    let mut response = next.run(request).await;

    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    let problem = response.extensions().get::<&'static Kind>().map(|kind| kind.name);
    let caller = slot.0.get();
    let labels =
        [("method", method_label(&method)), ("route", &*route), ("status", response.status().as_str())]
            .map(|(name, value)| (name, value.to_owned()));
    metrics::histogram!("verbatim_http_request_seconds", &labels).record(elapsed.as_secs_f64());
    tracing::info!(
        target: "verbatim::access",
        method = method_label(&method),
        route,
        status,
        micros = elapsed.as_micros() as u64,
        problem,
        account_id = caller.map(|(account, _)| tracing::field::display(account)),
        user_id = caller.map(|(_, user)| tracing::field::display(user)),
        correlation_id = %correlation_id,
        trace_id = traceparent.as_deref().and_then(|trace| trace.get(3..35)),
        "request answered"
    );
    response.headers_mut().insert(REQUEST_ID, request_id);
    response
}

/// The method's name for logs and metrics. All non-standard methods share one label, because a metric must
/// have few label values.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// The request id that the response repeats, and the correlation id of the events.
fn correlation_ids(headers: &HeaderMap, clock: &Clock) -> (HeaderValue, Uuid) {
    let given = headers.get(REQUEST_ID).or_else(|| headers.get(CORRELATION_ID));
    let text = given.and_then(|value| value.to_str().ok()).map(str::trim);
    match text.filter(|text| (1..=128).contains(&text.len())) {
        // An id that is not a UUID is hashed to one, so that the same id gives the same UUID.
        Some(text) => {
            let id = text.parse().unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()));
            (header_value(text), id)
        }
        None => {
            let id = clock.fresh_id();
            (header_value(&id.to_string()), id)
        }
    }
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unprintable"))
}

/// The `traceparent` for calls that this request causes, `00-<trace>-<parent span>-<flags>`: the same trace
/// and flags with a new span. `None` when the header is malformed, which the standard says to ignore.
fn continued_trace(headers: &HeaderMap, clock: &Clock) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?.trim();
    let mut fields = text.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_hex = |field: &str, digits: usize| {
        field.len() == digits && field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_all_zeros = |field: &str| field.bytes().all(|byte| byte == b'0');
    let is_wellformed = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || fields.next().is_none())
        && is_hex(trace, 32)
        && !is_all_zeros(trace)
        && is_hex(parent, 16)
        && !is_all_zeros(parent)
        && is_hex(flags, 2);
    // The last eight bytes of a new UUIDv7 are its random half.
    let (_, span) = clock.fresh_id().as_u64_pair();
    is_wellformed.then(|| format!("00-{trace}-{span:016x}-{flags}"))
}
