//! An agent's client: Socket.IO over a raw WebSocket.

use anyhow::{Context, bail, ensure};
use event_schemas::{ConversationId, Position};
use futures::{SinkExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// The beginnings of packets of the namespace.
const CONNECTED: &str = "40/agents,";
const EVENT: &str = "42/agents,";
const ANSWER: &str = "43/agents,0";

/// The bytes that a client reads at once. Ten thousand clients are in one process.
const READ_BUFFER: usize = 4 * 1024;

pub struct Agent {
    socket: WebSocketStream<TcpStream>,
    pid: String,
    /// The offset of the last event that had one.
    place: String,
}

/// An event: `42/agents,` and the array of its name and its arguments.
pub struct Event(Utf8Bytes);

impl Agent {
    /// Connects, and waits until the server lets the agent in. The first event is `sync`.
    pub async fn connect(address: SocketAddr, auth: &Value) -> anyhow::Result<(Self, Event)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let (socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await?;
        let mut agent = Self { socket, pid: String::new(), place: String::new() };
        let opened = agent.packet().await?;
        ensure!(opened.starts_with('0'), "a connection began with {opened}");
        agent.send(format!("{CONNECTED}{auth}")).await?;
        let connected = agent.packet().await?;
        let answer = connected.strip_prefix(CONNECTED).with_context(|| format!("not let in: {connected}"))?;
        let answer: Value = serde_json::from_str(answer)?;
        agent.pid = answer["pid"].as_str().unwrap_or_default().to_owned();
        let sync = agent.event().await?;
        ensure!(sync.is("sync"), "the first event was {}", sync.0);
        Ok((agent, sync))
    }

    /// Comes back as the stock client does: with the offset of the last event.
    pub async fn reconnect(address: SocketAddr, token: &str, last: &Last) -> anyhow::Result<(Self, Event)> {
        Self::connect(address, &json!({ "token": token, "pid": last.pid, "offset": last.place })).await
    }

    /// The place at which the client goes on.
    pub fn last(&self) -> Last {
        Last { pid: self.pid.clone(), place: self.place.clone() }
    }

    /// Joins a conversation, and waits for the answer.
    pub async fn join(&mut self, conversation: ConversationId) -> anyhow::Result<()> {
        let event = json!(["conversation:join", { "conversation_id": conversation }]);
        self.send(format!("{EVENT}0{event}")).await?;
        loop {
            let packet = self.packet().await?;
            if let Some(answer) = packet.strip_prefix(ANSWER) {
                ensure!(!answer.contains("\"error\""), "a conversation was not joined: {answer}");
                return Ok(());
            }
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> anyhow::Result<Event> {
        loop {
            let packet = self.packet().await?;
            if packet.starts_with(EVENT) {
                let event = Event(packet);
                if let Some(place) = event.place() {
                    self.place.clear();
                    self.place.push_str(place);
                }
                return Ok(event);
            }
        }
    }

    /// The next packet that is no ping.
    async fn packet(&mut self) -> anyhow::Result<Utf8Bytes> {
        loop {
            let message = self.socket.next().await.context("the server closed the connection")??;
            match message {
                Message::Text(text) if text == "2" => self.send("3".to_owned()).await?,
                Message::Text(text) => return Ok(text),
                Message::Close(frame) => bail!("the server closed the connection: {frame:?}"),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn send(&mut self, packet: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(packet)).await?)
    }
}

/// The place at which a client goes on.
#[derive(Clone, Debug)]
pub struct Last {
    pid: String,
    place: String,
}

impl Last {
    /// The offset of the place, without the conversations.
    pub fn offset(&self) -> &str {
        self.place.split_once('~').map_or(&self.place, |(offset, _)| offset)
    }
}

impl Event {
    fn array(&self) -> &str {
        &self.0[EVENT.len()..]
    }

    pub fn is(&self, name: &str) -> bool {
        self.array()
            .strip_prefix("[\"")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('"'))
    }

    /// The last argument, when it is a text.
    fn place(&self) -> Option<&str> {
        let rest = self.array().strip_suffix("\"]")?;
        rest.rsplit_once(",\"").map(|(_, place)| place)
    }

    /// The offset, without the conversations.
    pub fn offset(&self) -> Option<&str> {
        let place = self.place()?;
        Some(place.split_once('~').map_or(place, |(offset, _)| offset))
    }

    /// The position of the event of the log. `None` when the event is no push.
    pub fn position(&self) -> Option<Position> {
        let offset = self.offset()?;
        offset.split_once(':').map_or(offset, |(position, _)| position).parse().ok()
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// The object of the event.
    pub fn object<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        let arguments: Vec<&RawValue> = serde_json::from_str(self.array())?;
        let object = arguments.get(1).context("an event without an object")?;
        Ok(serde_json::from_str(object.get())?)
    }
}

/// Checks that each push names the event before it that had an offset, and the first one this offset.
pub fn in_order(first: &str, events: &[Event]) -> anyhow::Result<()> {
    let mut before = first;
    for event in events {
        let Some(offset) = event.offset() else { continue };
        if !event.is("sync") {
            let object: Value = event.object()?;
            ensure!(object["prev"] == before, "after {before} came a push that follows {}", object["prev"]);
        }
        before = offset;
    }
    Ok(())
}
