//! `verbatim demo --watch`: a client of the pushes, which prints a line for each.

use super::table::truncate;
use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// The characters of a line after the event's name.
const WIDTH: usize = 100;
/// How long the last pushes may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The version of each conversation whose row was pushed.
type Versions = HashMap<String, u64>;

/// A client that prints what is pushed to it.
pub struct Watching {
    printing: JoinHandle<anyhow::Result<()>>,
    versions: watch::Receiver<Versions>,
}

impl Watching {
    /// Connects to the server at this address, and prints from now on.
    pub async fn start(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let client = Client::connect(address, token).await.context("the pushes")?;
        let (pushed, versions) = watch::channel(Versions::new());
        Ok(Self { printing: tokio::spawn(client.print(pushed)), versions })
    }

    /// Waits until the newest row of each of these conversations was printed.
    pub async fn until_printed(&mut self, conversations: &Value) -> anyhow::Result<()> {
        let rows = conversations["data"].as_array().cloned().unwrap_or_default();
        let has_all = |pushed: &Versions| {
            let version = |row: &Value| pushed.get(row["id"].as_str()?).copied();
            rows.iter().all(|row| version(row) >= row["version"].as_u64())
        };
        tokio::select! {
            ended = &mut self.printing => ended.context("the task of the pushes panicked")?,
            printed = tokio::time::timeout(TIME_LIMIT, self.versions.wait_for(has_all)) => {
                printed.context("some pushes did not come")?.map(drop).context("the connection has ended")
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.printing.abort();
    }
}

/// A client of Socket.IO 5 over the WebSocket of Engine.IO 4.
struct Client {
    socket: WebSocketStream<TcpStream>,
    /// The name of the customer of each conversation.
    names: HashMap<String, String>,
}

impl Client {
    async fn connect(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let url = format!("ws://{address}{}?EIO=4&transport=websocket", realtime::PATH);
        let (socket, _) = tokio_tungstenite::client_async(url, TcpStream::connect(address).await?).await?;
        let mut client = Self { socket, names: HashMap::new() };
        client.send(format!("40/agents,{}", json!({ "token": token }))).await?;
        while let Some(packet) = client.packet().await? {
            if let Some(refusal) = packet.strip_prefix("44/agents,") {
                bail!("the client was not let in: {refusal}");
            }
            if packet.starts_with("40/agents,") {
                return Ok(client);
            }
        }
        bail!("the connection has ended")
    }

    async fn send(&mut self, packet: String) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(packet)).await?)
    }

    /// The next packet that is no ping. `None` when the connection has ended.
    async fn packet(&mut self) -> anyhow::Result<Option<String>> {
        while let Some(message) = self.socket.next().await {
            match message? {
                Message::Text(ping) if ping == "2" => self.send("3".to_owned()).await?,
                Message::Text(packet) => return Ok(Some(packet.to_string())),
                Message::Close(_) => return Ok(None),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Ok(None)
    }

    async fn print(mut self, pushed: watch::Sender<Versions>) -> anyhow::Result<()> {
        while let Some(packet) = self.packet().await? {
            let Some(event) = packet.strip_prefix("42/agents,") else { continue };
            let event: Vec<Value> = serde_json::from_str(event)?;
            let [Value::String(name), object, ..] = &event[..] else { continue };
            if let (true, Some(id)) = (name == "conversation:new", object["id"].as_str()) {
                // The first messages came before.
                let join = json!(["conversation:join", { "conversation_id": id, "after": "0" }]);
                self.send(format!("42/agents,{join}")).await?;
            }
            if let (Some(id), Some(customer)) = (object["id"].as_str(), object["display_name"].as_str()) {
                self.names.insert(id.to_owned(), customer.to_owned());
            }
            println!("{}", self.line(name, object));
            if let ("conversation:new" | "conversation:updated", Some(id), Some(version)) =
                (&**name, object["id"].as_str(), object["version"].as_u64())
            {
                pushed.send_modify(|versions| {
                    versions.insert(id.to_owned(), version);
                });
            }
        }
        Ok(())
    }

    /// The line that shows an event: its name, the customer, and the fields that a reader looks for.
    fn line(&self, name: &str, object: &Value) -> String {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let id = object["conversation_id"].as_str().or(object["id"].as_str()).unwrap_or_default();
        let customer = self.names.get(id).map_or("", String::as_str);
        let shown = match name {
            "conversation:new" | "conversation:updated" => {
                let agent =
                    object["assignee_name"].as_str().map_or(String::new(), |agent| format!(", {agent}"));
                let (status, priority) = (text("status"), text("priority"));
                format!("{customer}: {status}{agent}, {priority}, messages: {}", object["message_count"])
            }
            "conversation:message" => format!("{customer}, {}: {}", text("sender_type"), text("content")),
            "conversation:message:updated" => {
                let state = object["delivery"]["state"].as_str().unwrap_or("changed");
                format!("{customer}, {state}: {}", text("content"))
            }
            _other => format!("{customer} {object}").trim().to_owned(),
        };
        format!("{name:<29} {}", truncate(&shown, WIDTH))
    }
}
