//! The assembled service, users with tokens, and short functions for requests.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use command_api::{http, problem};
use commands::Commands;
use event_schemas::{AccountId, Clock, ConversationId, Recorded, StreamId, Timestamp, UserId, Version};
use event_store::EventStore;
use event_store::sqlite::SqliteStore;
use gate::{About, AuthConfig, Authenticator, Claims, Cors, Gate, Limits, Role, assemble, issue_token};
use providers::{Providers, Timeouts, WHATSAPP_SIGNATURE_HEADER, sign};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;

const SECRET: &str = "a secret of at least thirty-two bytes";
const NOW: Timestamp = Timestamp::from_secs(1_795_222_800);
pub const ACME: AccountId = AccountId::from_u128(0xA);
pub const GLOBEX: AccountId = AccountId::from_u128(0xB);
/// An id that no item has.
pub const UNKNOWN_ID: &str = "00000000-0000-0000-0000-00000000dead";

pub struct Service {
    pub store: Arc<SqliteStore>,
    pub commands: Arc<Commands>,
    pub clock: Clock,
    pub router: Router,
    _folder: Arc<TempDir>,
}

/// A user with a token.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    token: String,
}

impl Person {
    pub fn token(&self) -> &str {
        &self.token
    }
}

pub fn person(account: AccountId, id: u128, role: Role, name: &str) -> Person {
    let id = UserId::from_u128(id);
    let claims = Claims::of(id, account, role).named(name);
    let token = issue_token(SECRET, claims, NOW, Duration::from_secs(86_400)).unwrap();
    Person { id, token: format!("Bearer {token}") }
}

pub fn ana() -> Person {
    person(ACME, 1, Role::Agent, "Ana")
}
pub fn ben() -> Person {
    person(ACME, 2, Role::Agent, "Ben")
}
pub fn sue() -> Person {
    person(ACME, 3, Role::Supervisor, "Sue")
}
pub fn adam() -> Person {
    person(ACME, 4, Role::Administrator, "Adam")
}
pub fn robot() -> Person {
    person(ACME, 5, Role::Service, "Robot")
}
/// An administrator of another account.
pub fn greta() -> Person {
    person(GLOBEX, 6, Role::Administrator, "Greta")
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
    /// Asserts the status, and returns the answer's JSON.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }
    /// Asserts that the answer is a problem of this kind about this field.
    #[track_caller]
    pub fn refuses(&self, status: u16, name: &str, field: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["type"], format!("/problems/{name}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{problem}");
        problem
    }
}

pub async fn start() -> Service {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(NOW);
    let store = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
    assemble_service(Arc::clone(&store), store, clock, Arc::new(folder))
}

/// A command service on this log.
fn assemble_service(
    store: Arc<SqliteStore>,
    log: Arc<dyn EventStore>,
    clock: Clock,
    folder: Arc<TempDir>,
) -> Service {
    let providers = Providers::new([], Timeouts::default(), clock.clone()).unwrap();
    let commands = Arc::new(Commands::new(log, Arc::new(providers), clock.clone()));
    let auth = AuthConfig { secret: Some(SECRET.to_owned()), ..AuthConfig::default() };
    let gate = Gate {
        about: About { title: "Commands".to_owned(), tags: http::TAGS.to_vec(), ..About::default() },
        authenticator: Authenticator::new(auth, clock.clone()).unwrap(),
        limits: Limits { per_caller: None, per_channel: None, ..Limits::default() },
        cors: Cors::default(),
        clock: clock.clone(),
        metrics: None,
        checks: Vec::new(),
        serves_operations: true,
        descriptions: Vec::new(),
        problems: problem::KINDS.to_vec(),
    };
    let router = assemble(http::router(commands.clone()), gate);
    Service { store, commands, clock, router, _folder: folder }
}

impl Service {
    /// A second service on the same log, as another process has it.
    pub fn second(&self) -> Service {
        self.on(self.store.clone())
    }

    /// The service on another store of the same log.
    pub fn on(&self, log: Arc<dyn EventStore>) -> Service {
        assemble_service(Arc::clone(&self.store), log, self.clock.clone(), Arc::clone(&self._folder))
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, text }
    }

    pub async fn ask(
        &self,
        who: &Person,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("authorization", &who.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn post(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.ask(who, Method::POST, path, &[], body).await
    }
    pub async fn patch(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.ask(who, Method::PATCH, path, &[], body).await
    }
    pub async fn delete(&self, who: &Person, path: &str) -> Answer {
        self.ask(who, Method::DELETE, path, &[], Value::Null).await
    }

    /// A channel of the type `api`, which accepts messages from any service of the account.
    pub async fn api_channel(&self) -> String {
        let body = json!({ "channel_type": "api", "name": "Web shop" });
        id(&self.post(&adam(), "/v1/channels", body).await.is(201))
    }

    pub async fn whatsapp_channel(&self) -> String {
        id(&self.post(&adam(), "/v1/channels", whatsapp("Support")).await.is(201))
    }

    /// Begins a conversation with Abebe, and returns its path.
    pub async fn conversation(&self) -> String {
        let channel = self.api_channel().await;
        let body = json!({
            "channel_id": channel, "contact_identifier": "abebe", "display_name": "Abebe",
        });
        format!("/v1/conversations/{}", id(&self.post(&ana(), "/v1/conversations", body).await.is(201)))
    }

    /// A signed webhook request with a customer's text message.
    pub fn whatsapp_text(&self, channel: &str, from: &str, provider_id: &str, text: &str) -> Request<Body> {
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "15550001111", "phone_number_id": "106540352242922" },
                "contacts": [{ "profile": { "name": "Abebe" }, "wa_id": from }],
                "messages": [{
                    "from": from, "id": provider_id, "timestamp": "1795222800",
                    "type": "text", "text": { "body": text },
                }],
            }}]}],
        });
        webhook(channel, &body.to_string(), "app-secret")
    }

    pub async fn events(&self, path: &str) -> Vec<Recorded> {
        let id: ConversationId = path.rsplit('/').next().unwrap().parse().unwrap();
        self.store.read_stream(&StreamId::conversation(id), Version::FIRST, 1000).await.unwrap()
    }

    pub async fn event_types(&self, path: &str) -> Vec<String> {
        self.events(path).await.into_iter().map(|event| event.event_type.into_owned()).collect()
    }
}

pub fn webhook(channel: &str, body: &str, secret: &str) -> Request<Body> {
    Request::post(format!("/v1/webhooks/whatsapp/{channel}"))
        .header("content-type", "application/json")
        .header(WHATSAPP_SIGNATURE_HEADER, sign(secret, body.as_bytes()))
        .body(Body::from(body.to_owned()))
        .unwrap()
}

pub fn whatsapp(name: &str) -> Value {
    json!({
        "channel_type": "whatsapp",
        "name": name,
        "credentials": {
            "phone_number_id": "106540352242922",
            "access_token": "EAAJB-access",
            "app_secret": "app-secret",
            "verify_token": "verify-me",
        },
    })
}

/// The id of the created item.
#[track_caller]
pub fn id(created: &Value) -> String {
    created["id"].as_str().unwrap_or_else(|| panic!("no id: {created}")).to_owned()
}
