//! Pushes to agents: their processor time and memory, how soon they come, and how clients come back.
//!
//! The clients are raw WebSockets in this process, so that the server's processor time is its own. The control is
//! Socket.IO for Node (`tests/realtime-control`) with the same clients.

mod accounts;
mod agent;
mod fan_out;
mod fence;
mod idle;
mod node;
mod reconnect;
mod resume;
mod webhook;

use super::BenchOptions;
use super::table::Table;
use node::Node;
use std::path::Path;

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The memory of idle connections.
    Idle,
    /// An agent who comes back after ten thousand pushes.
    Resume,
    /// The processor time of deliveries.
    Deliveries,
    /// From the webhook to the agent's frame.
    Webhook,
    /// Five hundred agents who come back at once.
    Reconnect,
    /// A query on every push.
    Queries,
}

pub async fn measure(
    folder: &Path,
    postgres: Option<&str>,
    options: &BenchOptions,
    table: &mut Table,
) -> anyhow::Result<()> {
    let BenchOptions { control, rounds, parts, .. } = options;
    if !Node::is_installed(control) {
        eprintln!("without the control: install it with `npm ci --prefix {}`", control.display());
    }
    let folder = folder.join("realtime");
    let includes = |part| parts.is_empty() || parts.contains(&part);
    if includes(Part::Idle) {
        idle::measure(&folder, postgres, control, table).await?;
    }
    if includes(Part::Resume) {
        resume::measure(&folder, postgres, *rounds, table).await?;
    }
    if includes(Part::Deliveries) {
        fan_out::measure(&folder, postgres, control, *rounds, table).await?;
    }
    if includes(Part::Webhook) {
        webhook::measure(&folder, postgres, table).await?;
    }
    if includes(Part::Reconnect) {
        reconnect::measure(&folder, postgres, table).await?;
    }
    if includes(Part::Queries) {
        fence::measure(&folder, postgres, options.pushes, table).await?;
    }
    Ok(())
}
