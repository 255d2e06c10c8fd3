//! Engine.IO 4: a two-way stream of messages over HTTP long-polling, WebSocket, or first one and then the other
//! (`docs/engine.io-protocol/v4-current.md` of socketio/socket.io).

pub mod packet;
mod polling;
pub mod session;
mod websocket;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use event_schemas::Clock;
use serde::Deserialize;
use serde_json::json;
use session::{Registered, Session, Transport};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// When clients are pinged, and how long their answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
}

impl Default for Timing {
    /// The values of the Socket.IO server for Node.
    fn default() -> Self {
        Self { ping_interval: Duration::from_secs(25), ping_timeout: Duration::from_secs(20) }
    }
}

/// The work of an engine with each client, until the client leaves or the process ends. The headers are those of the
/// request that opened the session.
pub type Serve = Box<dyn Fn(Arc<Session>, HeaderMap, CancellationToken) -> Served + Send + Sync>;
/// Ends when the client has left or is sent away.
pub type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which pages may open a connection.
pub type AllowsOrigin = Box<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// The sessions of this process.
pub struct Engine {
    pub timing: Timing,
    /// The bytes of a message, and of a request with several.
    pub largest_payload: usize,
    /// The sessions at the same time.
    pub most_sessions: usize,
    pub clock: Clock,
    pub stop: CancellationToken,
    /// The tasks of the sessions, which say farewell before the process ends.
    pub clients: TaskTracker,
    /// The WebSockets, which get their last packets before the process ends.
    pub sockets: TaskTracker,
    pub allows_origin: AllowsOrigin,
    pub serve: Serve,
    pub sessions: Mutex<HashMap<Uuid, Arc<Session>>>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(rename = "EIO")]
    protocol: Option<String>,
    transport: Option<String>,
    sid: Option<String>,
}

/// The errors of Engine.IO, with their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Transport,
    Session,
    Method,
    Request,
    Forbidden,
    Protocol,
    Full,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Transport => (StatusCode::BAD_REQUEST, 0, "Transport unknown"),
            Self::Session => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::Method => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::Request => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::Forbidden => (StatusCode::FORBIDDEN, 4, "Forbidden"),
            Self::Protocol => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, 3, "Too many connections"),
        };
        (status, axum::Json(json!({ "code": code, "message": message }))).into_response()
    }
}

/// The route of the engine. Clients append a slash to the path, or do not.
pub fn router(engine: Arc<Engine>, path: &str) -> Router {
    let path = path.trim_end_matches('/');
    Router::new()
        .route(path, any(handle))
        .route(&format!("{path}/"), any(handle))
        .layer(axum::extract::DefaultBodyLimit::max(engine.largest_payload))
        .with_state(engine)
}

async fn handle(
    State(engine): State<Arc<Engine>>,
    method: Method,
    headers: HeaderMap,
    Query(params): Query<Params>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    body: axum::body::Body,
) -> Result<Response, Refusal> {
    if !(engine.allows_origin)(&headers) {
        return Err(Refusal::Forbidden);
    }
    if params.protocol.as_deref() != Some("4") {
        return Err(Refusal::Protocol);
    }
    let session = params.sid.map(|sid| engine.find(&sid).ok_or(Refusal::Session)).transpose()?;
    match (params.transport.as_deref(), method, session, upgrade) {
        (Some("polling"), Method::GET, None, _) => {
            let session = engine.open(Transport::Polling, headers)?;
            Ok(polling::text(session.next().map(|packet| packet.to_string()).unwrap_or_default()))
        }
        (Some("polling" | "websocket"), _, None, Err(_)) => Err(Refusal::Method),
        (Some("polling"), Method::GET, Some(session), _) => polling::receive(&session).await,
        (Some("polling"), Method::POST, Some(session), _) => {
            polling::send(&session, body, engine.largest_payload).await
        }
        (Some("websocket"), Method::GET, session, Ok(upgrade)) => {
            let session = match session {
                Some(session) => websocket::Begin::Upgrade(session),
                None => websocket::Begin::New(engine.open(Transport::WebSocket, headers)?),
            };
            Ok(websocket::accept(upgrade, session, &engine))
        }
        (Some("polling" | "websocket"), ..) => Err(Refusal::Request),
        _ => Err(Refusal::Transport),
    }
}

impl Engine {
    /// Waits until each client knows that the process ends, after `stop`. Requests are still answered meanwhile, because
    /// a client that polls is told by the answer to its next one.
    pub async fn farewell(&self) {
        self.clients.close();
        self.clients.wait().await;
    }

    /// Waits until the WebSockets are closed, after `stop`.
    pub async fn closed(&self) {
        self.sockets.close();
        self.sockets.wait().await;
    }

    fn find(&self, id: &str) -> Option<Arc<Session>> {
        let session = self.lock().get(&Uuid::try_parse(id).ok()?).cloned()?;
        session.end_reason().is_none().then_some(session)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session, whose first packet says how to use it.
    fn open(self: &Arc<Self>, transport: Transport, headers: HeaderMap) -> Result<Arc<Session>, Refusal> {
        let id = self.clock.fresh_id();
        let session = Session::new(id, transport, self.timing);
        let mut sessions = self.lock();
        if sessions.len() >= self.most_sessions || self.stop.is_cancelled() {
            return Err(Refusal::Full);
        }
        sessions.insert(id, session.clone());
        drop(sessions);
        let upgrades: &[&str] = if transport == Transport::Polling { &["websocket"] } else { &[] };
        let opened = json!({
            "sid": id.simple().to_string(),
            "upgrades": upgrades,
            "pingInterval": self.timing.ping_interval.as_millis() as u64,
            "pingTimeout": self.timing.ping_timeout.as_millis() as u64,
            "maxPayload": self.largest_payload,
        });
        session.send(format!("0{opened}"));
        let registered = Registered { engine: self.clone(), session: session.clone() };
        let served = (self.serve)(session.clone(), headers, self.stop.clone());
        self.clients.spawn(async move {
            let session = &registered.session;
            tokio::select! {
                () = served => {}
                () = session.beat() => {}
                () = session.until_ended() => {}
            }
            drop(registered);
        });
        Ok(session)
    }

    fn forget(&self, id: Uuid) {
        self.lock().remove(&id);
    }
}
