//! Telling the other nodes that something was appended, and hearing it from them. All of it is a hint:
//! readers look by themselves every so often whether they were told or not.

use super::pool::Lines;
use super::server::Server;
use super::statement::{Ask, Value};
use crate::ReadError;
use crate::recent::Newest;
use sqlx::postgres::{PgListener, PgPoolOptions, PgRow};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const CHANNEL: &str = "verbatim_log";

/// How long it takes until anybody is told again: whoever hears it reads all there is. Telling is a transaction
/// of its own and wakes every node, this one too.
const PAUSE: Duration = Duration::from_millis(3);

/// How long to wait before a listener that failed is set up anew.
const AGAIN: Duration = Duration::from_secs(1);

/// A word that is lost with the server was not needed: it is not worth waiting for the disk.
const TELL: &str = "select set_config('synchronous_commit', 'off', true), pg_notify('verbatim_log', $1)";

/// Tells the others of what this node writes, until the store closes.
pub async fn tell(lines: Arc<Lines>, node: String, mut wrote: watch::Receiver<u64>) {
    let ask = Ask::new(TELL).with(Value::Text(&node));
    while wrote.changed().await.is_ok() {
        // Not told: then the others find it when they look.
        if let Err(error) = lines.read(&ask, nothing).await {
            tracing::debug!(%error, "the other nodes were not told of an append");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn nothing(_row: &PgRow) -> Result<(), ReadError> {
    Ok(())
}

/// Wakes this node's readers when another has written, until the store closes.
pub async fn listen(server: Arc<Server>, node: String, newest: Arc<Newest>, grew: watch::Sender<u64>) {
    // Behind a pooler nobody hears anything: what one connection is told to listen to, another one hears.
    if !server.is_direct() {
        return;
    }
    loop {
        let Err(error) = hear(&server, &node, &newest, &grew).await else { return };
        tracing::warn!(%error, "the event log's listener was cut off; readers look by themselves until it is back");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn hear(
    server: &Server,
    node: &str,
    newest: &Newest,
    grew: &watch::Sender<u64>,
) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(server.options().clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        match listener.try_recv().await? {
            Some(news) if news.payload() == node => {}
            // Something was said, or something may have been missed while the connection was gone.
            _ => {
                newest.others_appended();
                grew.send_modify(|times| *times += 1);
            }
        }
    }
}
