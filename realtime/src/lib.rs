//! Pushes to agents over Socket.IO: what happens is sent to the clients that show it, in the order of the log, and a
//! client that was away goes on where it was.
//!
//! The log position is the offset of Socket.IO's own recovery, so that the stock client resumes by itself, on any
//! process. `docs/realtime.md` has the events and the client's rule.

mod agents;
pub mod engine;
mod follower;
mod hub;
mod packet;
mod push;

use crate::agents::Agents;
use crate::engine::{AllowsOrigin, Engine, Timing};
use crate::follower::Pushes;
use crate::hub::{Hub, Limits};
use ::follower::DecodedLog;
use ::follower::Health;
use axum::Router;
use event_schemas::{Clock, Position};
use event_store::ReadError;
use gate::Authenticator;
use projections::Tables;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// The path of the stock client.
pub const PATH: &str = "/socket.io/";

/// The bytes of a message of a client, and of a request with several.
const LARGEST_PAYLOAD: usize = 100_000;

/// The settings and parts of the service.
pub struct Settings {
    pub authenticator: Authenticator,
    pub allows_origin: AllowsOrigin,
    pub most_connections: usize,
    pub clock: Clock,
}

/// The service: its route, and the follower that feeds it.
pub struct Realtime {
    hub: Arc<Hub>,
    pushes: Pushes,
    agents: Arc<Agents>,
    health: Health,
}

impl Realtime {
    /// A service that pushes what is appended from now on. Earlier pushes are read from the log when a client asks.
    pub async fn open(log: DecodedLog, tables: Tables, settings: &Settings) -> Result<Self, ReadError> {
        let end = log.store().end().await?.unwrap_or(Position::at(0));
        let hub = Hub::at(end, Limits::default());
        let pushes = Pushes { tables, log };
        let agents = Arc::new(Agents {
            hub: hub.clone(),
            pushes: pushes.clone(),
            authenticator: settings.authenticator.clone(),
            clock: settings.clock.clone(),
        });
        Ok(Self { hub, pushes, agents, health: Health::default() })
    }

    /// The route of Socket.IO clients.
    pub fn router(&self, settings: Settings, stop: CancellationToken) -> Router {
        let agents = self.agents.clone();
        let engine = Engine {
            timing: Timing::default(),
            largest_payload: LARGEST_PAYLOAD,
            most_sessions: settings.most_connections,
            clock: settings.clock,
            stop,
            allows_origin: settings.allows_origin,
            serve: Box::new(move |session, messages| Box::pin(agents.clone().serve(session, messages))),
            sessions: Mutex::default(),
        };
        engine::router(Arc::new(engine), PATH)
    }

    /// Whether events are pushed, and the reason why not.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Follows the log until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        self.pushes.follow(self.hub, self.health, stop).await;
    }
}
