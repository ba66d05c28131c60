//! Metrics. In: where to show them beside the operator's pages. Out: what every crate counts through the `metrics` facade, as text in Prometheus'
//! format, on a page of its own where an address is given. Must not know: what is counted.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::config::MetricsConfig;

/// The limits of what takes time, in seconds: from a cached template's reply to a long one on a slow machine.
const SECONDS: [f64; 16] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0];
/// How often what was counted is put together.
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves the page, and puts together what was counted, for as long as it is polled.
pub type Page = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Counts from now on; within a runtime. Models tell their provider when they open, so this comes before.
///
/// # Errors
/// The address cannot be listened on, or this process counts already.
pub fn start(config: &MetricsConfig) -> anyhow::Result<(PrometheusHandle, Page)> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .context("the limits of histograms")?;
    let (recorder, page): (_, Page) = match config.listen {
        Some(address) => {
            let shown = builder.with_http_listener(address).build();
            let (recorder, page) = shown.with_context(|| {
                format!("metrics cannot be shown at {address}; set `metrics.listen` to another")
            })?;
            tracing::info!(%address, "metrics are shown");
            let page = async move {
                if let Err(error) = page.await {
                    tracing::error!(?error, "metrics are not shown any more");
                }
            };
            (recorder, Box::pin(page))
        }
        None => {
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            let upkeep = async move {
                loop {
                    tokio::time::sleep(UPKEEP).await;
                    handle.run_upkeep();
                }
            };
            (recorder, Box::pin(upkeep))
        }
    };
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("this process counts already")?;
    Ok((handle, page))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    /// The sources below a folder, without tests and examples.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !["target", "tests", "examples", "node_modules"].contains(&name) {
                sources(&path, found);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                found.push(path);
            }
        }
    }

    /// The names in a text that stand between these, without what is put behind the names of histograms.
    fn names(text: &str, quote: char) -> impl Iterator<Item = String> {
        let quoted = text.split(quote).filter(|word| word.starts_with("loquat_"));
        let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        quoted.filter(is_name).filter(|word| !word.ends_with("_bucket")).map(str::to_owned)
    }

    #[test]
    fn what_is_counted_is_documented_and_what_is_documented_is_counted() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = Vec::new();
        for folder in ["core", "connectors", "kg"] {
            sources(&root.join(folder), &mut files);
        }
        let mut counted = BTreeSet::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            // Crates are called so too, and never counted.
            let of_metrics = names(&text, '"').filter(|name| name.matches('_').count() > 1);
            counted.extend(of_metrics);
        }
        let documented = std::fs::read_to_string(root.join("docs/metrics.md")).unwrap();
        let documented: BTreeSet<String> = names(&documented, '`').collect();
        assert!(counted.len() > 25, "the search itself works: {counted:?}");
        assert_eq!(counted, documented);
    }

    #[tokio::test]
    async fn what_is_counted_is_on_the_page_and_at_hand() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let taken = start(&MetricsConfig { listen: Some(address) }).err().map(|error| error.to_string());
        assert!(taken.unwrap().contains("metrics.listen"), "the address is in use");
        drop(free);

        let (handle, page) = start(&MetricsConfig { listen: Some(address) }).unwrap();
        let page = tokio::spawn(page);
        metrics::gauge!("loquat_model_provider", "model" => "m", "provider" => "cpu").set(1.0);
        metrics::histogram!("loquat_reply_seconds").record(0.4);
        let mut asked = tokio::net::TcpStream::connect(address).await.unwrap();
        asked.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut text = String::new();
        asked.read_to_string(&mut text).await.unwrap();
        for text in [text, handle.render()] {
            assert!(text.contains("loquat_model_provider{model=\"m\",provider=\"cpu\"} 1"), "{text}");
            assert!(text.contains("loquat_reply_seconds_bucket{le=\"0.5\"} 1"), "{text}");
            assert!(text.contains("loquat_reply_seconds_bucket{le=\"0.3\"} 0"), "{text}");
        }
        page.abort();
        assert!(start(&MetricsConfig::default()).is_err(), "a process counts once");
    }
}
