//! A query parameter that an operation does not declare is refused, so that no caller believes in a filter that is
//! ignored. The declarations are those of the API's description.

use crate::problem::Problem;
use aide::openapi::{OpenApi, Parameter, ReferenceOr};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The webhooks of providers, who choose the parameters.
const OF_PROVIDERS: &str = "/v1/webhooks/";

/// The query parameters of each operation, by path and method.
#[derive(Debug, Default)]
pub(crate) struct DeclaredParameters(HashMap<(String, String), BTreeSet<String>>);

impl DeclaredParameters {
    pub(crate) fn of(api: &OpenApi) -> Arc<Self> {
        let mut declared = HashMap::new();
        for (path, item) in api.paths.iter().flat_map(|paths| paths.paths.iter()) {
            let ReferenceOr::Item(item) = item else { continue };
            if path.starts_with(OF_PROVIDERS) {
                continue;
            }
            for (method, operation) in item.iter() {
                let names = operation.parameters.iter().filter_map(|parameter| match parameter {
                    ReferenceOr::Item(Parameter::Query { parameter_data, .. }) => {
                        Some(parameter_data.name.clone())
                    }
                    ReferenceOr::Item(_) | ReferenceOr::Reference { .. } => None,
                });
                declared.insert((path.clone(), method.to_ascii_uppercase()), names.collect());
            }
        }
        Arc::new(Self(declared))
    }

    /// The problem of a request with a parameter that its operation does not declare.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let Some(query) = request.uri().query() else { return Ok(()) };
        let Some(path) = request.extensions().get::<MatchedPath>() else { return Ok(()) };
        let method = match *request.method() {
            Method::HEAD => "GET",
            ref method => method.as_str(),
        };
        let Some(declared) = self.0.get(&(path.as_str().to_owned(), method.to_owned())) else {
            return Ok(());
        };
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        let Some(unknown) = names.find(|name| !declared.contains(&**name)) else { return Ok(()) };
        let expected: Vec<_> = declared.iter().map(|name| format!("`{name}`")).collect();
        let detail = match expected.as_slice() {
            [] => format!("Unknown query parameter `{unknown}`: this operation has none."),
            some => format!("Unknown query parameter `{unknown}`, expected one of {}.", some.join(", ")),
        };
        Err(Problem::unreadable(detail).field(unknown))
    }
}

pub(crate) async fn refuse_undeclared(
    State(declared): State<Arc<DeclaredParameters>>,
    request: Request,
    next: Next,
) -> Response {
    match declared.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
