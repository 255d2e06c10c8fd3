//! Wiring of the publication: builds it from the configuration and runs it under its lease.

use crate::config::Settings;
use anyhow::Context;
use event_schemas::Clock;
use event_store::EventStore;
use follower::Leases;
use gate::Check;
use publication::{Publication, PublicationError, StreamSettings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The publication that the settings describe. `None` when no NATS URL is set. Only errors that are visible
/// without a connection are returned: NATS may start later, and until then the publication's health check
/// reports it.
pub fn configured(
    settings: &Settings,
    address: SocketAddr,
    store: &Arc<dyn EventStore>,
    clock: &Clock,
) -> anyhow::Result<Option<Publication>> {
    let target = target(settings, address)?;
    Ok(target.map(|target| Publication::new(store.clone(), target, clock.clone())))
}

/// The NATS servers and the stream of the settings. `None` when no NATS URL is set.
pub fn target(settings: &Settings, address: SocketAddr) -> anyhow::Result<Option<publication::Settings>> {
    let Some(urls) = &settings.nats else { return Ok(None) };
    let stream = StreamSettings {
        name: settings.nats_stream.clone(),
        replicas: settings.nats_replicas,
        max_age: (settings.nats_max_age > 0).then(|| Duration::from_secs(settings.nats_max_age)),
        max_bytes: (settings.nats_max_bytes > 0).then_some(settings.nats_max_bytes),
        duplicate_window: Duration::from_secs(settings.nats_duplicate_window),
    };
    let invalid = "the publication's settings are invalid";
    let mut target =
        publication::Settings::new(urls, stream, &settings.base_url(address)).context(invalid)?;
    if let Some(path) = &settings.nats_credentials {
        target = target.with_credentials(path).context(invalid)?;
    }
    if let Some(path) = &settings.nats_ca {
        target = target.with_authority(path).context(invalid)?;
    }
    Ok(Some(target))
}

/// How long the start waits for NATS before it goes on without the comparison.
const COMPARE: Duration = Duration::from_secs(2);

/// Refuses a log that is older than the stream. A stream that cannot be read now is compared when it can be: the health
/// check reports it.
pub async fn refuse_older_log(publication: &Publication) -> anyhow::Result<()> {
    match tokio::time::timeout(COMPARE, publication.compare()).await {
        Ok(Err(error @ PublicationError::OlderLog { .. })) => Err(error.into()),
        Ok(Ok(()) | Err(_)) | Err(_) => Ok(()),
    }
}

/// Publishes while this process holds the lease, until `stop`. The publication itself prevents two processes
/// from publishing at once; the lease saves the attempts.
pub async fn while_leased(publication: Publication, leases: Leases, stop: CancellationToken) {
    while let Some(lease) = leases.take("publication", &stop).await {
        let lease_lost = stop.child_token();
        let watching = async {
            tokio::select! {
                () = lease.lost() => lease_lost.cancel(),
                () = lease_lost.cancelled() => {}
            }
        };
        tokio::join!(publication.run(lease_lost.clone()), watching);
        lease.release().await;
    }
}

/// The publication's health check. It is optional: requests are served without NATS, and events are published
/// when NATS is back.
pub fn check(publication: &Publication) -> Check {
    let health = publication.health();
    Check::new("publication", move || {
        let problem = health.error();
        async move { problem.map_or(Ok(()), Err) }
    })
    .optional()
}
