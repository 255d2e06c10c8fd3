//! An agent's client, and the events that it gets.

use crate::agent_socket::{AgentSocket, EVENT};
use anyhow::{Context, ensure};
use event_schemas::{ConversationId, Position};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The beginning of the packet with the answer to a join.
const ANSWER: &str = "43/agents,0";

pub struct Agent {
    socket: AgentSocket,
    pid: String,
    /// The offset of the last event that had one.
    place: String,
}

/// An event: `42/agents,` and the array of its name and its arguments.
pub struct Event(Utf8Bytes);

impl Agent {
    /// Connects, and waits until the server lets the agent in. The first event is `sync`.
    pub async fn connect(address: SocketAddr, auth: &Value) -> anyhow::Result<(Self, Event)> {
        let (socket, answer) = AgentSocket::connect(address, auth).await?;
        let pid = answer["pid"].as_str().unwrap_or_default().to_owned();
        let mut agent = Self { socket, pid, place: String::new() };
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
        self.socket.send(format!("{EVENT}0{event}")).await?;
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

    async fn packet(&mut self) -> anyhow::Result<Utf8Bytes> {
        self.socket.packet().await?.context("the server closed the connection")
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
