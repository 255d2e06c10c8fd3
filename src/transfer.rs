//! `verbatim export` and `verbatim import`: the log as NDJSON, one event a line, oldest first.
//!
//! The lines are the whole log, with credentials: protect them like the data folder. `GET /v1/events` is
//! the interface for other programs: it masks credentials.

use crate::config::Settings;
use crate::progress::ProgressLine;
use anyhow::{Context, bail};
use clap::Args;
use commands::past::record_move;
use event_schemas::log::MoveKind;
use event_schemas::{Clock, EventId, Metadata, Position, Recorded, StreamId, Timestamp, Version};
use event_store::Filter;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write, stdin, stdout};
use std::path::PathBuf;

const PAGE_SIZE: usize = 2000;

#[derive(Args)]
pub struct ExportOptions {
    /// The file to write; standard output if absent
    #[arg(long, short)]
    output: Option<PathBuf>,
}

#[derive(Args)]
pub struct ImportOptions {
    /// The file to read; standard input if absent
    #[arg(long, short)]
    input: Option<PathBuf>,
}

/// One line of the file: one event.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    position: Position,
    stream: StreamId,
    version: Version,
    id: EventId,
    #[serde(rename = "type")]
    event_type: String,
    schema_version: u16,
    recorded_at: Timestamp,
    metadata: Metadata,
    #[serde(borrow)]
    data: Cow<'a, RawValue>,
}

pub async fn export(settings: &Settings, options: &ExportOptions) -> anyhow::Result<()> {
    if !settings.data.exists() && settings.event_store.is_none() {
        bail!(
            "the data folder {} does not exist: name the folder to export with --data",
            settings.data.display()
        );
    }
    let store = event_store::open(&settings.log_url(), Clock::System).await?;
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(BufWriter::new(stdout().lock())),
    };
    let mut progress = ProgressLine::start("events exported");
    let (mut after, mut done) = (None, 0);
    loop {
        let page = store.read_all(after, &Filter::all(), PAGE_SIZE).await?;
        for event in &page.events {
            write_line(&mut out, event)?;
        }
        done += page.events.len() as u64;
        progress.show(done, 0);
        after = page.through.or(after);
        if page.at_end {
            break;
        }
    }
    out.flush()?;
    progress.finish(done);
    store.close().await;
    Ok(())
}

fn write_line(out: &mut dyn Write, event: &Recorded) -> anyhow::Result<()> {
    let line = Line {
        position: event.position,
        stream: event.stream.clone(),
        version: event.version,
        id: event.id,
        event_type: event.event_type.to_string(),
        schema_version: event.schema_version,
        recorded_at: event.recorded_at,
        metadata: event.metadata.clone(),
        data: Cow::Owned(RawValue::from_string(event.data.clone())?),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")?;
    Ok(())
}

pub async fn import(settings: &Settings, options: &ImportOptions) -> anyhow::Result<()> {
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("cannot create the data folder {}", settings.data.display()))?;
    let store = event_store::open(&settings.log_url(), Clock::System).await?;
    let input: Box<dyn BufRead> = match &options.input {
        Some(path) => Box::new(BufReader::new(
            File::open(path).with_context(|| format!("cannot read {}", path.display()))?,
        )),
        None => Box::new(BufReader::new(stdin())),
    };
    let mut progress = ProgressLine::start("events imported");
    let mut done = 0;
    let mut batch = Vec::with_capacity(PAGE_SIZE);
    let mut last = None;
    for (number, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let event =
            read_line(&line).with_context(|| format!("line {} is not an exported event", number + 1))?;
        last = Some(event.id);
        batch.push(event);
        if batch.len() == PAGE_SIZE {
            done += batch.len() as u64;
            store.import(std::mem::take(&mut batch)).await?;
            progress.show(done, 0);
        }
    }
    done += batch.len() as u64;
    if !batch.is_empty() {
        store.import(batch).await?;
    }
    // Nothing is sent for what happened before.
    if let Some(last) = last {
        record_move(&*store, &Clock::System, MoveKind::Import, last).await?;
    }
    progress.finish(done);
    store.close().await;
    Ok(())
}

fn read_line(line: &str) -> Result<Recorded, serde_json::Error> {
    let line: Line = serde_json::from_str(line)?;
    Ok(Recorded {
        position: line.position,
        stream: line.stream,
        version: line.version,
        id: line.id,
        event_type: line.event_type.into(),
        schema_version: line.schema_version,
        recorded_at: line.recorded_at,
        metadata: line.metadata,
        data: line.data.get().to_owned(),
    })
}
