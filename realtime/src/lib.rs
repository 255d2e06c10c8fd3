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
pub mod presence;
mod push;
mod soft_state;

use crate::agents::Agents;
use crate::engine::{AllowsOrigin, Engine, Timing};
use crate::follower::Pushes;
use crate::hub::{Hub, Limits};
use crate::presence::Reports;
use crate::soft_state::SoftState;
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
    pub reports: Reports,
}

/// The service: the follower that feeds it, and what its clients tell each other.
pub struct Realtime {
    hub: Arc<Hub>,
    pushes: Pushes,
    soft: Arc<SoftState>,
    health: Health,
}

impl Realtime {
    /// A service that pushes what is appended from now on, and the route of its clients. Earlier pushes are read from
    /// the log when a client asks. The connections are closed when `stop` is cancelled.
    pub async fn open(
        log: DecodedLog,
        tables: Tables,
        settings: Settings,
        stop: CancellationToken,
    ) -> Result<(Self, Router), ReadError> {
        let end = log.store().end().await?.unwrap_or(Position::at(0));
        let hub = Hub::at(end, Limits::default());
        let pushes = Pushes { tables, log };
        let soft = SoftState::new(hub.clone(), &settings.clock);
        let agents = Arc::new(Agents {
            hub: hub.clone(),
            pushes: pushes.clone(),
            authenticator: settings.authenticator,
            clock: settings.clock.clone(),
            soft: soft.clone(),
            reports: settings.reports,
        });
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
        let router = engine::router(Arc::new(engine), PATH);
        Ok((Self { hub, pushes, soft, health: Health::default() }, router))
    }

    /// Whether events are pushed, and the reason why not.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Follows the log until `stop`. `others` are the processes to which typing and viewing is told.
    pub async fn run(self, others: Option<async_nats::Client>, stop: CancellationToken) {
        let talking = self.soft.run(others, stop.clone());
        tokio::join!(self.pushes.follow(self.hub, self.health, stop), talking);
    }
}
