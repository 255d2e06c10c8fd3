//! What an engine that commits in groups tells of itself.

use metrics::{Counter, Histogram};

#[derive(Clone)]
pub struct AppendMetrics {
    /// From the moment an append is asked for until it is answered.
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
