//! The program `verbatim`: configuration, wiring, command line. No rules.

mod account;
mod agent_socket;
mod bench;
mod config;
mod connections;
mod credentials;
mod demo;
mod logging;
mod metrics;
mod progress;
mod publishing;
mod pushing;
mod rebuild;
mod restore;
mod serve;
mod token;
mod transfer;

use clap::{Parser, Subcommand};
use config::Options;
use serve::Parts;
use std::path::PathBuf;
use std::process::ExitCode;

/// Event-sourced customer support across every channel a customer uses
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// A configuration file (TOML); `verbatim config` prints one with every key and its default
    #[arg(long, env = "VERBATIM_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run everything in one process: both APIs, the projections, the process managers and the pushes
    Serve,
    /// Run only the API of the write side
    CommandApi,
    /// Run only the API of the read side
    QueryApi,
    /// Run only the contracts of other systems, which the configuration enables
    Contracts,
    /// Run only the pushes to agents over Socket.IO
    Realtime,
    /// Run only the projections, which fill the tables from the events
    Projections,
    /// Run only the process managers: timers, bot, routing, automation, delivery
    ProcessManagers,
    /// Start everything, play thirty conversations, show them, and continue serving
    Demo(demo::DemoOptions),
    /// Accounts and the people who sign in to them
    #[command(subcommand)]
    Account(account::AccountAction),
    /// Create a bearer token for development
    Token(token::TokenOptions),
    /// Write the whole event log as NDJSON
    Export(transfer::ExportOptions),
    /// Read an event log from NDJSON into this one
    Import(transfer::ImportOptions),
    /// Fill new read models from the log while the current ones serve, then switch to them
    Rebuild,
    /// Build a second set of read models and compare every row with the ones in use
    Verify,
    /// After a restore from a backup: say which tables are ahead of the log, and put them right
    RestoreCheck(restore::RestoreCheckOptions),
    /// Credentials of channels and secrets of webhooks in the event log
    #[command(subcommand)]
    Credentials(credentials::CredentialsAction),
    /// Migrate the databases to this version, and exit; every other command migrates when it starts
    Migrate,
    /// Measure the performance, and compare each figure with a control of the same run
    Bench(bench::BenchOptions),
    /// Print the annotated default configuration
    Config,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Logs, tables and exports hold people's words and channels' credentials: new files are the user's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("verbatim: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("verbatim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = cli.options.settle(cli.config.as_deref())?;
    match cli.action {
        Action::Serve => serve::run(settings, Parts::ALL).await,
        Action::CommandApi => serve::run(settings, Parts::COMMAND_API).await,
        Action::QueryApi => serve::run(settings, Parts::QUERY_API).await,
        Action::Contracts => serve::run(settings, Parts::CONTRACTS).await,
        Action::Realtime => serve::run(settings, Parts::REALTIME).await,
        Action::Projections => serve::run(settings, Parts::PROJECTIONS).await,
        Action::ProcessManagers => serve::run(settings, Parts::PROCESS_MANAGERS).await,
        Action::Demo(options) => demo::run(settings, options).await,
        Action::Account(action) => account::run(&settings, action).await,
        Action::Token(options) => token::run(&settings, &options),
        Action::Export(options) => transfer::export(&settings, &options).await,
        Action::Import(options) => transfer::import(&settings, &options).await,
        Action::Rebuild => rebuild::rebuild(&settings).await,
        Action::RestoreCheck(options) => restore::check(&settings, &options).await,
        Action::Credentials(action) => credentials::run(&settings, action).await,
        Action::Verify => rebuild::verify(&settings).await,
        Action::Bench(options) => {
            bench::run(options, settings.event_store.as_deref(), settings.nats.as_deref()).await
        }
        Action::Migrate => rebuild::migrate(&settings).await,
        Action::Config => {
            print!("{}", config::annotated_defaults());
            Ok(())
        }
    }
}
