//! Telling the other nodes that something was appended, and hearing it from them. All of it is a hint:
//! readers look by themselves every so often whether they were told or not.

use super::pool::Pool;
use super::server::Server;
use super::statement::{Statement, Value};
use crate::ReadError;
use crate::recent::RecentEvents;
use sqlx::postgres::{PgListener, PgPoolOptions, PgRow};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const CHANNEL: &str = "verbatim_log";

/// How long it takes until anybody is told again: whoever hears it reads all there is. Telling is a transaction
/// of its own and wakes every node, this one too.
const SEND_PAUSE: Duration = Duration::from_millis(3);

/// How long to wait before a listener that failed is set up anew.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// A word that is lost with the server was not needed: it is not worth waiting for the disk.
const NOTIFY: &str = "select set_config('synchronous_commit', 'off', true), pg_notify('verbatim_log', $1)";

/// Tells the others of what this node writes, until the store closes.
pub async fn send(pool: Arc<Pool>, node: String, mut wrote: watch::Receiver<u64>) {
    let statement = Statement::new(NOTIFY).with(Value::Text(&node));
    while wrote.changed().await.is_ok() {
        // Not told: then the others find it when they look.
        if let Err(error) = pool.read(&statement, ignore_row).await {
            tracing::debug!(%error, "the other nodes were not told of an append");
        }
        tokio::time::sleep(SEND_PAUSE).await;
    }
}

fn ignore_row(_row: &PgRow) -> Result<(), ReadError> {
    Ok(())
}

/// Wakes this node's readers when another has written, until the store closes.
pub async fn listen(server: Arc<Server>, node: String, recent: Arc<RecentEvents>, grew: watch::Sender<u64>) {
    // Behind a pooler nobody hears anything: what one connection is told to listen to, another one hears.
    if !server.is_direct() {
        return;
    }
    loop {
        let Err(error) = receive(&server, &node, &recent, &grew).await else { return };
        tracing::warn!(%error, "the event log's listener was cut off; readers look by themselves until it is back");
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn receive(
    server: &Server,
    node: &str,
    recent: &RecentEvents,
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
            Some(notification) if notification.payload() == node => {}
            // Something was said, or something may have been missed while the connection was gone.
            _ => {
                recent.others_appended();
                grew.send_modify(|times| *times += 1);
            }
        }
    }
}
