//! A simulated WhatsApp Cloud API on a free port of the loopback interface. It accepts messages as the real
//! API does, fails as a test configures it, and records the requests.

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

/// The behaviour of the API towards a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// Accepts the message and responds with its id.
    Accept,
    /// Refuses the message with this status and an empty body.
    Down(u16),
    /// Refuses the message with 429 and this `Retry-After`.
    TooMany { retry_after: String },
    /// Refuses the message with a Graph API error.
    Refuse { status: u16, code: i64, message: String },
    /// Does not accept the message, and responds with 200 and an HTML page.
    Nonsense,
    /// Accepts the message, and closes the connection before the response is complete.
    TakeAndBreakOff,
    /// Accepts the message, and responds when [`FakeWhatsApp::release`] is called.
    TakeAndHold,
}

/// A request that the API received.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    pub phone_number_id: String,
    pub authorization: Option<String>,
    pub body: Value,
}

/// A message that the API accepted.
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
    /// The webhook with a status of this message: `sent`, `delivered`, `read` or `failed`.
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
struct FakeState {
    usual: HashMap<String, Behaviour>,
    /// The numbers that the provider spells otherwise.
    wa_ids: HashMap<String, String>,
    next: VecDeque<Behaviour>,
    requests: Vec<Request>,
    taken: Vec<Taken>,
    held: usize,
}

#[derive(Clone)]
struct Shared {
    state: Arc<Mutex<FakeState>>,
    released: watch::Sender<u64>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.state.lock().unwrap()
    }
}

/// The server. It stops when this is dropped.
pub struct FakeWhatsApp {
    /// The `base_url` for a channel.
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
        let shared = Shared { state: Arc::default(), released: watch::channel(0).0 };
        let router =
            Router::new().route("/{version}/{number}/messages", post(take)).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, shared, server }
    }

    /// Sets the behaviour for all phone numbers from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        let mut state = self.shared.state();
        state.usual.clear();
        state.next.clear();
        state.usual.insert(String::new(), behaviour);
    }

    /// Sets the behaviour for messages from this phone number from now on.
    pub fn behave_for(&self, phone_number_id: &str, behaviour: Behaviour) {
        self.shared.state().usual.insert(phone_number_id.to_owned(), behaviour);
    }

    /// Sets the behaviour for the next requests, one each. Later requests get the usual behaviour.
    pub fn behave_next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.state().next.extend(behaviours);
    }

    /// Responds to every held request.
    pub fn release(&self) {
        self.shared.released.send_modify(|times| *times += 1);
    }

    /// The number of requests that are held now.
    pub fn held(&self) -> usize {
        self.shared.state().held
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// From now on the provider knows the customer of this number by another one.
    pub fn knows_as(&self, number: &str, wa_id: &str) {
        self.shared.state().wa_ids.insert(number.to_owned(), wa_id.to_owned());
    }

    pub fn how_many_requests(&self) -> usize {
        self.shared.state().requests.len()
    }

    pub fn how_many_taken(&self) -> usize {
        self.shared.state().taken.len()
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.shared.state().taken.clone()
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
        let mut state = shared.state();
        state.requests.push(Request {
            at: Instant::now(),
            phone_number_id: number.clone(),
            authorization: authorization.map(str::to_owned),
            body: body.clone(),
        });
        let usual = state.usual.get(&number).or(state.usual.get("")).cloned();
        let behaviour = state.next.pop_front().or(usual).unwrap_or(Behaviour::Accept);
        let takes =
            matches!(behaviour, Behaviour::Accept | Behaviour::TakeAndBreakOff | Behaviour::TakeAndHold);
        let mut answer = Value::Null;
        if takes {
            let id = format!("wamid.{number}.{}", state.taken.len() + 1);
            let to = body["to"].as_str().unwrap_or_default();
            let wa_id = state.wa_ids.get(to).map_or(body["to"].clone(), |known| json!(known));
            answer = json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": body["to"], "wa_id": wa_id }],
                "messages": [{ "id": id }],
            });
            state.taken.push(Taken { id, phone_number_id: number, body });
        }
        if behaviour == Behaviour::TakeAndHold {
            state.held += 1;
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
            shared.state().held -= 1;
            Json(answer).into_response()
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}
