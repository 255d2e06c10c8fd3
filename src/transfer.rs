//! `verbatim export` and `verbatim import`: the log as NDJSON, one event a line, oldest first.
//!
//! The lines are the whole log. Credentials are left out unless `--with-secrets` is given; protect such a file like the
//! data folder. `GET /v1/events` is the interface for other programs: it never has credentials.

use crate::config::Settings;
use crate::credentials::Keys;
use crate::progress::ProgressLine;
use anyhow::{Context, bail};
use clap::Args;
use commands::past::record_move;
use event_schemas::cloud_event::{lacks_secrets, without_secrets};
use event_schemas::log::MoveKind;
use event_schemas::upcast::name_today;
use event_schemas::{Clock, EventId, Metadata, Position, Recorded, StreamId, Timestamp, Version};
use event_store::Filter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// Include the channels' credentials and the keys of webhooks, as the log has them, and whole addresses, which
    /// another installation needs to go on
    #[arg(long)]
    with_secrets: bool,
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
            write_line(&mut out, event, options.with_secrets)?;
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
    if options.with_secrets {
        eprintln!(
            "Credentials are in the file as the log has them: sealed ones need the key that sealed them, in credentials_key \
             or credentials.key. Those that were stored without a key, and addresses, are in plain text: protect the file \
             like the data folder."
        );
    } else {
        eprintln!(
            "Credentials of channels, keys of webhooks and paths of addresses are left out; --with-secrets includes \
             them. The file has customers' words in any case."
        );
    }
    Ok(())
}

fn write_line(out: &mut dyn Write, event: &Recorded, with_secrets: bool) -> anyhow::Result<()> {
    let data = match with_secrets {
        true => event.data.clone(),
        false => shown(event),
    };
    let line = Line {
        position: event.position,
        stream: event.stream.clone(),
        version: event.version,
        id: event.id,
        event_type: event.event_type.to_string(),
        schema_version: event.schema_version,
        recorded_at: event.recorded_at,
        metadata: event.metadata.clone(),
        data: Cow::Owned(RawValue::from_string(data)?),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// The data without secrets. Data that has none stays as it is, byte for byte.
fn shown(event: &Recorded) -> String {
    let Ok(data) = serde_json::from_str::<Value>(&event.data) else { return event.data.clone() };
    let shown = without_secrets(name_today(&event.event_type), data.clone());
    if shown == data { event.data.clone() } else { shown.to_string() }
}

/// Whether the export left secrets of the event out.
fn is_incomplete(event: &Recorded) -> bool {
    // Few events have the mask, so few are read.
    event.data.contains("***")
        && serde_json::from_str(&event.data)
            .is_ok_and(|data| lacks_secrets(name_today(&event.event_type), &data))
}

pub async fn import(settings: &Settings, options: &ImportOptions) -> anyhow::Result<()> {
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("cannot create the data folder {}", settings.data.display()))?;
    let keys = Keys::load(settings)?.ring;
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
    let mut incomplete = 0_usize;
    for (number, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let event =
            read_line(&line).with_context(|| format!("line {} is not an exported event", number + 1))?;
        last = Some(event.id);
        incomplete += usize::from(is_incomplete(&event));
        // An event that this version cannot read is stored as it is, and named when it is read.
        let sealed = keys.imported(&event, &Clock::System).unwrap_or_default();
        batch.push(sealed.unwrap_or(event));
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
    if incomplete > 0 {
        eprintln!(
            "{incomplete} definitions of channels, macros and rules came without their secrets: before they are used, set \
             the credentials and addresses of each channel, macro and rule again (PATCH /v1/channels/{{id}})."
        );
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
