//! The transport over WebSocket, from the start or after long-polling.

use super::Engine;
use super::packet::Packet;
use super::session::{Session, Transport};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;

/// The bytes that a connection keeps for reading. Agents send little, and a larger message gets a buffer of its own.
const READ_BUFFER: usize = 512;
/// The bytes that a connection collects before it writes.
const WRITE_BUFFER: usize = 8 * 1024;
/// The bytes that may wait to be written. A larger push waits alone.
const MOST_WAITING: usize = 4 * 1024 * 1024;
/// How long the last packets to a client may take.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long a WebSocket that is tried may take.
const UPGRADE: Duration = Duration::from_secs(10);

pub enum Begin {
    New(Arc<Session>),
    /// The client has polled until now.
    Upgrade(Arc<Session>),
}

pub fn accept(upgrade: WebSocketUpgrade, begin: Begin, engine: &Engine) -> Response {
    let (largest, sockets) = (engine.largest_payload, engine.sockets.clone());
    let failed = match &begin {
        Begin::New(session) => Some(session.clone()),
        Begin::Upgrade(_) => None,
    };
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MOST_WAITING)
        .max_message_size(largest)
        .max_frame_size(largest)
        .on_failed_upgrade(move |error| {
            tracing::debug!(%error, "a WebSocket was not opened");
            if let Some(session) = failed {
                session.end("its WebSocket was not opened");
            }
        })
        .on_upgrade(move |socket| {
            // The task of the upgrade ends here: an idle connection would keep its memory too.
            let (sink, stream) = socket.split();
            let socket = Socket { sink, stream };
            match begin {
                Begin::New(session) => sockets.spawn(run(socket, session)),
                Begin::Upgrade(session) => sockets.spawn(take_over(socket, session)),
            };
            std::future::ready(())
        })
}

/// The two directions of a WebSocket.
struct Socket {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
}

/// Tries the WebSocket of a client that polls, and goes on over it.
async fn take_over(mut socket: Socket, session: Arc<Session>) {
    if !session.change(Transport::Polling, Transport::Upgrading) {
        return close(&mut socket, "the session has a WebSocket").await;
    }
    let tried = tokio::time::timeout(UPGRADE, probe(&mut socket)).await;
    if tried != Ok(Some(())) {
        session.change(Transport::Upgrading, Transport::Polling);
        return close(&mut socket, "the upgrade was not finished").await;
    }
    session.change(Transport::Upgrading, Transport::WebSocket);
    run(socket, session).await;
}

async fn probe(socket: &mut Socket) -> Option<()> {
    loop {
        let text = text(socket.stream.next().await?.ok()?)?;
        match Packet::parse(&text) {
            Ok(Packet::Ping("probe")) => socket.sink.send(Message::text("3probe")).await.ok()?,
            Ok(Packet::Upgrade) => return Some(()),
            Ok(_) | Err(_) => return None,
        }
    }
}

fn text(message: Message) -> Option<Utf8Bytes> {
    match message {
        Message::Text(text) => Some(text),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
    }
}

async fn close(socket: &mut Socket, reason: &'static str) {
    // The client may be gone already.
    let _sent = socket.sink.send(Message::Close(Some(frame(close_code::POLICY, reason)))).await;
}

fn frame(code: u16, reason: &'static str) -> CloseFrame {
    CloseFrame { code, reason: Utf8Bytes::from_static(reason) }
}

async fn run(mut socket: Socket, session: Arc<Session>) {
    // Reading goes on while a slow client is written to: its pongs count.
    tokio::select! {
        () = read(&mut socket.stream, &session) => {}
        () = write(&mut socket.sink, &session) => {}
    }
    session.end("its WebSocket was closed");
    Box::pin(say_farewell(&mut socket, &session)).await;
}

/// Sends the last packets, and closes the WebSocket.
async fn say_farewell(Socket { sink, stream }: &mut Socket, session: &Session) {
    let reason = session.end_reason().unwrap_or_default();
    // The client may be gone already.
    let _sent = tokio::time::timeout(FAREWELL, async {
        while let Some(packet) = session.next() {
            sink.send(Message::Text(packet)).await?;
        }
        sink.send(Message::Close(Some(frame(close_code::NORMAL, reason)))).await?;
        // A connection that is closed with something unread is reset, and the client loses what it has not read.
        while stream.next().await.is_some_and(|message| message.is_ok()) {}
        Ok::<(), axum::Error>(())
    })
    .await;
}

async fn read(stream: &mut SplitStream<WebSocket>, session: &Session) {
    while let Some(Ok(message)) = stream.next().await {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return session.end("binary messages are not accepted: send JSON"),
            Message::Close(_) => return session.end("the client left"),
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        let Ok(packet) = Packet::parse(&text) else { return session.end("a packet was malformed") };
        if session.receive(packet).await.is_err() {
            return;
        }
    }
}

async fn write(sink: &mut SplitSink<WebSocket, Message>, session: &Session) {
    loop {
        // What is waiting is written at once.
        while let Some(packet) = session.next() {
            if sink.feed(Message::Text(packet)).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() || session.end_reason().is_some() {
            return;
        }
        session.something_to_send().await;
    }
}
