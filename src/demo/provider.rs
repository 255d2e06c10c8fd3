//! A stand-in for WhatsApp during the demonstration: it takes what agents send and tells, by signed
//! webhooks, that it was delivered and read, as the real one would.

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

/// A message that was handed over.
pub struct Accepted {
    pub id: String,
    pub to: String,
    pub callback_data: Option<String>,
}

struct Desk {
    accepted: mpsc::UnboundedSender<Accepted>,
    count: AtomicU64,
}

/// Listens on a free port of this machine. What it accepts comes out of the receiver.
pub async fn start() -> anyhow::Result<(SocketAddr, mpsc::UnboundedReceiver<Accepted>)> {
    let (accepted, comes_out) = mpsc::unbounded_channel();
    let desk = Arc::new(Desk { accepted, count: AtomicU64::new(0) });
    let routes = Router::new().route("/{version}/{number}/messages", post(take)).with_state(desk);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::warn!(%error, "the stand-in for WhatsApp stopped");
        }
    });
    Ok((address, comes_out))
}

async fn take(State(desk): State<Arc<Desk>>, Json(message): Json<Value>) -> (StatusCode, Json<Value>) {
    let to = message["to"].as_str().unwrap_or_default().to_owned();
    let id = format!("wamid.demo.out.{}", desk.count.fetch_add(1, Ordering::Relaxed));
    let callback_data = message["biz_opaque_callback_data"].as_str().map(str::to_owned);
    let answer = json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": to, "wa_id": to }],
        "messages": [{ "id": id }],
    });
    match desk.accepted.send(Accepted { id, to, callback_data }) {
        Ok(()) => (StatusCode::OK, Json(answer)),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
    }
}
