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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_is_counted_is_on_the_page() {
        assert!(start(&MetricsConfig::default()).unwrap().is_none(), "off by default");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let taken = start(&MetricsConfig { listen: Some(address) }).err().map(|error| error.to_string());
        assert!(taken.unwrap().contains("metrics.listen"), "the address is in use");
        drop(free);

        let page = start(&MetricsConfig { listen: Some(address) }).unwrap().unwrap();
        let page = tokio::spawn(page);
        metrics::gauge!("loquat_model_provider", "model" => "m", "provider" => "cpu").set(1.0);
        let mut asked = tokio::net::TcpStream::connect(address).await.unwrap();
        asked.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut text = String::new();
        asked.read_to_string(&mut text).await.unwrap();
        assert!(text.contains("loquat_model_provider{model=\"m\",provider=\"cpu\"} 1"), "{text}");
        page.abort();
    }
}
