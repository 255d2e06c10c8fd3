//! Logging to standard error, as text or as JSON. No log line contains the text of a message.

use crate::config::Settings;
use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sets up logging for the whole process.
pub fn start(settings: &Settings) -> anyhow::Result<()> {
    // sqlx and hyper log too much below `warn`. The errors of the NATS client are logged by the publication.
    let directives = format!("sqlx=warn,hyper=warn,async_nats=off,{}", settings.log);
    let filter = EnvFilter::try_new(&directives)
        .with_context(|| format!("`log = \"{}\"` is not a log filter", settings.log))?;
    // A log that cannot be written, for example because the disk is full, must not fail a request. With
    // `log_internal_errors` the subscriber would write its error to the same stream, and panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let started = if settings.log_format == "json" {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be set up: {error}"))
}
