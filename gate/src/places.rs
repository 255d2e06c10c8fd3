//! The queries of one account that run at the same time. All accounts share the connections that read the tables, and
//! without a limit one account's queries would stand before those of the other accounts.

use crate::neighbours::Neighbours;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use event_schemas::AccountId;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::available_parallelism;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Inner>);

struct Inner {
    of_each: u32,
    accounts: Mutex<Accounts>,
}

#[derive(Default)]
struct Accounts {
    /// The accounts that have a query.
    asking: HashMap<AccountId, Weak<Semaphore>>,
    neighbours: Neighbours,
}

impl Places {
    /// As many for each account as there are processors, at least two, and fewer than the connections that read. There
    /// are at least three such connections.
    pub fn for_readers(connections: u32) -> Self {
        let processors = available_parallelism().map_or(2, NonZeroUsize::get);
        let processors = u32::try_from(processors).unwrap_or(u32::MAX);
        Self::of_each(processors.clamp(2, connections.saturating_sub(1).max(2)))
    }

    fn of_each(of_each: u32) -> Self {
        Self(Arc::new(Inner { of_each, accounts: Mutex::default() }))
    }

    /// Waits for a place of this account, in the order of the requests. While other accounts ask too, each has half of its
    /// places, because a query takes two. `None` never happens: no semaphore is closed.
    async fn take(&self, account: AccountId) -> Option<OwnedSemaphorePermit> {
        let (places, is_alone) = self.of_account(account, Instant::now());
        places.acquire_many_owned(if is_alone { 1 } else { 2 }).await.ok()
    }

    /// The account's places, and whether it is the only one that asks.
    fn of_account(&self, account: AccountId, now: Instant) -> (Arc<Semaphore>, bool) {
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_alone = accounts.neighbours.is_alone(account, now);
        if let Some(places) = accounts.asking.get(&account).and_then(Weak::upgrade) {
            return (places, is_alone);
        }
        accounts.asking.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(self.0.of_each as usize));
        accounts.asking.insert(account, Arc::downgrade(&places));
        (places, is_alone)
    }
}

/// The place of a request, which it holds until its response is made.
#[derive(Clone)]
struct Held {
    places: Places,
    place: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// The place that a request of an account can take.
pub struct PlaceOfRequest {
    held: Held,
    account: AccountId,
}

impl PlaceOfRequest {
    /// `None` when [`give_back`] is not called for the request.
    pub fn of(parts: &Parts, account: AccountId) -> Option<Self> {
        Some(Self { held: parts.extensions.get::<Held>()?.clone(), account })
    }

    /// Waits until the account may read the tables, unless the request has its place already. Call it after everything
    /// else that waits.
    pub async fn take(&self) {
        if self.held.place().is_none() {
            let place = self.held.places.take(self.account).await;
            *self.held.place() = place;
        }
    }
}

impl Held {
    fn place(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets handlers take a place, and gives it back when the response is made. A layer of the routes that read the tables.
pub async fn give_back(State(places): State<Places>, mut request: Request, next: Next) -> Response {
    let held = Held { places, place: Arc::default() };
    request.extensions_mut().insert(held.clone());
    let response = next.run(request).await;
    held.place().take();
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use futures::FutureExt;
    use tower::ServiceExt;

    const ACME: AccountId = AccountId::from_u128(1);
    const GLOBEX: AccountId = AccountId::from_u128(2);

    #[tokio::test]
    async fn an_account_with_many_queries_does_not_delay_another() {
        let places = Places::of_each(2);
        let (first, second) = (places.take(ACME).await, places.take(ACME).await);
        let mut third = Box::pin(places.take(ACME));
        assert!((&mut third).now_or_never().is_none());
        assert!(places.take(GLOBEX).now_or_never().is_some());
        drop(first);
        let third = third.now_or_never();
        assert!(third.is_some());
        // Now that both ask, each has one query at a time.
        drop((second, third));
        let _fourth = places.take(ACME).await;
        assert!(places.take(ACME).now_or_never().is_none());
        assert!(places.take(GLOBEX).now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_account_without_queries_leaves_nothing_behind() {
        let places = Places::of_each(2);
        for account in 0..100 {
            drop(places.take(AccountId::from_u128(account)).await.unwrap());
        }
        assert_eq!(places.0.accounts.lock().unwrap().asking.len(), 1);
    }

    #[tokio::test]
    async fn a_request_gives_its_place_back() {
        let places = Places::of_each(2);
        let handler = async |request: Request| {
            let place = PlaceOfRequest::of(&request.into_parts().0, ACME).unwrap();
            place.take().await;
            // It has its place.
            place.take().await;
        };
        let router =
            Router::new().route("/", get(handler)).layer(from_fn_with_state(places.clone(), give_back));
        for _ in 0..9 {
            let request = Request::get("/").body(Body::empty()).unwrap();
            assert!(router.clone().oneshot(request).now_or_never().is_some(), "the place is still taken");
        }
    }
}
