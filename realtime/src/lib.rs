//! Pushes to agents and customers over Socket.IO: what happens is sent to the clients that show it, in the order of
//! the log, and a client that was away goes on where it was.
//!
//! The log position is the offset of Socket.IO's own recovery, so that the stock client resumes by itself, on any
//! process. `docs/realtime.md` has the events and the client's rule.

mod agents;
pub mod argument;
pub mod asyncapi;
mod clients;
pub mod contract;
pub mod customers;
pub mod engine;
pub mod events;
mod follower;
mod hub;
mod namespace;
mod packet;
pub mod presence;
mod push;
mod soft_state;
mod summaries;

use crate::clients::Clients;
use crate::contract::Contract;
use crate::engine::session::Transport;
use crate::engine::{AllowsOrigin, Engine, Timing};
use crate::follower::Pushes;
use crate::hub::Hub;
pub use crate::hub::Limits;
use crate::presence::Reports;
use crate::soft_state::SoftState;
use crate::summaries::Summaries;
use ::follower::DecodedLog;
use ::follower::Health;
use axum::Router;
use event_schemas::{Clock, Position};
use event_store::ReadError;
use gate::Authenticator;
use projections::Tables;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The path of the stock client.
pub const PATH: &str = "/socket.io/";

/// The bytes of a message of a client, and of a request with several.
const LARGEST_PAYLOAD: usize = 100_000;

/// How long the pushes may stand while the log goes on, before the process is not ready.
const LATE: Duration = Duration::from_secs(10);
/// How long the connections may take to be closed when the process ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The result of a check: the reason why the service is not ready.
pub type Checked = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The settings and parts of the service.
pub struct Settings {
    pub authenticator: Authenticator,
    pub allows_origin: AllowsOrigin,
    pub most_connections: usize,
    pub clock: Clock,
    pub reports: Reports,
    pub limits: Limits,
    /// How often the token of a connected client is checked again.
    pub token_check: Duration,
    /// The contract whose clients connect to the root namespace. `None` when it has no clients.
    pub contract: Option<Arc<dyn Contract>>,
}

/// The service: the follower that feeds it, and what its clients tell each other.
pub struct Realtime {
    hub: Arc<Hub>,
    pushes: Pushes,
    soft: Arc<SoftState>,
    engine: Arc<Engine>,
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
        let hub = Hub::at(end, settings.limits);
        let pushes = Pushes { tables, log, contract: settings.contract.clone() };
        let soft = SoftState::new(hub.clone(), &settings.clock);
        let clients = Arc::new(Clients {
            hub: hub.clone(),
            pushes: pushes.clone(),
            authenticator: settings.authenticator,
            clock: settings.clock.clone(),
            soft: soft.clone(),
            reports: settings.reports,
            token_check: settings.token_check,
            contract: settings.contract,
        });
        let engine = Engine {
            timing: Timing::default(),
            largest_payload: LARGEST_PAYLOAD,
            most_sessions: settings.most_connections,
            clock: settings.clock,
            stop,
            allows_origin: settings.allows_origin,
            serve: Box::new(move |session, handshake, stop| {
                Box::pin(clients.clone().serve(session, handshake, stop))
            }),
            clients: TaskTracker::new(),
            sockets: TaskTracker::new(),
            sessions: Mutex::default(),
        };
        for transport in [Transport::Polling, Transport::WebSocket] {
            transport.connections().set(0.0);
        }
        let engine = Arc::new(engine);
        let router = engine::router(engine.clone(), PATH);
        Ok((Self { hub, pushes, soft, engine, health: Health::default() }, router))
    }

    /// A check that says why events are not pushed, or that the pushes are behind the log.
    pub fn check(&self) -> impl Fn() -> Checked + Send + Sync + 'static {
        let (hub, health, log) = (self.hub.clone(), self.health.clone(), self.pushes.log.clone());
        move || {
            let (hub, health, log) = (hub.clone(), health.clone(), log.clone());
            Box::pin(async move {
                if let Some(error) = health.error() {
                    return Err(error);
                }
                // The log's own check reports that it cannot be read.
                let Ok(Some(end)) = log.store().end().await else { return Ok(()) };
                match hub.idle() {
                    idle if end > hub.through() && idle > LATE => {
                        let seconds = idle.as_secs();
                        Err(format!(
                            "the pushes stand at {}, the log at {end}, for {seconds} s",
                            hub.through()
                        ))
                    }
                    _ => Ok(()),
                }
            })
        }
    }

    /// Waits for a second at most until each client knows that the process ends. Cancel the `stop` of [`Realtime::open`]
    /// before, and answer the requests of clients until then.
    pub fn farewell(&self) -> impl Future<Output = ()> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            if tokio::time::timeout(FAREWELL, engine.farewell()).await.is_err() {
                tracing::warn!("clients were not told in time that the process ends");
            }
        }
    }

    /// Follows the log until `stop`, and then waits for the connections to be closed. `others` connects to the processes
    /// that show who types and views.
    pub async fn run(self, others: Option<async_nats::Client>, stop: CancellationToken) {
        let (hub, summaries) = (&*self.hub, Summaries::default());
        tokio::join!(
            self.pushes.follow(hub, &summaries, &self.health, &stop),
            summaries.push(&self.pushes.tables, hub, &stop),
            self.soft.run(others, stop.clone()),
        );
        if tokio::time::timeout(FAREWELL, self.engine.closed()).await.is_err() {
            tracing::warn!("connections were not closed in time");
        }
    }
}
