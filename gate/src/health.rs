//! Liveness and readiness of the program.

use crate::extract::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::future::{BoxFuture, join_all};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A part of the program whose state `/readyz` shows. A required check must succeed for the program to be
/// ready; see [`Check::optional`].
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    required: bool,
    run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
}

/// A check that takes longer than this fails.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

impl Check {
    /// A required check. The error of `run` is a text for an operator.
    pub fn new<F, Fut>(name: &'static str, run: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name, required: true, run: Arc::new(move || Box::pin(run())) }
    }

    /// Makes the check optional: when it fails, the program stays ready, `/readyz` shows the error and its
    /// status is `degraded`.
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    async fn outcome(&self) -> (&'static str, String) {
        let state = match tokio::time::timeout(CHECK_TIMEOUT, (self.run)()).await {
            Ok(Ok(())) => "ok".to_owned(),
            Ok(Err(problem)) => problem,
            Err(_) => "no answer in time".to_owned(),
        };
        (self.name, state)
    }
}

/// The health of the program: of the whole and of each part.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<&'static str, String>,
}

pub(crate) async fn liveness() -> Json<Health> {
    Json(Health { status: "ok", checks: BTreeMap::new() })
}

/// The program is not ready for these reasons.
pub(crate) fn not_ready(reasons: BTreeMap<&'static str, String>) -> Response {
    let health = Json(Health { status: "unavailable", checks: reasons });
    (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], health).into_response()
}

pub(crate) async fn readiness(checks: Arc<[Check]>) -> Response {
    let required: Vec<&str> = checks.iter().filter(|check| check.required).map(|check| check.name).collect();
    let checks: BTreeMap<_, _> = join_all(checks.iter().map(Check::outcome)).await.into_iter().collect();
    let is_ok = |name: &&str| checks.get(name).is_none_or(|state| state == "ok");
    if checks.keys().all(is_ok) {
        Json(Health { status: "ok", checks }).into_response()
    } else if required.iter().all(is_ok) {
        Json(Health { status: "degraded", checks }).into_response()
    } else {
        not_ready(checks)
    }
}
