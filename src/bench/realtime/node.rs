//! The control: Socket.IO for Node, as a process of its own (`tests/realtime-control/server.js`).

use anyhow::{Context, ensure};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub struct Node {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Node {
    pub fn is_installed(folder: &Path) -> bool {
        folder.join("node_modules/socket.io").exists()
    }

    /// Starts it on a free port. `None` when it is not installed.
    pub async fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        if !Self::is_installed(folder) {
            return Ok(None);
        }
        let mut process = Command::new("node")
            .arg(folder.join("server.js"))
            .env("NODE_ENV", "production")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node could not be started")?;
        let input = process.stdin.take().context("no input")?;
        let mut output = BufReader::new(process.stdout.take().context("no output")?).lines();
        let port = output.next_line().await?.context("the control ended")?.parse()?;
        Ok(Some(Self { process, input, output, address: SocketAddr::from(([127, 0, 0, 1], port)) }))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the control has ended")
    }

    /// Has it send what this object says, and waits until it has.
    pub async fn send(&mut self, what: &Value) -> anyhow::Result<()> {
        self.input.write_all(format!("{what}\n").as_bytes()).await?;
        let said = self.output.next_line().await?;
        ensure!(said.as_deref() == Some("sent"), "the control said {said:?}");
        Ok(())
    }
}
