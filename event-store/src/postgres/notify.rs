//! `NOTIFY` and `LISTEN`: a node notifies the other nodes of its appends. A notification is a hint; readers poll
//! the log in any case.

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

/// The shortest time between two notifications: a node that receives one reads all there is. A notification is a
/// transaction of its own and wakes every node, this one too.
const SEND_PAUSE: Duration = Duration::from_millis(3);

/// How long to wait before a listener that failed connects again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// A notification that is lost in a crash of the server is not needed, so its commit does not wait for the disk.
const NOTIFY: &str = "select set_config('synchronous_commit', 'off', true), pg_notify('verbatim_log', $1)";

/// Notifies the other nodes whenever this node has written, until the store closes.
pub async fn send(pool: Arc<Pool>, node: String, mut wrote: watch::Receiver<u64>) {
    let statement = Statement::new(NOTIFY).with(Value::Text(&node));
    while wrote.changed().await.is_ok() {
        // Without a notification the other nodes find the append at their next poll.
        if let Err(error) = pool.read(&statement, ignore_row).await {
            tracing::debug!(%error, "the other nodes were not notified of an append");
        }
        tokio::time::sleep(SEND_PAUSE).await;
    }
}

fn ignore_row(_row: &PgRow) -> Result<(), ReadError> {
    Ok(())
}

/// Wakes this node's readers when another node has written, until the store closes.
pub async fn listen(server: Arc<Server>, node: String, recent: Arc<RecentEvents>, grew: watch::Sender<u64>) {
    // Behind a transaction pooler `LISTEN` does not work: the next transaction may use another connection.
    if !server.is_direct() {
        return;
    }
    loop {
        let Err(error) = receive(&server, &node, &recent, &grew).await else { return };
        tracing::warn!(%error, "the event log's listener lost its connection; readers poll until it is back");
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
            // Another node has appended, or a notification may have been missed while the connection was lost.
            _ => {
                recent.others_appended();
                grew.send_modify(|times| *times += 1);
            }
        }
    }
}
