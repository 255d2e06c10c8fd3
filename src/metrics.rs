//! The metrics recorder, and every metric that the program records. `docs/metrics.md` has the same list.

use gate::PrometheusHandle;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram};
use std::sync::OnceLock;

/// The kind of a metric.
enum Kind {
    /// The values of its label that are 0 from the start, so that a rate can be computed from the first event on.
    /// A counter without a label has the name and the values `""`.
    Counter(&'static str, &'static [&'static str]),
    Gauge,
    Histogram,
}
use Kind::{Counter, Gauge, Histogram};

const UNLABELLED: Kind = Counter("", &[""]);
const METRICS: &[(&str, Kind, &str)] = &[
    (
        "verbatim_http_request_seconds",
        Histogram,
        "time from request to response, by method, route and status",
    ),
    (
        "verbatim_rate_limited_total",
        Counter("scope", &["caller", "account", "channel", "stranger"]),
        "requests refused with 429",
    ),
    ("verbatim_connections", Gauge, "open connections"),
    ("verbatim_connections_refused_total", UNLABELLED, "connections closed because there were too many"),
    (
        "verbatim_strangers_bodies_refused_total",
        UNLABELLED,
        "webhooks refused with 503 because too many bytes waited for the check of their signature",
    ),
    ("verbatim_panics_total", UNLABELLED, "requests answered 500 because their handler panicked"),
    ("verbatim_jwks_fetches_total", Counter("outcome", &["ok", "failed"]), "fetches of the key set"),
    (
        "verbatim_event_log_append_seconds",
        Histogram,
        "time from the call of an append to its answer (not on KurrentDB)",
    ),
    ("verbatim_event_log_commit_seconds", Histogram, "time that a group of appends took (not on KurrentDB)"),
    ("verbatim_event_log_commit_events", Histogram, "events in a group of appends (not on KurrentDB)"),
    ("verbatim_event_log_events_total", Counter("", &[]), "events appended (not on KurrentDB)"),
    ("verbatim_event_log_failed_commits_total", Counter("", &[]), "groups that failed (not on KurrentDB)"),
    ("verbatim_events_decoded_total", UNLABELLED, "events decoded for followers of the log"),
    ("verbatim_webhook_rejections_total", UNLABELLED, "parts of webhooks that could not be read or applied"),
    ("verbatim_projection_lag_events", Gauge, "events that a follower is behind the log, per projection"),
    ("verbatim_projection_lag_seconds", Gauge, "age of the oldest event that a follower has not read"),
    ("verbatim_projection_delay_seconds", Histogram, "time from recorded to visible, per projection"),
    (
        "verbatim_projection_events_total",
        Counter("projection", &["read-models"]),
        "events that a follower read",
    ),
    (
        "verbatim_projection_skipped_events_total",
        Counter("projection", &["read-models"]),
        "events whose type this version does not know",
    ),
    ("verbatim_lease_held", Gauge, "1 in the process that holds the lease, 0 in others, per lease"),
    ("verbatim_process_manager_up", Gauge, "1 while the process manager runs in this process, per manager"),
    (
        "verbatim_process_manager_failures_total",
        Counter("manager", &["outbound-delivery"]),
        "failures after which a process manager is restarted",
    ),
    (
        "verbatim_past_triggers_total",
        Counter("manager", &["outbound-delivery"]),
        "causes that are past, so that a process manager withholds their side effects",
    ),
    ("verbatim_outbox_jobs", Gauge, "messages and webhooks that wait for their end, per outbox"),
    (
        "verbatim_delivery_attempts_total",
        Counter("outcome", &["dispatched", "try_again", "refused", "unknown"]),
        "attempts to send a message",
    ),
    (
        "verbatim_deliveries_total",
        Counter("outcome", &["dispatched", "failed", "gave_up"]),
        "messages whose sending has ended",
    ),
    (
        "verbatim_unopenable_credentials_total",
        Counter("catalogue", &["channels", "macros", "automation_rules"]),
        "uses of credentials that could not be opened, because their key is missing",
    ),
    (
        "verbatim_webhook_attempts_total",
        Counter("outcome", &["delivered", "try_again", "refused"]),
        "calls of outgoing webhooks",
    ),
    ("verbatim_automation_runs_total", UNLABELLED, "automation rules that ran"),
    ("verbatim_bot_answers_total", UNLABELLED, "messages that the bot answered"),
    ("verbatim_sla_alarm_delay_seconds", Histogram, "time from an SLA deadline to the event that records it"),
    (
        "verbatim_scheduled_message_delay_seconds",
        Histogram,
        "time from the time of a scheduled message to its event: sent, or held",
    ),
    ("verbatim_realtime_connections", Gauge, "open connections of Socket.IO clients, by transport"),
    (
        "verbatim_realtime_queue_bytes",
        Gauge,
        "bytes of pushes that wait to be sent to clients, to within 4 KiB a client",
    ),
    (
        "verbatim_realtime_connected_total",
        Counter("mode", &["live", "resumed", "reset"]),
        "clients that were let in, by how they go on",
    ),
    (
        "verbatim_realtime_lagging_total",
        UNLABELLED,
        "times that the queue of a client was full, so that it reads on from the ring",
    ),
    (
        "verbatim_realtime_resets_total",
        Counter("cause", &["slow"]),
        "clients that must fetch anew, because too much was waiting for them",
    ),
    (
        "verbatim_realtime_gap_events",
        Histogram,
        "events that were read from the log for a client that came back",
    ),
    ("verbatim_realtime_push_delay_seconds", Histogram, "time from recorded to given to the clients"),
    ("verbatim_publication_lag_events", Gauge, "events that are not on NATS yet"),
    ("verbatim_publication_lag_seconds", Gauge, "age of the oldest event that is not on NATS yet"),
    ("verbatim_publication_events_total", Counter("", &[]), "events published to NATS"),
    ("verbatim_publication_refused_total", Counter("", &[]), "connections in which NATS refused a message"),
];

/// Installs the recorder, once per process. It comes before everything that records: a handle that is taken before
/// the recorder is installed never records.
pub fn recorder() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = gate::metrics::install()?;
    for (name, kind, meaning) in METRICS {
        match kind {
            Gauge => describe_gauge!(*name, *meaning),
            Histogram => describe_histogram!(*name, *meaning),
            Counter(label, values) => {
                describe_counter!(*name, *meaning);
                for value in *values {
                    match label.is_empty() {
                        true => counter!(*name).increment(0),
                        false => counter!(*name, *label => *value).increment(0),
                    }
                }
            }
        }
    }
    Ok(HANDLE.get_or_init(|| handle).clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn the_document_lists_the_same_metrics() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let document = std::fs::read_to_string(root.join("docs/metrics.md")).unwrap();
        for (name, _, meaning) in METRICS {
            assert!(
                document.contains(&format!("| `{name}` | {meaning} |")),
                "docs/metrics.md lacks {name}: {meaning}"
            );
        }
        let rows = document.lines().filter(|line| line.starts_with("| `verbatim_")).count();
        assert_eq!(rows, METRICS.len());
    }

    #[test]
    fn every_metric_of_the_code_is_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed: BTreeSet<&str> = METRICS.iter().map(|(name, ..)| *name).collect();
        let crates = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join("src"));
        let mut files: Vec<_> = crates.filter(|path| path.is_dir()).collect();
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            for kind in ["counter!(", "gauge!(", "histogram!("] {
                let calls = text.split(kind).skip(1).filter_map(|call| call.trim_start().strip_prefix('"'));
                for name in calls.filter_map(|call| call.split('"').next()) {
                    assert!(
                        listed.contains(name),
                        "{}: {name} is not listed in src/metrics.rs",
                        path.display()
                    );
                }
            }
        }
    }
}
