//! A small service to send requests to.

use aide::axum::ApiRouter;
use aide::axum::routing::{get, post, post_with};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use event_schemas::{AccountId, Clock, Timestamp, UserId};
use gate::auth::AuthConfigError;
use gate::{
    About, Administrator, AdministratorOrService, After, Agent, AuthConfig, Authenticator, Caller, Check,
    Claims, Cors, Gate, IdempotencyKey, IfMatch, Json, Limits, OptionalJson, Path, Problem, Query, RawBody,
    RequestContext, Role, StreamCaller, Supervisor, assemble, issue_token,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

pub const SECRET: &str = "a secret of at least thirty-two bytes";
pub const ACME: AccountId = AccountId::from_u128(0xA);
pub const GLOBEX: AccountId = AccountId::from_u128(0xB);
pub const ANA: UserId = UserId::from_u128(0x1);
pub const NOW: Timestamp = Timestamp::from_secs(1_795_222_800);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    name: String,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    size: u32,
}

#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Paging {
    #[serde(default)]
    limit: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    account: AccountId,
    number: u32,
}

fn shown(caller: &Caller) -> Json<Value> {
    Json(json!({
        "account": caller.account, "user": caller.user, "role": caller.role, "name": caller.name
    }))
}

async fn headers(
    After(after): After,
    IfMatch(version): IfMatch,
    IdempotencyKey(key): IdempotencyKey,
    context: RequestContext,
) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({
        "after": after,
        "version": version,
        "key": key.map(|keyed| keyed.key),
        "correlation_id": context.correlation_id,
        "traceparent": context.traceparent,
    })))
}

fn routes() -> ApiRouter {
    ApiRouter::new()
        .api_route("/whoami", get(async |caller: Caller| Ok::<_, Problem>(shown(&caller))))
        .api_route("/agents", get(async |Agent(caller): Agent| Ok::<_, Problem>(shown(&caller))))
        .api_route(
            "/supervisors",
            get(async |Supervisor(caller): Supervisor| Ok::<_, Problem>(shown(&caller))),
        )
        .api_route(
            "/admins",
            get(async |Administrator(caller): Administrator| Ok::<_, Problem>(shown(&caller))),
        )
        .api_route(
            "/programs",
            get(async |AdministratorOrService(caller): AdministratorOrService| {
                Ok::<_, Problem>(shown(&caller))
            }),
        )
        .api_route(
            "/things",
            post_with(async |Json(thing): Json<Thing>| Ok::<_, Problem>(Json(thing)), |op| op.tag("things")),
        )
        .api_route(
            "/notes",
            post(async |OptionalJson(note): OptionalJson<Note>| Ok::<_, Problem>(Json(note))),
        )
        .api_route(
            "/things/{id}",
            get(async |Path(id): Path<AccountId>, Query(paging): Query<Paging>| {
                Ok::<_, Problem>(Json(json!({ "id": id, "limit": paging.limit })))
            }),
        )
        .api_route(
            "/pairs/{account}/{number}",
            get(async |Path(pair): Path<Pair>| Ok::<_, Problem>(Json(pair))),
        )
        .api_route(
            "/tuples/{first}/{second}",
            get(async |Path((first, second)): Path<(AccountId, u32)>| {
                Ok::<_, Problem>(Json(json!({ "first": first, "second": second })))
            }),
        )
        .api_route("/headers", get(headers))
        .api_route("/stream-token", get(stream_token))
        .api_route("/stream", get(stream))
        .route("/raw", post(async |RawBody(body): RawBody| body))
        .route("/slow", axum::routing::get(async || std::future::pending::<()>().await))
        .route("/panic", axum::routing::get(panic_at_once))
}

async fn stream_token(Supervisor(caller): Supervisor, authenticator: Authenticator) -> Json<Value> {
    let issued = authenticator.issue_stream_token(&caller, vec!["Assigned".to_owned()]).unwrap();
    Json(json!({ "token": issued.token }))
}

#[derive(Deserialize, JsonSchema)]
struct StreamParams {
    #[serde(default, rename = "token")]
    _token: Option<String>,
}

async fn stream(StreamCaller { caller, selected }: StreamCaller, _: Query<StreamParams>) -> Json<Value> {
    let Caller { account, user, role, .. } = caller;
    Json(json!({ "account": account, "user": user, "role": role, "types": selected }))
}

async fn panic_at_once() -> StatusCode {
    panic!("as asked")
}

/// Builds the service under test.
pub struct Service {
    pub auth: AuthConfig,
    pub limits: Limits,
    pub cors: Cors,
    pub checks: Vec<Check>,
    pub clock: Clock,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            auth: AuthConfig { secret: Some(SECRET.to_owned()), ..AuthConfig::default() },
            limits: Limits::default(),
            cors: Cors::default(),
            checks: Vec::new(),
            clock: Clock::manual(NOW),
        }
    }
}

impl Service {
    pub fn try_build(self) -> Result<Router, AuthConfigError> {
        let gate = Gate {
            about: About {
                title: "Things".to_owned(),
                version: "1".to_owned(),
                description: "A service to test with.".to_owned(),
                tags: vec![("things", "What there is.")],
            },
            authenticator: Authenticator::new(self.auth, self.clock.clone())?,
            limits: self.limits,
            cors: self.cors,
            clock: self.clock,
            metrics: None,
            checks: self.checks,
            serves_operations: true,
            descriptions: Vec::new(),
            problems: Vec::new(),
        };
        Ok(assemble(routes(), gate))
    }
    pub fn build(self) -> Router {
        self.try_build().unwrap()
    }
}

/// A response with its whole body.
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or("")
    }
    /// Asserts that the response is a problem of this name, with its status and content type.
    #[track_caller]
    pub fn is_problem(&self, status: u16, name: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status.as_u16(), self.header("content-type"), problem["type"].as_str()),
            (status, "application/problem+json", Some(&*format!("/problems/{name}"))),
            "{problem}"
        );
        assert_eq!(problem["status"], status);
        problem
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

pub async fn send_get(router: &Router, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(router, request(Method::GET, path, headers, "")).await
}

pub async fn post_json(router: &Router, path: &str, body: &str) -> Answer {
    let headers = [(header::CONTENT_TYPE.as_str(), "application/json")];
    send(router, request(Method::POST, path, &headers, body)).await
}

/// The `Authorization` header of Ana at Acme.
pub fn token(role: Role) -> String {
    bearer(Claims::of(ANA, ACME, role).named("Ana"))
}

pub fn bearer(claims: Claims) -> String {
    format!("Bearer {}", issue_token(SECRET, claims, NOW, Duration::from_secs(3600)).unwrap())
}
