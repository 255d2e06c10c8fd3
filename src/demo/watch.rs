//! `verbatim demo --watch`: a client of the pushes, which prints a line for each.

use super::table::truncate;
use crate::agent_socket::{AgentSocket, EVENT};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
        let (socket, _) =
            AgentSocket::connect(address, &json!({ "token": token })).await.context("the pushes")?;
        let client = Client { socket, names: HashMap::new() };
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

struct Client {
    socket: AgentSocket,
    /// The name of the customer of each conversation.
    names: HashMap<String, String>,
}

impl Client {
    async fn print(mut self, pushed: watch::Sender<Versions>) -> anyhow::Result<()> {
        while let Some(packet) = self.socket.packet().await? {
            let Some(event) = packet.strip_prefix(EVENT) else { continue };
            let event: Vec<Value> = serde_json::from_str(event)?;
            let [Value::String(name), object, ..] = &event[..] else { continue };
            if let (true, Some(id)) = (name == "conversation:new", object["id"].as_str()) {
                // The first messages came before.
                let join = json!(["conversation:join", { "conversation_id": id, "after": "0" }]);
                self.socket.send(format!("{EVENT}{join}")).await?;
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
