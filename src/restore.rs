//! `verbatim restore-check`, and the comparison of the log with its tables at the start.

use crate::config::Settings;
use crate::logging;
use crate::progress::ProgressLine;
use crate::publishing;
use anyhow::{Context, bail};
use clap::Args;
use event_schemas::{Clock, Timestamp};
use event_store::EventStore;
use follower::{Location, OlderLog};
use process_managers::restore::{self, AfterRestore, ManagerCheckpoint};
use projections::generations::Generations;
use projections::read_models::NAME as READ_MODELS;
use publication::PublicationError;
use std::sync::Arc;

#[derive(Args)]
pub struct RestoreCheckOptions {
    /// Do what the check says: fill the read models again, and let every follower continue where the log ends
    #[arg(long)]
    repair: bool,
    /// With --repair: drop the messages and webhooks that wait to be sent, for tables that were lost or come from a backup
    /// too, because what waited then may have been sent since
    #[arg(long, requires = "repair")]
    drop_waiting: bool,
}

/// The followers that have read events that the log does not have.
struct Ahead {
    read_models: Option<OlderLog>,
    managers: Vec<(ManagerCheckpoint, OlderLog)>,
    /// When the newest event that one of them has read was recorded. `None` when it is not known.
    newest: Option<Timestamp>,
}

impl Ahead {
    async fn find(store: &dyn EventStore, location: &Location) -> anyhow::Result<Self> {
        let checkpoint = Generations::new(location.clone()).checkpoint().await?;
        let mut newest = None;
        let read_models = match checkpoint {
            Some(checkpoint) => {
                newest = checkpoint.event.map(|event| event.recorded_at);
                checkpoint.compare(READ_MODELS, store).await?
            }
            None => None,
        };
        let mut managers = Vec::new();
        for found in restore::checkpoints(location).await? {
            newest = newest.max(found.checkpoint.event.map(|event| event.recorded_at));
            if let Some(older) = found.checkpoint.compare(found.tables.checkpoint, store).await? {
                managers.push((found, older));
            }
        }
        Ok(Self { read_models, managers, newest })
    }

    fn is_empty(&self) -> bool {
        self.read_models.is_none() && self.managers.is_empty()
    }

    fn first(self) -> Option<OlderLog> {
        self.read_models.into_iter().chain(self.managers.into_iter().map(|(_, older)| older)).next()
    }
}

/// Refuses a log that is older than its tables. Without this check the followers would wait at positions that the log
/// reaches again with other events, which they would never read.
pub async fn refuse_older_log(store: &dyn EventStore, location: &Location) -> anyhow::Result<()> {
    match Ahead::find(store, location).await?.first() {
        Some(older) => Err(older.into()),
        None => Ok(()),
    }
}

/// Says which tables are ahead of the log and what becomes of them, and with `--repair` does it.
pub async fn check(settings: &Settings, options: &RestoreCheckOptions) -> anyhow::Result<()> {
    logging::start(settings)?;
    if settings.uses_data_folder() && !settings.data.exists() {
        bail!("the data folder {} does not exist: name it with --data", settings.data.display());
    }
    let store = event_store::open(&settings.log_url(), Clock::System).await?;
    let checked = check_store(settings, options, &store).await;
    store.close().await;
    checked
}

async fn check_store(
    settings: &Settings,
    options: &RestoreCheckOptions,
    store: &Arc<dyn EventStore>,
) -> anyhow::Result<()> {
    let location = Location::open(&settings.tables_url()).await?;
    let generations = Generations::new(location.clone());
    // The processes that fill the tables would write to them meanwhile.
    let mut leases = Vec::new();
    if options.repair {
        for name in [READ_MODELS, process_managers::LEASE] {
            let lease = generations.leases().try_take(name).await?;
            leases.push(lease.with_context(|| {
                format!("another process works on these tables (it holds the lease {name}): stop all processes first")
            })?);
        }
    }
    let end = store.end().await?;
    match end {
        Some(end) => println!("The event log ends at position {end}."),
        None => println!("The event log is empty."),
    }
    let ahead = Ahead::find(&**store, &location).await?;
    let publication = publishing::configured(settings, settings.listen, store, &Clock::System)?;
    let stream_is_ahead = match &publication {
        Some(publication) => stream_is_ahead(publication.compare().await),
        None => false,
    };
    if ahead.is_empty() && !stream_is_ahead {
        println!("No table and no follower is ahead of it.");
    }
    if let Some(older) = &ahead.read_models {
        println!("{READ_MODELS}: {}. They are filled again from the log.", standing(older));
    }
    for (manager, older) in &ahead.managers {
        println!("{}: {}. {}.", older.follower, standing(older), outcome(&location, store, manager).await?);
    }
    if !options.repair {
        if ahead.is_empty() && !stream_is_ahead {
            return Ok(());
        }
        if ahead.is_empty() {
            println!("The tables agree with the log: if they come from a backup too, add --drop-waiting.");
        }
        bail!(
            "the log is older than its tables: stop all processes, and run `verbatim restore-check --repair` to do this"
        );
    }
    if end.is_none() {
        bail!(
            "the event log is empty: put it back first; to begin a new log, use another data folder or database"
        );
    }
    let until =
        if options.drop_waiting { Clock::System.now() } else { ahead.newest.unwrap_or(Clock::System.now()) };
    if options.drop_waiting || !ahead.is_empty() {
        restore::make_history(&location, until, end).await?;
    }
    for (manager, _) in &ahead.managers {
        restore::put_right(&location, &**store, manager).await?;
    }
    if options.drop_waiting {
        let dropped = restore::drop_waiting(&location, &**store).await?;
        println!("{dropped} messages and webhooks waited and were dropped.");
    }
    if let Some(publication) = &publication
        && stream_is_ahead
    {
        publication.accept_lost_messages().await?;
    }
    if ahead.read_models.is_some() {
        fill_again(&generations, store).await?;
    }
    for lease in leases {
        lease.release().await;
    }
    println!("Done. The program can be started.");
    Ok(())
}

/// Says what is with the stream of the publication.
fn stream_is_ahead(compared: Result<(), PublicationError>) -> bool {
    match compared {
        Ok(()) => false,
        Err(PublicationError::OlderLog { stream, lost }) => {
            println!(
                "publication: messages {} to {} of the stream {stream} are of lost events. They stay, and publishing \
                 continues after them.",
                lost.first, lost.last
            );
            true
        }
        Err(error) => {
            println!("publication: the stream cannot be compared with the log: {error}.");
            false
        }
    }
}

fn standing(older: &OlderLog) -> String {
    format!("read up to {}, and {}", older.position, older.found)
}

/// Says what becomes of the tables of a process manager.
async fn outcome(
    location: &Location,
    store: &Arc<dyn EventStore>,
    manager: &ManagerCheckpoint,
) -> anyhow::Result<String> {
    Ok(match manager.tables.after_restore {
        AfterRestore::Continue => {
            "It continues after the last event that it has read and the log has; nothing is done again"
                .to_owned()
        }
        AfterRestore::Derive => "Its rows are derived from the log again".to_owned(),
        AfterRestore::KeepJobs { .. } => {
            let jobs = restore::jobs(location, &**store, manager).await?.unwrap_or_default();
            format!(
                "{} of its jobs belong to lost events and are removed, {} still wait and are sent; nothing that was \
                 sent is sent again",
                jobs.removed, jobs.left
            )
        }
    })
}

async fn fill_again(generations: &Generations, store: &Arc<dyn EventStore>) -> anyhow::Result<()> {
    let mut line = ProgressLine::start("events projected");
    let mut events = 0;
    generations
        .rebuild(store, |progress| {
            events = progress.events;
            line.show(events, 0);
        })
        .await
        .context("the read models could not be filled again")?;
    line.finish(events);
    Ok(())
}
