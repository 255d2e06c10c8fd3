//! The service before the program's parts are open: it answers at once, and says what the program waits for.

use crate::health;
use crate::problem::Problem;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tower::ServiceExt;

/// The service of a program that starts. Until [`Starting::started`] is called, `/healthz` is 200, `/readyz` names
/// what the program waits for, and every other request is refused with 503. Cheap to clone.
#[derive(Clone, Default)]
pub struct Starting {
    /// The program's own routes.
    router: Arc<OnceLock<Router>>,
    /// The parts that cannot be opened yet, with the reason.
    waiting: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Starting {
    /// The same program at another address, which later has other routes.
    pub fn elsewhere(&self) -> Self {
        Self { router: Arc::default(), waiting: Arc::clone(&self.waiting) }
    }

    /// The part cannot be opened yet, for this reason.
    pub fn waits_for(&self, part: &'static str, reason: String) {
        self.waiting().insert(part, reason);
    }

    /// The part is open.
    pub fn opened(&self, part: &'static str) {
        self.waiting().remove(part);
    }

    /// All parts are open: from now on these routes answer.
    pub fn started(&self, router: Router) {
        // The first router stays when this is called twice.
        let _first = self.router.set(router);
    }

    /// The routes at one address. `serves_operations` is false where health is served at another one.
    pub fn router(&self, serves_operations: bool) -> Router {
        let this = self.clone();
        Router::new().fallback(async move |request: Request| this.answer(request, serves_operations).await)
    }

    async fn answer(&self, request: Request, serves_operations: bool) -> Response {
        match self.router.get() {
            Some(router) => router.clone().oneshot(request).await.into_response(),
            None => match request.uri().path() {
                "/healthz" if serves_operations => health::liveness().await.into_response(),
                "/readyz" if serves_operations => health::not_ready(self.waiting().clone()),
                _ => {
                    let detail = "The program is starting; `/readyz` says what it waits for.";
                    Problem::unavailable(detail, Duration::from_secs(1)).into_response()
                }
            },
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;

    async fn status_and_text(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
        if parts.status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(parts.headers["retry-after"], "1");
        }
        (parts.status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_program_that_waits_for_its_database_says_so_and_serves_once_it_is_there() {
        let starting = Starting::default();
        let router = starting.router(true);
        starting.waits_for("event-log", "no server answers".to_owned());
        assert_eq!(status_and_text(&router, "/healthz").await.0, StatusCode::OK);
        let (status, text) = status_and_text(&router, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("\"event-log\":\"no server answers\""), "{text}");
        let (status, text) = status_and_text(&router, "/v1/teams").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("/problems/unavailable"), "{text}");

        starting.opened("event-log");
        starting.started(Router::new().route("/v1/teams", get(async || "teams")));
        assert_eq!(status_and_text(&router, "/v1/teams").await, (StatusCode::OK, "teams".to_owned()));
    }
}
