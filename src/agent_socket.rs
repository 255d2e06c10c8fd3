//! The connection of an agent's client: the namespace `/agents` of Socket.IO 5 over the WebSocket of Engine.IO 4. For
//! the demonstration and the bench.

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// The beginning of a packet with an event.
pub const EVENT: &str = "42/agents,";
const CONNECTED: &str = "40/agents,";
const REFUSED: &str = "44/agents,";

/// The bytes that are read at once. The bench has ten thousand connections.
const READ_BUFFER: usize = 4 * 1024;

pub struct AgentSocket(WebSocketStream<TcpStream>);

impl AgentSocket {
    /// Connects, and waits until the server lets the agent in. Returns the server's answer as well.
    pub async fn connect(address: SocketAddr, auth: &Value) -> anyhow::Result<(Self, Value)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let url = format!("ws://{address}{}?EIO=4&transport=websocket", realtime::PATH);
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        let mut this = Self(socket);
        this.send(format!("{CONNECTED}{auth}")).await?;
        while let Some(packet) = this.packet().await? {
            if let Some(refusal) = packet.strip_prefix(REFUSED) {
                bail!("the client was not let in: {refusal}");
            }
            if let Some(answer) = packet.strip_prefix(CONNECTED) {
                let answer = serde_json::from_str(answer).context("the server's answer")?;
                return Ok((this, answer));
            }
        }
        bail!("the server closed the connection")
    }

    pub async fn send(&mut self, packet: String) -> anyhow::Result<()> {
        Ok(self.0.send(Message::text(packet)).await?)
    }

    /// The next packet that is no ping. `None` when the connection has ended.
    pub async fn packet(&mut self) -> anyhow::Result<Option<Utf8Bytes>> {
        while let Some(message) = self.0.next().await {
            match message? {
                Message::Text(ping) if ping == "2" => self.send("3".to_owned()).await?,
                Message::Text(packet) => return Ok(Some(packet)),
                Message::Close(_) => return Ok(None),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Ok(None)
    }
}
