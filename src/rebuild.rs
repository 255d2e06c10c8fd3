//! `verbatim migrate`, `verbatim rebuild` and `verbatim verify`.

use crate::config::Settings;
use crate::logging;
use crate::progress::ProgressLine;
use anyhow::{Context, bail};
use event_schemas::Clock;
use event_store::EventStore;
use follower::{Location, Sizes};
use projections::generations::Generations;
use projections::{DifferenceKind, verify as compare};
use std::sync::Arc;

async fn open(settings: &Settings) -> anyhow::Result<(Arc<dyn EventStore>, Generations)> {
    logging::start(settings)?;
    if settings.uses_data_folder() && !settings.data.exists() {
        bail!("the data folder {} does not exist: name it with --data", settings.data.display());
    }
    let store = event_store::open(&settings.log_url(), Clock::System).await?;
    let location = Location::open(&settings.tables_url()).await?;
    Ok((store, Generations::new(location)))
}

/// Migrates the tables of every configured engine to this version. Read models of another shape are not
/// changed: a rebuild creates the next generation beside the current one.
pub async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    if settings.uses_data_folder() {
        std::fs::create_dir_all(&settings.data)
            .with_context(|| format!("cannot create the data folder {}", settings.data.display()))?;
    }
    let (store, generations) = open(settings).await?;
    println!("The event log is ready.");
    match generations.open_current(Sizes::small()).await? {
        Some((number, _)) => println!("Generation {number} of the read models is ready."),
        None => println!(
            "There are no read models of this version: `verbatim rebuild` builds them, or `verbatim projections` when it starts."
        ),
    }
    store.close().await;
    Ok(())
}

/// Fills the next generation while queries use the current one. Running processes then switch to it.
pub async fn rebuild(settings: &Settings) -> anyhow::Result<()> {
    let (store, generations) = open(settings).await?;
    let mut line = ProgressLine::start("events projected");
    let mut events = 0;
    let number = generations
        .rebuild(&store, |progress| {
            events = progress.events;
            line.show(events, 0);
        })
        .await
        .context("the read models could not be rebuilt; the current generation is unchanged")?;
    line.finish(events);
    println!("Generation {number} of the read models is in use.");
    store.close().await;
    Ok(())
}

/// Compares every row with a rebuild from the log. An error when they differ.
pub async fn verify(settings: &Settings) -> anyhow::Result<()> {
    let (store, generations) = open(settings).await?;
    let mut line = ProgressLine::start("events projected");
    let mut events = 0;
    let verdict = compare(&store, &generations, |progress| {
        events = progress.events;
        line.show(events, 0);
    })
    .await?
    .context("there are no read models to compare: `verbatim serve` or `verbatim rebuild` creates them")?;
    line.finish(events);
    store.close().await;
    let position =
        verdict.position.map_or("the start of the log".to_owned(), |position| format!("position {position}"));
    if verdict.is_identical() {
        println!(
            "Identical: {} rows in {} tables of generation {}, up to {position}.",
            verdict.rows, verdict.tables, verdict.generation
        );
        return Ok(());
    }
    for difference in &verdict.differences {
        let description = match &difference.kind {
            DifferenceKind::Missing => "is missing".to_owned(),
            DifferenceKind::Unexpected => "is not in the log".to_owned(),
            DifferenceKind::Column { name } => format!("differs in {name}"),
        };
        println!("{} {} {description}", difference.table, difference.key);
    }
    bail!("{} differences up to {position}: `verbatim rebuild` rebuilds the read models", verdict.different)
}
