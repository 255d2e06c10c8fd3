//! Wiring of the pushes to agents: builds the service from the configuration and runs it.

use crate::config::Settings;
use anyhow::Context;
use command_api::http::presence::report_presence_of;
use commands::Commands;
use contracts::conversation_service::{self, ConversationService, Sockets};
use domain::agent::ReportedPresence;
use follower::DecodedLog;
use futures::future::BoxFuture;
use gate::{Check, Gate};
use projections::Tables;
use realtime::presence::{PresenceReport, Reports};
use realtime::{Realtime, asyncapi};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the tokens of connected clients are checked again. The keys of an identity provider are fetched less often.
const TOKEN_CHECK: Duration = Duration::from_secs(60);

/// The parts of the process that pushes need.
pub struct Pushing {
    pub tables: Tables,
    pub log: DecodedLog,
    pub commands: Arc<Commands>,
    /// The contract whose clients connect too. `None` when no account uses it.
    pub contract: Option<Arc<ConversationService>>,
    /// The address at which clients reach this server.
    pub url: String,
    /// The NATS servers over which the processes tell each other who types and views.
    pub nats: Option<publication::Settings>,
    pub stop: CancellationToken,
    pub stop_working: CancellationToken,
}

impl Pushing {
    /// Follows the log for the clients of Socket.IO. Returns their route, and what ends once each of them knows that the
    /// process stops.
    pub async fn start(
        self,
        settings: &Settings,
        gate: &mut Gate,
        working: &mut JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<(axum::Router, BoxFuture<'static, ()>)> {
        let cors = gate.cors.clone();
        let contracts = if self.contract.is_some() { &[conversation_service::NAMESPACE][..] } else { &[] };
        let realtime_settings = realtime::Settings {
            authenticator: gate.authenticator.clone(),
            allows_origin: Box::new(move |headers| cors.allows(headers)),
            most_connections: settings.connection_limit,
            clock: gate.clock.clone(),
            reports: reports(&self.commands),
            limits: realtime::Limits::default(),
            token_check: TOKEN_CHECK,
            contract: self.contract.map(|service| {
                let authenticator = gate.authenticator.clone();
                Arc::new(Sockets { service, authenticator }) as Arc<dyn realtime::contract::Contract>
            }),
        };
        let others = match &self.nats {
            Some(target) => {
                let client = publication::core_client(target, "verbatim realtime").await;
                Some(client.context("the NATS servers for typing and viewing")?)
            }
            None => None,
        };
        let (realtime, router) = Realtime::open(self.log, self.tables, realtime_settings, self.stop).await?;
        let description = asyncapi::description(env!("CARGO_PKG_VERSION"), &self.url, contracts);
        gate.descriptions.push(("/asyncapi.json", description.to_string().into()));
        gate.checks.push(Check::new("realtime", realtime.check()));
        let farewell = Box::pin(realtime.farewell());
        let stop = self.stop_working;
        working.spawn(async move {
            realtime.run(others, stop).await;
            Ok(())
        });
        Ok((gate.cors.clone().layer(router), farewell))
    }
}

/// The presence of connected agents. The heartbeat comes when half of the time has passed after which they are away.
fn reports(commands: &Arc<Commands>) -> Reports {
    let every = commands.presence_timeouts.away_after / 2;
    let commands = commands.clone();
    let report = move |caller: gate::Caller, report| {
        let commands = commands.clone();
        let reported = match report {
            PresenceReport::Heartbeat => ReportedPresence::Heartbeat,
            PresenceReport::Online => ReportedPresence::Online,
            PresenceReport::Away => ReportedPresence::Away,
            PresenceReport::Offline => ReportedPresence::Offline,
        };
        async move { report_presence_of(&commands, &caller, reported).await }
    };
    Reports { every, report: Box::new(move |caller, reported| Box::pin(report(caller, reported))) }
}
