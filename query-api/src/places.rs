//! The queries of one account that run at the same time. All accounts share the connections that read the tables, and
//! without a limit one account's queries would stand before those of the other accounts.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use event_schemas::AccountId;
use follower::Sizes;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::available_parallelism;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Places(Arc<Inner>);

struct Inner {
    of_each: usize,
    /// The accounts that have a query.
    accounts: Mutex<HashMap<AccountId, Weak<Semaphore>>>,
}

impl Default for Places {
    /// As many for each account as there are processors, at least two, and fewer than the connections that read.
    fn default() -> Self {
        let processors = available_parallelism().map_or(2, NonZeroUsize::get);
        Self::of_each(processors.clamp(2, Sizes::default().readers as usize - 1))
    }
}

impl Places {
    fn of_each(of_each: usize) -> Self {
        Self(Arc::new(Inner { of_each, accounts: Mutex::default() }))
    }

    /// Waits for a place of this account, in the order of the requests. `None` never happens: no semaphore is closed.
    async fn take(&self, account: AccountId) -> Option<OwnedSemaphorePermit> {
        self.of_account(account).acquire_owned().await.ok()
    }

    fn of_account(&self, account: AccountId) -> Arc<Semaphore> {
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = accounts.get(&account).and_then(Weak::upgrade) {
            return places;
        }
        accounts.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(self.0.of_each));
        accounts.insert(account, Arc::downgrade(&places));
        places
    }
}

/// The place of a request, which it holds until its response is made.
#[derive(Clone)]
struct PlaceOfRequest {
    places: Places,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// Waits until the account of this request may read the tables. Call it after everything else that waits.
pub async fn take_place(parts: &Parts, account: AccountId) {
    let Some(request) = parts.extensions.get::<PlaceOfRequest>() else { return };
    let place = request.places.take(account).await;
    *request.held.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

/// Lets handlers take a place, and gives it back when the response is made.
pub async fn give_back(State(places): State<Places>, mut request: Request, next: Next) -> Response {
    let place = PlaceOfRequest { places, held: Arc::default() };
    request.extensions_mut().insert(place.clone());
    let response = next.run(request).await;
    place.held.lock().unwrap_or_else(PoisonError::into_inner).take();
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
        let (first, _second) = (places.take(ACME).await, places.take(ACME).await);
        let mut third = Box::pin(places.take(ACME));
        assert!((&mut third).now_or_never().is_none());
        assert!(places.take(GLOBEX).now_or_never().is_some());
        drop(first);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn an_account_without_queries_leaves_nothing_behind() {
        let places = Places::of_each(1);
        for account in 0..100 {
            drop(places.take(AccountId::from_u128(account)).await.unwrap());
        }
        assert_eq!(places.0.accounts.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_request_gives_its_place_back() {
        let places = Places::of_each(1);
        let handler = async |request: Request| take_place(&request.into_parts().0, ACME).await;
        let router =
            Router::new().route("/", get(handler)).layer(from_fn_with_state(places.clone(), give_back));
        for _ in 0..3 {
            let request = Request::get("/").body(Body::empty()).unwrap();
            assert!(router.clone().oneshot(request).now_or_never().is_some(), "the place is still taken");
        }
    }
}
