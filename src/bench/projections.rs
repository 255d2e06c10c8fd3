//! Projecting from behind, all read models at once.

use super::control;
use super::engines::Engines;
use super::seed::Desk;
use super::table::Table;
use crate::progress::ProgressLine;
use event_schemas::Clock;
use event_store::{EventStore, Filter};
use follower::{Runner, Sizes};
use projections::generations::Generations;
use projections::read_models::ReadModels;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const CONVERSATIONS: u64 = 60_000;
const CONTROL_EVENTS: usize = 8_000;

pub async fn measure(folder: &Path, postgres: Option<&str>, table: &mut Table) -> anyhow::Result<()> {
    let clock = Clock::System;
    let engines = Engines::new(&folder.join("projections"), postgres).await?;
    let store = engines.open_log().await?;
    let generations = engines.open_tables().await?;
    // The tables exist with their indexes and are behind, as after an outage of the program.
    generations.rebuild(&store, |_| {}).await?;
    let events = Desk::new(&clock).seed(&store, &clock, CONVERSATIONS, CONVERSATIONS / 10).await? as f64;

    let control = run_control(&store, &engines).await?;
    let began = Instant::now();
    catch_up(&store, &generations).await?;
    let catching_up = events / began.elapsed().as_secs_f64();
    let began = Instant::now();
    let mut line = ProgressLine::start("events projected");
    generations.rebuild(&store, |progress| line.show(progress.events, events as u64)).await?;
    line.finish(events as u64);
    let rebuilding = events / began.elapsed().as_secs_f64();

    let (engine, times, wanted) =
        if engines.are_postgres() { ("PostgreSQL: ", 0.0, 25_000.0) } else { ("", 15.0, 60_000.0) };
    for (what, rate) in [("catching up", catching_up), ("a rebuild", rebuilding)] {
        let named = format!("{engine}projecting from behind, all read models: {what}");
        table.times(&named, "/s", rate, control, rate / control, times);
        table.at_least(&format!("the same, {what}"), "/s", rate, wanted);
    }
    store.close().await;
    drop(generations);
    engines.remove().await
}

async fn catch_up(store: &Arc<dyn EventStore>, generations: &Generations) -> anyhow::Result<()> {
    let Some((_, db)) = generations.open_current(Sizes::default()).await? else {
        anyhow::bail!("the tables that were just created do not exist");
    };
    Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?.catch_up(None, |_| {}).await?;
    db.close().await;
    Ok(())
}

/// The control's events a second.
async fn run_control(store: &Arc<dyn EventStore>, engines: &Engines) -> anyhow::Result<f64> {
    let mut summary = control::Summary::open(engines).await?;
    let (mut after, mut count) = (None, 0);
    let began = Instant::now();
    while count < CONTROL_EVENTS {
        let page = store.read_all(after, &Filter::all(), 1_000).await?;
        for event in &page.events {
            summary.project(event).await?;
        }
        count += page.events.len();
        after = page.through;
        if page.at_end {
            break;
        }
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}
