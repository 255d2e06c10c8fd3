//! The metrics of an engine that commits appends in groups.

use metrics::{Counter, Histogram};

#[derive(Clone)]
pub struct AppendMetrics {
    /// The time from the call of an append to its answer.
    pub append_seconds: Histogram,
    pub commit_seconds: Histogram,
    pub commit_events: Histogram,
    pub appended: Counter,
    pub failed: Counter,
}

impl AppendMetrics {
    pub fn new() -> Self {
        Self {
            append_seconds: metrics::histogram!("verbatim_event_log_append_seconds"),
            commit_seconds: metrics::histogram!("verbatim_event_log_commit_seconds"),
            commit_events: metrics::histogram!("verbatim_event_log_commit_events"),
            appended: metrics::counter!("verbatim_event_log_events_total"),
            failed: metrics::counter!("verbatim_event_log_failed_commits_total"),
        }
    }
}
