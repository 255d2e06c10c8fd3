//! A Cloud API on a free port of this machine: takes messages as the real one does, misbehaves when told
//! to, and remembers what it got.

#![allow(dead_code, clippy::unwrap_used)]

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a request meets.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// Takes the message and answers its id.
    Accept,
    /// Refuses with this status and no more.
    Down(u16),
    /// 429, with the header as given.
    TooMany { retry_after: String },
    /// Refuses with a Graph API error.
    Refuse { status: u16, code: i64, message: String },
    /// Takes nothing and answers 200 with something else than an answer.
    Nonsense,
    /// Takes the message, and the connection breaks before the answer is through.
    TakeAndBreakOff,
    /// Takes the message and answers when [`FakeWhatsApp::release`] is called.
    TakeAndHold,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    pub phone_number_id: String,
    pub authorization: Option<String>,
    pub body: Value,
}

/// A message the fake has taken.
#[derive(Clone, Debug)]
pub struct Taken {
    pub id: String,
    pub phone_number_id: String,
    pub body: Value,
}

impl Taken {
    pub fn to(&self) -> &str {
        self.body["to"].as_str().or(self.body["recipient"].as_str()).unwrap_or_default()
    }
    pub fn text(&self) -> &str {
        self.body["text"]["body"].as_str().unwrap_or_default()
    }
    /// The webhook that says how far this message has come: `sent`, `delivered`, `read` or `failed`.
    pub fn status(&self, status: &str, seconds: i64) -> Value {
        let mut element = json!({
            "id": self.id,
            "status": status,
            "timestamp": seconds.to_string(),
            "recipient_id": self.to(),
            "biz_opaque_callback_data": self.body["biz_opaque_callback_data"],
        });
        if status == "failed" {
            element["errors"] = json!([{ "code": 131026, "title": "Message undeliverable" }]);
        }
        json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "0", "phone_number_id": self.phone_number_id },
                "statuses": [element],
            }}]}],
        })
    }
}

#[derive(Default)]
struct Memory {
    usual: HashMap<String, Behaviour>,
    next: VecDeque<Behaviour>,
    requests: Vec<Request>,
    taken: Vec<Taken>,
    held: usize,
}

#[derive(Clone)]
struct Shared {
    memory: Arc<Mutex<Memory>>,
    released: watch::Sender<u64>,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }
}

/// Stops when it is dropped.
pub struct FakeWhatsApp {
    /// For a channel's `base_url`.
    pub base_url: String,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for FakeWhatsApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl FakeWhatsApp {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared { memory: Arc::default(), released: watch::channel(0).0 };
        let router =
            Router::new().route("/{version}/{number}/messages", post(take)).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, shared, server }
    }

    /// From now on, for every number.
    pub fn behave(&self, behaviour: Behaviour) {
        let mut memory = self.shared.memory();
        memory.usual.clear();
        memory.next.clear();
        memory.usual.insert(String::new(), behaviour);
    }

    /// From now on, for messages sent by this number.
    pub fn behave_for(&self, phone_number_id: &str, behaviour: Behaviour) {
        self.shared.memory().usual.insert(phone_number_id.to_owned(), behaviour);
    }

    /// For the next requests, one each; afterwards as before.
    pub fn behave_next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.memory().next.extend(behaviours);
    }

    /// Lets every held request go.
    pub fn release(&self) {
        self.shared.released.send_modify(|times| *times += 1);
    }

    /// How many requests are held now.
    pub fn held(&self) -> usize {
        self.shared.memory().held
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.memory().requests.clone()
    }

    pub fn how_many_requests(&self) -> usize {
        self.shared.memory().requests.len()
    }

    pub fn how_many_taken(&self) -> usize {
        self.shared.memory().taken.len()
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.shared.memory().taken.clone()
    }
}

async fn take(
    State(shared): State<Shared>,
    Path((_version, number)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut released = shared.released.subscribe();
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (behaviour, answer) = {
        let mut memory = shared.memory();
        memory.requests.push(Request {
            at: Instant::now(),
            phone_number_id: number.clone(),
            authorization: authorization.map(str::to_owned),
            body: body.clone(),
        });
        let usual = memory.usual.get(&number).or(memory.usual.get("")).cloned();
        let behaviour = memory.next.pop_front().or(usual).unwrap_or(Behaviour::Accept);
        let takes =
            matches!(behaviour, Behaviour::Accept | Behaviour::TakeAndBreakOff | Behaviour::TakeAndHold);
        let mut answer = Value::Null;
        if takes {
            let id = format!("wamid.{number}.{}", memory.taken.len() + 1);
            answer = json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": body["to"], "wa_id": body["to"] }],
                "messages": [{ "id": id }],
            });
            memory.taken.push(Taken { id, phone_number_id: number, body });
        }
        if behaviour == Behaviour::TakeAndHold {
            memory.held += 1;
        }
        (behaviour, answer)
    };
    match behaviour {
        Behaviour::Accept => Json(answer).into_response(),
        Behaviour::Down(status) => status_code(status).into_response(),
        Behaviour::TooMany { retry_after } => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after)]).into_response()
        }
        Behaviour::Refuse { status, code, message } => {
            let error = json!({ "error": { "message": message, "type": "OAuthException", "code": code } });
            (status_code(status), Json(error)).into_response()
        }
        Behaviour::Nonsense => "<html>Welcome</html>".into_response(),
        Behaviour::TakeAndBreakOff => {
            let broken = futures::stream::iter([Err::<Vec<u8>, _>(std::io::Error::other("broken off"))]);
            Body::from_stream(broken).into_response()
        }
        Behaviour::TakeAndHold => {
            let _released = released.changed().await;
            shared.memory().held -= 1;
            Json(answer).into_response()
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}
