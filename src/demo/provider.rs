//! A simulated WhatsApp API for the demonstration. It accepts the agents' messages and passes them on, so
//! that the demonstration can report by signed webhooks that they were delivered and read.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A message that the simulated API accepted.
pub struct Accepted {
    pub id: String,
    pub to: String,
    pub callback_data: Option<String>,
}

struct ProviderState {
    accepted: mpsc::UnboundedSender<Accepted>,
    count: AtomicU64,
}

/// Listens on a free port of the loopback interface. The receiver gets every accepted message.
pub async fn start() -> anyhow::Result<(SocketAddr, mpsc::UnboundedReceiver<Accepted>)> {
    let (accepted, receiver) = mpsc::unbounded_channel();
    let state = Arc::new(ProviderState { accepted, count: AtomicU64::new(0) });
    let routes = Router::new().route("/{version}/{number}/messages", post(accept)).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::warn!(%error, "the demonstration's WhatsApp server stopped");
        }
    });
    Ok((address, receiver))
}

async fn accept(
    State(state): State<Arc<ProviderState>>,
    Json(message): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let to = message["to"].as_str().unwrap_or_default().to_owned();
    let id = format!("wamid.demo.out.{}", state.count.fetch_add(1, Ordering::Relaxed));
    let callback_data = message["biz_opaque_callback_data"].as_str().map(str::to_owned);
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": to, "wa_id": to }],
        "messages": [{ "id": id }],
    });
    match state.accepted.send(Accepted { id, to, callback_data }) {
        Ok(()) => (StatusCode::OK, Json(answer)),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
    }
}
