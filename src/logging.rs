//! How the program logs: to standard error, as text or as JSON. No line holds a message's text.

use crate::config::Settings;
use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sets up the log for the whole program.
pub fn start(settings: &Settings) -> anyhow::Result<()> {
    // The databases' own chatter would bury ours, and what NATS' client calls an error we say in our own words.
    let directives = format!("sqlx=warn,hyper=warn,async_nats=off,{}", settings.log);
    let filter = EnvFilter::try_new(&directives)
        .with_context(|| format!("`log = \"{}\"` is not a log filter", settings.log))?;
    // A log that cannot be written, say to a full disk, must not take a request with it: told of its own
    // errors, the subscriber would print them to the very same place, and panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let started = if settings.log_format == "json" {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be set up: {error}"))
}
