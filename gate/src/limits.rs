//! Limits: requests per caller and per channel, the size of a body, and the time until a response.

use crate::caller::Caller;
use crate::problem::Problem;
use aide::OperationInput;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use event_schemas::{AccountId, ChannelId, UserId};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A rate limit: `burst` requests at once, and one more after each `one_every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: NonZeroU32,
    pub one_every: Duration,
}

impl Rate {
    /// `None` when either number is zero, which means no limit.
    pub fn per_second(requests: u32, burst: u32) -> Option<Self> {
        let requests = NonZeroU32::new(requests)?;
        Some(Self { burst: NonZeroU32::new(burst)?, one_every: Duration::from_secs(1) / requests.get() })
    }
}

/// The limits of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// The longest time until a response begins. The body of a streamed response has no time limit.
    pub timeout: Duration,
    /// The rate of one user in one account. `None` when it is not limited.
    pub per_caller: Option<Rate>,
    /// The rate of one channel's webhooks. `None` when it is not limited.
    pub per_channel: Option<Rate>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            timeout: Duration::from_secs(30),
            per_caller: Rate::per_second(500, 1_000),
            per_channel: Rate::per_second(5_000, 10_000),
        }
    }
}

/// Counts requests against the limits. Cheap to clone.
#[derive(Clone)]
pub struct RateLimits {
    callers: Option<Arc<Counter<(AccountId, UserId)>>>,
    channels: Option<Arc<Counter<ChannelId>>>,
}

struct Counter<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
    checks: AtomicU64,
}

/// After this many checks, keys without recent requests are dropped, so that invented keys do not fill the
/// memory.
const CHECKS_PER_CLEANUP: u64 = 65_536;

impl<K: Hash + Eq + Clone> Counter<K> {
    fn new(rate: Rate) -> Option<Arc<Self>> {
        let quota = Quota::with_period(rate.one_every)?.allow_burst(rate.burst);
        Some(Arc::new(Self {
            limiter: DefaultKeyedRateLimiter::dashmap(quota),
            clock: DefaultClock::default(),
            checks: AtomicU64::new(0),
        }))
    }

    fn check(&self, key: &K, scope: &'static str) -> Result<(), Problem> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_PER_CLEANUP == CHECKS_PER_CLEANUP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|not_until| {
            metrics::counter!("verbatim_rate_limited_total", "scope" => scope).increment(1);
            Problem::too_many_requests(not_until.wait_time_from(self.clock.now()))
        })
    }
}

impl RateLimits {
    pub fn new(limits: &Limits) -> Self {
        Self {
            callers: limits.per_caller.and_then(Counter::new),
            channels: limits.per_channel.and_then(Counter::new),
        }
    }
    /// Counts a request of this caller. [`Caller`]'s extractor calls it for every request with a token.
    pub fn check_caller(&self, caller: &Caller) -> Result<(), Problem> {
        match &self.callers {
            Some(counter) => counter.check(&(caller.account, caller.user), "caller"),
            None => Ok(()),
        }
    }
    /// Counts a webhook of this channel. The webhook's handler calls it.
    pub fn check_channel(&self, channel: ChannelId) -> Result<(), Problem> {
        match &self.channels {
            Some(counter) => counter.check(&channel, "channel"),
            None => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RateLimits {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<RateLimits>().cloned().ok_or_else(Problem::internal)
    }
}

impl OperationInput for RateLimits {}

/// Ends a request whose response does not begin within the limit.
pub(crate) async fn timeout(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("The request took too long.", Duration::from_secs(1)).into_response(),
    }
}
