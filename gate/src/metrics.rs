//! Figures for Prometheus.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds in seconds, from what a cached page takes to what nobody should wait for.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The counting could not begin.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be recorded")]
pub struct MetricsError(#[from] BuildError);

/// Begins to count, for the whole process; once. The handle is what [`crate::Gate`] shows at `/metrics`.
/// Every figure in seconds is counted in buckets, so that instances can be added up.
pub fn install() -> Result<PrometheusHandle, MetricsError> {
    Ok(PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?
        .install_recorder()?)
}
