//! Measures other event stores in the same way as Verbatim's: `other-stores <store> <url> <seconds>` prints a line
//! for each measurement: what was measured, the number of callers, and the rate per second.

mod measure;
mod stores;

use anyhow::bail;
use measure::measure;
use std::time::Duration;
use stores::postgres_es::PostgresEs;
#[cfg(feature = "umadb")]
use stores::umadb::UmaDb;
use stores::{control::Control, disintegrate::Disintegrate, message_db::MessageDb};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, url, seconds] = &arguments[..] else {
        bail!("usage: other-stores <store> <url> <seconds for each measurement>");
    };
    let time = Duration::from_secs_f64(seconds.parse()?);
    match store.as_str() {
        "control" => measure::<Control>(store, url, time).await,
        "messagedb" => measure::<MessageDb>(store, url, time).await,
        "postgres-es" => measure::<PostgresEs>(store, url, time).await,
        "disintegrate" => measure::<Disintegrate>(store, url, time).await,
        #[cfg(feature = "umadb")]
        "umadb" => measure::<UmaDb>(store, url, time).await,
        other => bail!("no driver for {other}"),
    }
}
