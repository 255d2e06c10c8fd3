//! The presence that a connected agent reports. A lost connection is not an absence: silence is.

use gate::{Caller, Problem};
use serde::Deserialize;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The presence that is reported of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceReport {
    /// The agent is connected.
    #[serde(skip_deserializing)]
    Heartbeat,
    Online,
    Away,
    Offline,
}

/// How presence is reported to the write side, and how often that of a connected agent is.
pub struct Reports {
    pub every: Duration,
    pub report: Report,
}

/// Reports the presence of an agent.
pub type Report = Box<dyn Fn(Caller, PresenceReport) -> Reported + Send + Sync>;

/// The agent's presence after a report, or the reason why it is refused.
pub type Reported = Pin<Box<dyn Future<Output = Result<Value, Problem>> + Send>>;
