//! Wiring: starts the parts that run in this process, and stops them in order.

use crate::config::Settings;
use crate::connections::{self, ConnectionLimits};
use crate::credentials::Keys;
use crate::logging;
use crate::metrics;
use crate::progress::ProgressLine;
use crate::publishing;
use crate::pushing::Pushing;
use crate::restore;
use crate::token;
use anyhow::{Context, bail};
use axum::Router;
use command_api::credentials::Credentials;
use commands::Commands;
use contracts::conversation_service::{self, ConversationService};
use domain::agent::PresenceTimeouts;
use domain::person::SessionTimes;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, Clock, ConversationId};
use event_store::EventStore;
use follower::runner::{Chain, Progress, RunnerError};
use follower::{DecodedLog, Leases, Location, Sizes};
use futures::future::BoxFuture;
use gate::limits::Rate;
use gate::{
    About, AuthConfig, Authenticator, Check, Cors, Gate, JwksSource, Limits, Places, Problem,
    PrometheusHandle, Starting,
};
use process_managers::{ProcessManagers, Schedule, delivery, outgoing_webhooks};
use projections::generations::Generations;
use projections::{ReadSide, Tables};
use providers::outgoing_webhook::WebhookClient;
use providers::{AllowedAddresses, Connections, Providers, Timeouts};
use publication::Publication;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The parts that run in this process.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    command_api: bool,
    query_api: bool,
    contracts: bool,
    projections: bool,
    process_managers: bool,
    realtime: bool,
}

impl Parts {
    pub const ALL: Self = Self {
        command_api: true,
        query_api: true,
        contracts: true,
        projections: true,
        process_managers: true,
        realtime: true,
    };
    const NONE: Self = Self {
        command_api: false,
        query_api: false,
        contracts: false,
        projections: false,
        process_managers: false,
        realtime: false,
    };
    pub const COMMAND_API: Self = Self { command_api: true, ..Self::NONE };
    pub const QUERY_API: Self = Self { query_api: true, ..Self::NONE };
    pub const CONTRACTS: Self = Self { contracts: true, ..Self::NONE };
    pub const PROJECTIONS: Self = Self { projections: true, ..Self::NONE };
    pub const PROCESS_MANAGERS: Self = Self { process_managers: true, ..Self::NONE };
    pub const REALTIME: Self = Self { realtime: true, ..Self::NONE };

    fn execute_commands(self) -> bool {
        self.command_api || self.contracts || self.process_managers
    }

    fn needs_tables(self) -> bool {
        self.query_api || self.contracts || self.projections || self.process_managers || self.realtime
    }
}

/// How long requests and tasks may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(20);

/// Starts the parts, serves until SIGINT or SIGTERM, and stops them in order.
pub async fn run(settings: Settings, parts: Parts) -> anyhow::Result<()> {
    logging::start(&settings)?;
    start(&settings, parts).await?.run_until_signal().await
}

/// A running program.
pub struct Running {
    address: SocketAddr,
    stop_pushing: CancellationToken,
    /// Ends once each client that gets pushes knows that the process stops.
    farewell: BoxFuture<'static, ()>,
    stop_serving: CancellationToken,
    stop_working: CancellationToken,
    serving: JoinSet<anyhow::Result<()>>,
    working: JoinSet<anyhow::Result<()>>,
    store: Arc<dyn EventStore>,
    commands: Arc<Commands>,
    /// The log that the followers of this process share, so that each event is decoded once.
    log: DecodedLog,
    /// `None` when no part of this process needs them.
    tables: Option<Tables>,
}

/// Starts the parts. The port answers at once; this returns when the log and the location of the tables are open.
pub async fn start(settings: &Settings, parts: Parts) -> anyhow::Result<Running> {
    install_tls();
    // A metric whose handle is taken before the recorder is installed is never recorded.
    let metrics = metrics::recorder()?;
    if settings.uses_data_folder() {
        std::fs::create_dir_all(&settings.data)
            .with_context(|| format!("cannot create the data folder {}", settings.data.display()))?;
    }
    // The port is opened first, so that a wrong address is reported before the databases are opened.
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with --listen", settings.listen)
    })?;
    let address = listener.local_addr()?;
    let (stop_serving, mut serving) = (CancellationToken::new(), JoinSet::new());
    let starting = Starting::default();
    let limits = ConnectionLimits {
        total: settings.connection_limit,
        per_address: settings.connections_per_address,
        header_timeout: Duration::from_secs(settings.header_timeout),
    };
    serve(
        &mut serving,
        &stop_serving,
        listener,
        starting.router(settings.operations_listen.is_none()),
        limits,
    );
    let operations = match settings.operations_listen {
        Some(address) => {
            let listener = TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}: choose another address with --operations-listen")
            })?;
            let operations = starting.elsewhere();
            serve(&mut serving, &stop_serving, listener, operations.router(true), limits);
            Some(operations)
        }
        None => None,
    };
    let clock = Clock::System;
    let store = open_log(settings, &clock, &starting).await?;
    let mut commands = Commands::new(store.clone(), providers(settings, &clock)?, clock.clone());
    commands.presence_timeouts = PresenceTimeouts {
        away_after: Duration::from_secs(settings.agent_away_after),
        offline_after: Duration::from_secs(settings.agent_offline_after),
    };
    commands.webhook_addresses = allowed_addresses(settings)?;
    commands.side_effects_max_age = Duration::from_secs(settings.side_effects_max_age_seconds);
    commands.public_url.clone_from(&settings.public_url);
    commands.session_times = SessionTimes {
        idle: Duration::from_secs(settings.session_idle_seconds),
        longest: Duration::from_secs(settings.session_seconds),
    };
    commands.invitations_last = Duration::from_secs(settings.invitation_seconds);
    if parts.execute_commands() {
        let keys = Keys::load(settings)?;
        keys.warn(&*store).await;
        commands.credential_keys = keys.ring;
    }
    let commands = Arc::new(commands);

    let mut running = Running {
        address,
        stop_pushing: CancellationToken::new(),
        farewell: Box::pin(async {}),
        stop_serving,
        stop_working: CancellationToken::new(),
        serving,
        working: JoinSet::new(),
        store: store.clone(),
        commands: commands.clone(),
        log: DecodedLog::shared(store.clone()),
        tables: None,
    };
    let mut checks = vec![log_check(store.clone())];
    let publication =
        if parts.projections { publishing::configured(settings, address, &store, &clock)? } else { None };
    let (mut api, mut contract) = (aide::axum::ApiRouter::new(), None);
    let location = if parts.needs_tables() { Some(open_location(settings, &starting).await?) } else { None };
    if let Err(refused) = refuse_older_log(&store, location.as_ref(), publication.as_ref()).await {
        // Closing moves the write-ahead log into the file, so that nothing is left beside it when it is replaced.
        store.close().await;
        return Err(refused);
    }
    if let (Some(publication), Some(location)) = (publication, &location) {
        checks.push(publishing::check(&publication));
        let (leases, stop) = (Leases::new(location.clone()), running.stop_working.clone());
        running.working.spawn(async move {
            publishing::while_leased(publication, leases, stop).await;
            Ok(())
        });
    }
    if let Some(location) = &location
        && (parts.projections || parts.query_api || parts.contracts || parts.realtime)
    {
        let tables = running.open_tables(location.clone(), parts);
        let places = Places::for_readers(Sizes::default().readers);
        running.tables = Some(tables.clone());
        checks.push(tables_check(tables.clone(), store.clone()));
        contract = conversation_service(settings, parts, &commands, &tables)?.map(Arc::new);
        if parts.contracts
            && let Some(service) = &contract
        {
            api = api.merge(conversation_service::router(service.clone(), places.clone()));
        }
        if parts.query_api {
            let state = query_api::QueryState {
                tables,
                store: store.clone(),
                clock: clock.clone(),
                schemas_url: settings.schemas_url(address).into(),
                stop: running.stop_serving.clone(),
                growth: query_api::Growth::of(store.clone(), running.stop_serving.clone()),
            };
            api = api.merge(query_api::router(state, places));
            api = api.merge(running.drafts(settings, location.clone(), &clock));
        }
    }
    if let Some(location) = location
        && parts.process_managers
    {
        let manager_settings = process_managers::Settings {
            delivery: delivery_settings(settings),
            outgoing_webhooks: webhook_settings(settings, address)?,
        };
        let managers =
            ProcessManagers::new(location, running.log.clone(), commands.clone(), manager_settings);
        checks.push(managers_check(&managers));
        let stop = running.stop_working.clone();
        running.working.spawn(async move {
            managers.run(stop).await;
            Ok(())
        });
    }
    if parts.command_api {
        api = api.merge(command_api::http::router(commands.clone()));
    }
    let mut gate = gate(settings, parts, &commands, checks, metrics)?;
    let sockets = match &running.tables {
        Some(tables) if parts.realtime => {
            let pushing = Pushing {
                tables: tables.clone(),
                log: running.log.clone(),
                commands: commands.clone(),
                contract,
                url: settings.base_url(address),
                nats: publishing::target(settings, address)?,
                stop: running.stop_pushing.clone(),
                stop_working: running.stop_working.clone(),
            };
            let (sockets, farewell) = pushing.start(settings, &mut gate, &mut running.working).await?;
            running.farewell = farewell;
            Some(sockets)
        }
        Some(_) | None => None,
    };
    let health = gate::operations(&gate);
    let routes = gate::assemble(api, gate);
    let routes = match sockets {
        Some(sockets) => sockets.merge(routes),
        None => routes,
    };
    starting.started(match pages(settings, parts)? {
        Some(pages) => pages.merge(routes),
        None => routes,
    });
    // Ready only when the API answers.
    if let Some(operations) = operations {
        operations.started(health);
    }
    tracing::info!(%address, data = %settings.data.display(), "serving");
    Ok(running)
}

/// The agents' pages, which need all of the API and the pushes: a single part serves none.
#[cfg(feature = "ui")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature it refuses a setting")]
fn pages(settings: &Settings, parts: Parts) -> anyhow::Result<Option<Router>> {
    let has_all = parts.command_api && parts.query_api && parts.realtime;
    Ok(has_all.then(|| ui_server::router(settings.ui_dir.clone())))
}

#[cfg(not(feature = "ui"))]
fn pages(settings: &Settings, _parts: Parts) -> anyhow::Result<Option<Router>> {
    anyhow::ensure!(settings.ui_dir.is_none(), "ui_dir: this program was built without the feature `ui`");
    Ok(None)
}

async fn refuse_older_log(
    store: &Arc<dyn EventStore>,
    location: Option<&Location>,
    publication: Option<&Publication>,
) -> anyhow::Result<()> {
    if let Some(location) = location {
        restore::refuse_older_log(&**store, location).await?;
    }
    match publication {
        Some(publication) => publishing::refuse_older_log(publication).await,
        None => Ok(()),
    }
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The commands, for what an operator does beside the API.
    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// The tables, which are opened in the background: queries are refused until then.
    fn open_tables(&mut self, location: Location, parts: Parts) -> Tables {
        let stop = self.stop_working.clone();
        if parts.projections {
            let tables = Tables::waiting(Generations::new(location), "they are being opened");
            self.working.spawn(fill(tables.clone(), self.log.clone(), stop));
            return tables;
        }
        let reason = "waiting for `verbatim projections` to fill them";
        let tables = Tables::waiting(Generations::new(location), reason);
        let follower = tables.clone();
        self.working.spawn(async move {
            follower.follow(stop).await;
            Ok(())
        });
        tables
    }

    /// The routes of drafts, and the task that removes those that have ended.
    fn drafts(&mut self, settings: &Settings, location: Location, clock: &Clock) -> aide::axum::ApiRouter {
        let kept_for = Duration::from_secs(settings.drafts_kept_seconds);
        let drafts = drafts::Drafts::new(location, clock.clone(), kept_for);
        let (removing, stop) = (drafts.clone(), self.stop_working.clone());
        self.working.spawn(async move {
            removing.remove_old_ones(stop).await;
            Ok(())
        });
        let tables = self.tables.clone();
        drafts::router(drafts, Arc::new(KnownConversations(tables)))
    }

    /// Waits until queries can be answered.
    pub async fn until_open(&self) {
        while self.tables.as_ref().is_some_and(|tables| tables.current().is_err()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Serves until SIGINT or SIGTERM, or until a part fails.
    pub async fn run_until_signal(mut self) -> anyhow::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let failed = loop {
            tokio::select! {
                _ = interrupt.recv() => break None,
                _ = terminate.recv() => break None,
                Some(ended) = self.serving.join_next() => break Some(flat(ended)),
                Some(ended) = self.working.join_next() => match flat(ended) {
                    // A projection that cannot read an event is reported in the log and in /readyz. The other parts
                    // still serve requests.
                    Err(error) => tracing::error!(error = %format!("{error:#}"), "a part stopped"),
                    Ok(()) => continue,
                },
            }
        };
        tracing::info!("stopping");
        let stopped = self.stop().await;
        match failed {
            Some(ended) => ended,
            None => stopped,
        }
    }

    /// Tells the clients that get pushes, then stops taking requests, then stops the followers, then closes the log,
    /// which holds all acknowledged events.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_pushing.cancel();
        self.farewell.await;
        self.stop_serving.cancel();
        finish(&mut self.serving).await?;
        self.stop_working.cancel();
        finish(&mut self.working).await?;
        self.store.close().await;
        Ok(())
    }
}

/// The conversations that the tables have.
struct KnownConversations(Option<Tables>);

impl drafts::Conversations for KnownConversations {
    fn has(&self, account: AccountId, id: ConversationId) -> BoxFuture<'_, Result<bool, Problem>> {
        const PAUSE: Duration = Duration::from_secs(1);
        Box::pin(async move {
            let unknown = || Problem::unavailable("The conversations are not known at the moment.", PAUSE);
            let db = self.0.as_ref().and_then(|tables| tables.db().ok()).ok_or_else(unknown)?;
            let found = projections::queries::conversations::find(db.readers(), account, id, None).await;
            found.map(|found| found.is_some()).map_err(|error| {
                tracing::warn!(%error, "the tables cannot be read");
                unknown()
            })
        })
    }
}

fn serve(
    serving: &mut JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
) {
    let stop = stop.clone();
    serving.spawn(async move {
        let serving = connections::serve(listener, router, limits, stop.clone());
        // Event streams do not end by themselves, so connections that are still open after a while are closed.
        let time_limit = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE / 4).await;
        };
        tokio::select! {
            () = serving => Ok(()),
            () = time_limit => Ok(()),
        }
    });
}

/// How long to wait before a part that could not be opened is tried again.
const REOPEN: Duration = Duration::from_secs(1);

/// Opens the log. A server that cannot be reached is tried again until it answers.
async fn open_log(
    settings: &Settings,
    clock: &Clock,
    starting: &Starting,
) -> anyhow::Result<Arc<dyn EventStore>> {
    let url = settings.log_url();
    loop {
        match event_store::open(&url, clock.clone()).await {
            Ok(store) => {
                starting.opened("event-log");
                return Ok(store);
            }
            // A file that cannot be opened does not become right by itself.
            Err(error @ event_store::OpenError::Failed { .. }) if !url.starts_with("sqlite:") => {
                wait_for("event-log", &error, starting).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens the location of the tables. A server that cannot be reached is tried again until it answers.
async fn open_location(settings: &Settings, starting: &Starting) -> anyhow::Result<Location> {
    loop {
        match Location::open(&settings.tables_url()).await {
            Ok(location) => {
                starting.opened("read-models");
                return Ok(location);
            }
            Err(error) if error.may_pass() => wait_for("read-models", &error, starting).await,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn wait_for(part: &'static str, error: &(dyn std::error::Error + Sync), starting: &Starting) {
    let reason = Chain(error).to_string();
    tracing::warn!(part, error = %reason, "a database cannot be reached; trying again");
    starting.waits_for(part, reason);
    tokio::time::sleep(REOPEN).await;
}

/// Opens the tables, fills them first when there are none, and keeps them up to date until `stop` is cancelled.
async fn fill(tables: Tables, log: DecodedLog, stop: CancellationToken) -> anyhow::Result<()> {
    let mut progress = None;
    let mut on_progress = |now: &Progress| {
        if now.events > 5_000 {
            progress.get_or_insert_with(|| ProgressLine::start("events projected")).show(now.events, 0);
        }
    };
    let read_side = loop {
        let opened = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = ReadSide::open_in(tables.clone(), log.clone(), &mut on_progress) => opened,
        };
        match opened {
            Ok(read_side) => break read_side,
            Err(error) if error.may_pass() => {
                tracing::warn!(error = %Chain(&error), "the read models cannot be opened; trying again");
                tokio::time::sleep(REOPEN).await;
            }
            Err(error) => return Err(error).context("the projections stopped"),
        }
    };
    read_side.run(stop).await.context("the projections stopped")
}

async fn finish(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            flat(ended)?;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(GRACE, all).await {
        Ok(ended) => ended,
        Err(_) => bail!("a part of the process did not stop within {} seconds", GRACE.as_secs()),
    }
}

fn flat(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    ended.context("a part of the process panicked")?
}

/// Installs TLS for requests to providers and for fetching keys, once per process.
pub fn install_tls() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("a TLS provider is installed already");
        }
    });
}

fn providers(settings: &Settings, clock: &Clock) -> anyhow::Result<Arc<Providers>> {
    let base_urls = [(ChannelType::WhatsApp, settings.whatsapp_base_url.clone())];
    let connections = connections(settings, settings.provider_timeout)?;
    Ok(Arc::new(Providers::new(base_urls, connections, clock.clone())?))
}

fn delivery_settings(settings: &Settings) -> delivery::Settings {
    delivery::Settings {
        schedule: Schedule {
            first: Duration::from_millis(settings.delivery_backoff_ms),
            attempts: settings.delivery_attempts,
            ..Schedule::default()
        },
        grace: Duration::from_secs(settings.delivery_grace),
        give_up_after: Duration::from_secs(settings.side_effects_max_age_seconds),
        ..delivery::Settings::default()
    }
}

/// How providers and webhooks are called, when they may take this many seconds to answer.
fn connections(settings: &Settings, answer: u64) -> anyhow::Result<Connections> {
    let timeouts = Timeouts { answer: Duration::from_secs(answer), ..Timeouts::default() };
    Ok(Connections {
        timeouts,
        addresses: allowed_addresses(settings)?,
        proxy: settings.outgoing_proxy.clone(),
    })
}

fn allowed_addresses(settings: &Settings) -> anyhow::Result<AllowedAddresses> {
    if settings.webhooks_to_private_addresses {
        return Ok(AllowedAddresses::Any);
    }
    let listed = settings.allowed_addresses.iter().map(|text| text.parse());
    Ok(AllowedAddresses::AndListed(listed.collect::<Result<_, _>>().context("allowed_addresses")?))
}

fn webhook_settings(settings: &Settings, address: SocketAddr) -> anyhow::Result<outgoing_webhooks::Settings> {
    let client = WebhookClient::new(connections(settings, settings.webhook_timeout)?)?;
    Ok(outgoing_webhooks::Settings {
        schedule: Schedule {
            first: Duration::from_millis(settings.webhook_backoff_ms),
            attempts: settings.webhook_attempts,
            ..outgoing_webhooks::default_schedule()
        },
        ..outgoing_webhooks::Settings::of(client, settings.schemas_url(address))
    })
}

/// The contract of the conversation service. `None` when no account uses it.
fn conversation_service(
    settings: &Settings,
    parts: Parts,
    commands: &Arc<Commands>,
    tables: &Tables,
) -> anyhow::Result<Option<ConversationService>> {
    let listed = &settings.conversation_service_accounts;
    if listed.is_empty() {
        return Ok(None);
    }
    let accounts = match listed.iter().any(|account| account == "*") {
        true => conversation_service::Accounts::All,
        false => {
            let ids: Result<_, _> = listed.iter().map(|account| account.parse()).collect();
            conversation_service::Accounts::Listed(ids.context("conversation_service_accounts")?)
        }
    };
    Ok(Some(ConversationService {
        commands: commands.clone(),
        tables: tables.clone(),
        accounts,
        trusts_tenant_header: settings.conversation_service_trusts_tenant_header,
        websocket: parts.realtime,
    }))
}

fn log_check(store: Arc<dyn EventStore>) -> Check {
    Check::new("event-log", move || {
        let store = store.clone();
        async move { store.check().await.map_err(|error| error.to_string()) }
    })
}

fn tables_check(tables: Tables, store: Arc<dyn EventStore>) -> Check {
    Check::new("read-models", move || {
        let (tables, store) = (tables.clone(), store.clone());
        async move {
            tables.check().await.map_err(|error| format!("the read models' database: {error}"))?;
            tables.current().map_err(|error| error.to_string())?;
            if let Some(error) = ReadSide::runner_error(&tables) {
                return Err(error);
            }
            match tables.compare_with(&*store).await {
                // The log's own check reports that it cannot be read.
                Ok(()) | Err(RunnerError::Log(_)) => Ok(()),
                Err(error) => Err(format!("the read models' database: {error}")),
            }
        }
    })
}

fn managers_check(managers: &ProcessManagers) -> Check {
    let error = managers.error();
    Check::new("process-managers", move || {
        let error = error();
        async move { error.map_or(Ok(()), Err) }
    })
}

fn gate(
    settings: &Settings,
    parts: Parts,
    commands: &Arc<Commands>,
    checks: Vec<Check>,
    metrics: PrometheusHandle,
) -> anyhow::Result<Gate> {
    let authenticator = Authenticator::new(
        AuthConfig {
            secret: token::secret(settings)?,
            previous_secret: settings.jwt_previous_secret.clone(),
            stream_secret: settings.stream_token_secret.clone(),
            jwks: settings.jwks_url.clone().map(JwksSource::Url),
            issuer: settings.jwt_issuer.clone(),
            audience: settings.jwt_audience.clone(),
            trust_gateway: settings.trust_gateway_headers,
            credentials: Some(Arc::new(Credentials(commands.clone()))),
            public_url: settings.public_url.clone(),
        },
        commands.clock.clone(),
    )?;
    // Who turns the limit of users off wants none at all.
    let limited = |rate, burst| Rate::per_second(rate, burst).filter(|_| settings.rate_limit > 0);
    let limits = Limits {
        body_bytes: settings.body_limit,
        timeout: Duration::from_secs(settings.request_timeout),
        per_caller: Rate::per_second(settings.rate_limit, settings.rate_burst),
        per_account: limited(settings.account_rate_limit, settings.account_rate_burst),
        per_stranger: limited(settings.stranger_rate_limit, settings.stranger_rate_burst),
        strangers_bytes: settings.strangers_bytes,
        ..Limits::default()
    };
    Ok(Gate {
        about: about(parts, settings),
        authenticator,
        limits,
        cors: cors(&settings.cors_origins)?,
        clock: commands.clock.clone(),
        metrics: Some(metrics),
        checks,
        serves_operations: settings.operations_listen.is_none(),
        descriptions: Vec::new(),
        problems: [command_api::problem::KINDS, drafts::problem::KINDS].concat(),
    })
}

fn cors(origins: &[String]) -> anyhow::Result<Cors> {
    if origins.is_empty() {
        return Ok(Cors::SameOrigin);
    }
    if origins.iter().any(|origin| origin == "*") {
        return Ok(Cors::Any);
    }
    let parse = |origin: &String| origin.parse().with_context(|| format!("'{origin}' is not an origin"));
    Ok(Cors::Origins(origins.iter().map(parse).collect::<Result<_, _>>()?))
}

fn about(parts: Parts, settings: &Settings) -> About {
    let has_contracts = parts.contracts && !settings.conversation_service_accounts.is_empty();
    let (title, description) = match (parts.command_api, parts.query_api) {
        (true, true) => {
            ("Verbatim", "Customer support across every channel, event-sourced: commands and queries.")
        }
        (true, false) => ("Verbatim commands", "The write side: commands."),
        (false, true) => ("Verbatim queries", "The read side: queries of the current state and the events."),
        (false, false) => {
            ("Verbatim", "This process works in the background; its API has only health and metrics.")
        }
    };
    About {
        title: title.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: description.to_owned(),
        tags: [
            if has_contracts { conversation_service::TAGS } else { &[] },
            if parts.query_api { query_api::TAGS } else { &[] },
            if parts.command_api || parts.query_api { command_api::http::TAGS } else { &[] },
        ]
        .concat(),
    }
}
