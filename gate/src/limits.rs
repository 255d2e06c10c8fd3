//! Limits: requests per caller and per channel, the size of a body, and the time until a response.

use crate::caller::Caller;
use crate::neighbours::Pace;
use crate::problem::Problem;
use aide::OperationInput;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use event_schemas::{AccountId, ChannelId, UserId};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

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
    /// The rate of all users of one account together. `None` when it is not limited.
    pub per_account: Option<Rate>,
    /// The rate of one channel's webhooks, counted after their signature is checked. `None` when it is not limited.
    pub per_channel: Option<Rate>,
    /// The rate at which one address may send requests without a valid token or signature. `None` when it is not
    /// limited.
    pub per_stranger: Option<Rate>,
    /// The bytes that all bodies together may hold whose senders are not known yet.
    pub strangers_bytes: usize,
    pub sign_in: SignInRates,
}

/// The rates at which passwords can be tried. They hold whatever the other limits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInRates {
    /// Of one person, from one address.
    pub per_person_and_address: Rate,
    /// Of one person, from all addresses together. It is higher, so that a stranger does not lock the person out.
    pub per_person: Rate,
    /// Of all people, from one address.
    pub per_address: Rate,
}

impl Default for SignInRates {
    fn default() -> Self {
        let rate = |burst, seconds| Rate {
            burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
            one_every: Duration::from_secs(seconds),
        };
        Self { per_person_and_address: rate(10, 30), per_person: rate(100, 10), per_address: rate(300, 1) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            timeout: Duration::from_secs(30),
            per_caller: Rate::per_second(500, 1_000),
            per_account: None,
            per_channel: Rate::per_second(5_000, 10_000),
            per_stranger: None,
            strangers_bytes: 64 << 20,
            sign_in: SignInRates::default(),
        }
    }
}

/// Counts requests against the limits. Cheap to clone.
#[derive(Clone)]
pub struct RateLimits {
    callers: Option<Arc<Counter<(AccountId, UserId)>>>,
    accounts: Option<Arc<Counter<AccountId>>>,
    channels: Option<Arc<Counter<ChannelId>>>,
    /// `None` when the rate of an account is not limited.
    pace: Option<Arc<Pace>>,
    strangers: Option<Arc<Counter<IpAddr>>>,
    sign_in: SignInCounters,
    /// The address of the connection.
    peer: Peer,
    pub(crate) strangers_bodies: Arc<Semaphore>,
    pub(crate) body_bytes: usize,
}

/// The address of a connection. `None` when the service is called without one, as tests do.
type Peer = Option<IpAddr>;

#[derive(Clone)]
struct SignInCounters {
    per_person_and_address: Option<Arc<Counter<(UserId, Peer)>>>,
    per_person: Option<Arc<Counter<UserId>>>,
    per_address: Option<Arc<Counter<Peer>>>,
}

impl SignInCounters {
    fn new(rates: &SignInRates) -> Self {
        Self {
            per_person_and_address: Counter::new(rates.per_person_and_address),
            per_person: Counter::new(rates.per_person),
            per_address: Counter::new(rates.per_address),
        }
    }
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
        self.wait(key, scope).map_err(Problem::too_many_requests)
    }

    /// Counts a request. The error is the time to wait.
    fn wait(&self, key: &K, scope: &'static str) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_PER_CLEANUP == CHECKS_PER_CLEANUP - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|not_until| {
            metrics::counter!("verbatim_rate_limited_total", "scope" => scope).increment(1);
            not_until.wait_time_from(self.clock.now())
        })
    }
}

impl RateLimits {
    pub fn new(limits: &Limits) -> Self {
        Self {
            callers: limits.per_caller.and_then(Counter::new),
            accounts: limits.per_account.and_then(Counter::new),
            channels: limits.per_channel.and_then(Counter::new),
            pace: limits.per_account.map(|rate| Arc::new(Pace::new(rate.one_every))),
            strangers: limits.per_stranger.and_then(Counter::new),
            sign_in: SignInCounters::new(&limits.sign_in),
            peer: None,
            strangers_bodies: Arc::new(Semaphore::new(limits.strangers_bytes)),
            body_bytes: limits.body_bytes,
        }
    }

    /// The limits of this service, and the address of this request's connection. `None` for a router that
    /// [`assemble`](crate::assemble) did not build.
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        let mut limits = parts.extensions.get::<Self>()?.clone();
        limits.peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| network_of(peer.0.ip()));
        Some(limits)
    }

    /// Counts a request that was refused because its sender is not known. Returns the refusal, or 429 when the address
    /// has sent too many of them.
    pub fn refuse_stranger(&self, refusal: Problem) -> Problem {
        match (&self.strangers, self.peer) {
            (Some(counter), Some(peer)) => counter.check(&peer, "stranger").err().unwrap_or(refusal),
            (None, _) | (_, None) => refusal,
        }
    }

    /// Counts an attempt to sign in as this person, before the password is checked.
    ///
    /// # Errors
    ///
    /// 429: there were too many.
    pub fn check_sign_in(&self, person: UserId) -> Result<(), Problem> {
        let SignInCounters { per_person_and_address, per_person, per_address } = &self.sign_in;
        // The narrowest first, so that the attempts that it refuses do not count against the person elsewhere.
        if let Some(counter) = per_person_and_address {
            counter.check(&(person, self.peer), "sign_in")?;
        }
        if let Some(counter) = per_address {
            counter.check(&self.peer, "sign_in")?;
        }
        per_person.as_ref().map_or(Ok(()), |counter| counter.check(&person, "sign_in"))
    }

    /// Counts a request of this caller, and waits for its turn while other accounts ask too. [`Caller`]'s extractor
    /// calls it for every request with a token.
    pub async fn admit(&self, caller: &Caller) -> Result<(), Problem> {
        if let Some(counter) = &self.callers {
            counter.check(&(caller.account, caller.user), "caller")?;
        }
        if let Some(counter) = &self.accounts {
            counter.check(&caller.account, "account")?;
        }
        if let Some(pace) = &self.pace {
            pace.wait(caller.account).await;
        }
        Ok(())
    }

    /// Counts a webhook of this channel. The webhook's handler calls it once the signature is checked, so that only
    /// the provider's requests count. The error is the time to wait.
    pub fn check_channel(&self, account: AccountId, channel: ChannelId) -> Result<(), Duration> {
        if let Some(pace) = &self.pace {
            pace.note(account);
        }
        match &self.channels {
            Some(counter) => counter.wait(&channel, "channel"),
            None => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RateLimits {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(parts).ok_or_else(Problem::internal)
    }
}

impl OperationInput for RateLimits {}

/// The part of an address that stands for one machine: of IPv6 the first 64 bits, because a machine chooses the others.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// How long a refusal for too many requests is held back. A client that sends its next request as soon as it has an
/// answer would otherwise be refused some ten thousand times a second, at the cost of the other callers' requests.
const HELD_FOR: Duration = Duration::from_millis(250);

/// How many refusals are held back at the same time; the others are answered at once. Each costs some kilobytes.
const HELD: usize = 2_000;

/// The refusals that are held back. Cheap to clone.
#[derive(Clone)]
pub(crate) struct HeldRefusals(Arc<Semaphore>);

impl Default for HeldRefusals {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HELD)))
    }
}

/// Holds back the answer to a request that one of the rate limits refused.
pub(crate) async fn hold_refusals(
    State(held): State<HeldRefusals>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    if response.status() == StatusCode::TOO_MANY_REQUESTS
        && let Ok(_place) = held.0.try_acquire()
    {
        tokio::time::sleep(HELD_FOR).await;
    }
    response
}

/// Ends a request whose response does not begin within the limit.
pub(crate) async fn timeout(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("The request took too long.", Duration::from_secs(1)).into_response(),
    }
}
