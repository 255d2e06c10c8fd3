//! Wiring of the publication: what is configured becomes its settings.

use crate::config::Settings;
use anyhow::Context;
use event_schemas::Clock;
use event_store::EventStore;
use gate::Check;
use projections::Leases;
use publication::{Publication, StreamSettings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The publication, if there is to be one. Only what can be seen without asking NATS is refused here: it
/// may come later, and until it does its health says so.
pub fn configured(
    settings: &Settings,
    address: SocketAddr,
    store: &Arc<dyn EventStore>,
    clock: &Clock,
) -> anyhow::Result<Option<Publication>> {
    let Some(urls) = &settings.nats else { return Ok(None) };
    let stream = StreamSettings {
        name: settings.nats_stream.clone(),
        replicas: settings.nats_replicas,
        max_age: (settings.nats_max_age > 0).then(|| Duration::from_secs(settings.nats_max_age)),
        max_bytes: (settings.nats_max_bytes > 0).then_some(settings.nats_max_bytes),
        duplicate_window: Duration::from_secs(settings.nats_duplicate_window),
    };
    let nowhere = "nothing could be published";
    let mut to = publication::Settings::new(urls, stream, &settings.base_url(address)).context(nowhere)?;
    if let Some(path) = &settings.nats_credentials {
        to = to.with_credentials(path).context(nowhere)?;
    }
    if let Some(path) = &settings.nats_ca {
        to = to.with_authority(path).context(nowhere)?;
    }
    Ok(Some(Publication::new(store.clone(), to, clock.clone())))
}

/// Publishes whenever it is this process's turn, until told to stop. That two never get between each other is
/// the publication's own promise; the lease spares them from trying.
pub async fn while_leased(publication: Publication, leases: Leases, stop: CancellationToken) {
    while let Some(lease) = leases.take("publication", &stop).await {
        let turn = stop.child_token();
        let watching = async {
            tokio::select! {
                () = lease.lost() => turn.cancel(),
                () = turn.cancelled() => {}
            }
        };
        tokio::join!(publication.run(turn.clone()), watching);
        lease.release().await;
    }
}

/// Requests are served without NATS: what is published later is published all the same.
pub fn check(publication: &Publication) -> Check {
    let health = publication.health();
    Check::new("publication", move || {
        let trouble = health.trouble();
        async move { trouble.map_or(Ok(()), Err) }
    })
    .optional()
}
