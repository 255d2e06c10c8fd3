//! How much one caller may ask, and how large and long a request may be.

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

/// How many requests may come at once, and how soon each of them counts no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: NonZeroU32,
    pub one_every: Duration,
}

impl Rate {
    /// None where either is zero, which means no limit.
    pub fn per_second(requests: u32, burst: u32) -> Option<Self> {
        let requests = NonZeroU32::new(requests)?;
        Some(Self { burst: NonZeroU32::new(burst)?, one_every: Duration::from_secs(1) / requests.get() })
    }
}

/// The bounds of what the door lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body.
    pub body_bytes: usize,
    /// How long a request may take until its answer begins. A stream may then go on for as long as it likes.
    pub timeout: Duration,
    /// Of one user in one account. None: as much as they like.
    pub per_caller: Option<Rate>,
    /// Of one channel's webhooks. None: as many as come.
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

/// Counts requests. Cheap to clone.
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

/// After so many questions those who have not asked for a while are forgotten, so that made-up keys do not
/// fill the memory.
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
    /// Asked for every request with a token; [`Caller`]'s extractor does.
    pub fn check_caller(&self, caller: &Caller) -> Result<(), Problem> {
        match &self.callers {
            Some(counter) => counter.check(&(caller.account, caller.user), "caller"),
            None => Ok(()),
        }
    }
    /// Asked for every webhook, by its handler.
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

/// Gives up on a request whose answer does not begin in time.
pub(crate) async fn timeout(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("It took too long.", Duration::from_secs(1)).into_response(),
    }
}
