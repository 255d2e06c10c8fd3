//! `verbatim bench`: measures the performance, and compares each figure with a control of the same run.
//!
//! Times vary with the machine and its other load, so each figure is compared with that of the simplest program that
//! does the same on the same file system with the same durability. The two take turns, and the median of several
//! rounds counts.

mod bots;
mod control;
mod conversation;
mod engines;
mod inbox;
mod latencies;
mod log;
mod log_postgres;
mod neighbours;
mod process;
mod projections;
mod publication;
mod realtime;
mod routing;
mod search;
mod seed;
mod server;
mod startup;
mod table;
mod webhook;

use std::path::PathBuf;
use table::Table;

#[derive(clap::Args, Debug)]
pub struct BenchOptions {
    /// The measurement to make.
    #[arg(value_enum, default_value = "all")]
    pub what: Measurement,
    /// The number of conversations when the inbox is measured
    #[arg(long, default_value_t = 1_000_000)]
    pub conversations: u64,
    /// The number of messages when the search is measured
    #[arg(long, default_value_t = 5_000_000)]
    pub messages: u64,
    /// The number of events in the log when the start is measured
    #[arg(long, default_value_t = 10_000_000)]
    pub events: u64,
    /// The number of agents when the start is measured
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub agents: u64,
    /// The number of open conversations when the start is measured
    #[arg(long, default_value_t = 50_000)]
    pub open: u64,
    /// The number of pushes on each of which a query is made, when pushes to agents are measured
    #[arg(long, default_value_t = 1_000_000)]
    pub pushes: u64,
    /// The measurements of `realtime` to make; without it all of them
    #[arg(long = "part", value_enum)]
    pub parts: Vec<realtime::Part>,
    /// The folder of the realtime measurements' control, in which `npm ci` has run
    #[arg(long, default_value = "tests/realtime-control")]
    pub control: PathBuf,
    /// The number of rounds of each measurement; the median counts
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// The folder in which a new folder is created for the measurements and removed at the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    pub folder: PathBuf,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    /// Appending to the event log and reading it.
    Log,
    /// Filling the read models from the log.
    Projections,
    /// Publishing to the NATS server that `--nats` names.
    Publication,
    /// From a webhook to the inbox.
    Webhook,
    /// The inbox of an account with a long history, and the server's memory.
    Inbox,
    /// The search in an account with many messages. `all` leaves it out, because writing the log takes minutes.
    Search,
    /// The bot's rules against a message, and a dry run of them.
    Bots,
    /// Routing: the policy alone, and the time from a message to its assignment.
    Routing,
    /// An agent's reply in a long conversation.
    Conversation,
    /// An account beside another that asks for as much as it can.
    Neighbours,
    /// Pushes to agents. `all` leaves it out, because it takes minutes and its control needs Node.
    Realtime,
    /// The memory of an idle server.
    Memory,
    /// The start of a server with a long log. `all` leaves it out, because writing the log takes minutes.
    Startup,
    All,
}

impl Measurement {
    fn includes(self, measurement: Measurement) -> bool {
        let is_of_all =
            !matches!(measurement, Measurement::Startup | Measurement::Realtime | Measurement::Search);
        self == measurement || (self == Measurement::All && is_of_all)
    }
}

/// Runs the measurements on these engines. On a PostgreSQL server each measurement has a database of its own.
pub async fn run(options: BenchOptions, event_store: Option<&str>, nats: Option<&str>) -> anyhow::Result<()> {
    let folder = Folder::new(&options.folder)?;
    let mut table = Table::default();
    let postgres = event_store.filter(|url| url.starts_with("postgres"));
    if postgres.is_none() {
        eprintln!(
            "for log, projections, webhook and inbox on PostgreSQL: --event-store postgres://user:password@host/database"
        );
    }
    if options.what.includes(Measurement::Log) {
        match postgres {
            Some(url) => log_postgres::measure(url, &folder.0, options.rounds, &mut table).await?,
            None => log::measure(&folder.0, options.rounds, &mut table).await?,
        }
    }
    if options.what.includes(Measurement::Projections) {
        projections::measure(&folder.0, postgres, &mut table).await?;
    }
    match nats {
        Some(url) if options.what.includes(Measurement::Publication) => {
            publication::measure(url, &folder.0, options.rounds, &mut table).await?;
        }
        None if options.what.includes(Measurement::Publication) => {
            eprintln!("publishing is not measured: name a NATS server with --nats");
        }
        _ => {}
    }
    if options.what.includes(Measurement::Webhook) {
        webhook::measure(&folder.0, postgres, &mut table).await?;
    }
    if options.what.includes(Measurement::Bots) {
        bots::measure(&folder.0, options.rounds, &mut table).await?;
    }
    if options.what.includes(Measurement::Routing) {
        routing::measure(&folder.0, options.rounds, &mut table).await?;
    }
    if options.what.includes(Measurement::Conversation) {
        conversation::measure(&folder.0, &mut table).await?;
    }
    if options.what.includes(Measurement::Neighbours) {
        neighbours::measure(&folder.0, postgres, &mut table).await?;
    }
    if options.what.includes(Measurement::Memory) {
        inbox::idle_memory(&folder.0, &mut table).await?;
    }
    if options.what.includes(Measurement::Realtime) {
        realtime::measure(&folder.0, postgres, &options, &mut table).await?;
    }
    if options.what.includes(Measurement::Startup) {
        let BenchOptions { events, agents, open, rounds, .. } = options;
        let size = startup::Size { events, agents, open };
        startup::measure(&folder.0, postgres, size, rounds, &mut table).await?;
    }
    if options.what.includes(Measurement::Search) {
        search::measure(&folder.0, postgres, options.messages, &mut table).await?;
    }
    if options.what.includes(Measurement::Inbox) {
        inbox::measure(&folder.0, postgres, options.conversations, &mut table).await?;
    }
    println!("{table}");
    Ok(())
}

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &std::path::Path) -> anyhow::Result<Self> {
        let path = parent.join(format!("verbatim-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

/// The median.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
