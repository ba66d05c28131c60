//! Metrics. In: where to show them. Out: what every crate counts through the `metrics` facade, on a page in Prometheus' format. Must not
//! know: what is counted; without an address nothing is.

use std::future::Future;
use std::pin::Pin;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::config::MetricsConfig;

/// Serves the page for as long as it is polled.
pub(crate) type Page = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Counts from now on, where an address is given; within a runtime. Models tell their provider when they open, so this comes before.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) fn start(config: &MetricsConfig) -> anyhow::Result<Option<Page>> {
    let Some(address) = config.listen else { return Ok(None) };
    let (recorder, page) = PrometheusBuilder::new()
        .with_http_listener(address)
        .build()
        .with_context(|| format!("metrics cannot be shown at {address}; set `metrics.listen` to another"))?;
    metrics::set_global_recorder(recorder).context("this process counts already")?;
    tracing::info!(%address, "metrics are shown");
    Ok(Some(Box::pin(async move {
        if let Err(error) = page.await {
            tracing::error!(?error, "metrics are not shown any more");
        }
    })))
}
