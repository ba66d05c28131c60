//! Traces on their way to a collector. In: what OpenTelemetry wants posted. Out: posted, by the client and the TLS that the rest of the program has. The
//! thread that collects spans has no runtime of its own, so the program's sends them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use crate::config::TelemetryConfig;

/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where traces go below the collector's address.
const PATH: &str = "/v1/traces";
/// Variables that name a collector.
const NAMED_BY: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What sends traces; `None` where no collector is named, or the environment says that none are to be sent.
///
/// # Errors
/// When an address or a header is none.
pub(super) fn exporter(config: &TelemetryConfig) -> anyhow::Result<Option<SpanExporter>> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let is_off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value.eq_ignore_ascii_case("none"));
    let is_named = config.otlp_endpoint.is_some() || NAMED_BY.iter().any(|name| set(name).is_some());
    if is_off || !is_named {
        return Ok(None);
    }
    anyhow::ensure!((0.0..=1.0).contains(&config.sample), "sample is a part of the messages, from 0 to 1");
    let client =
        reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
    let mut builder = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(TIMEOUT)
        .with_http_client(Client { client, runtime: Handle::current() });
    if let Some(endpoint) = &config.otlp_endpoint {
        let endpoint = endpoint.trim_end_matches('/');
        // An address with the path is taken as it is.
        let whole = if endpoint.ends_with(PATH) { endpoint.to_owned() } else { format!("{endpoint}{PATH}") };
        anyhow::ensure!(
            whole.starts_with("http://") || whole.starts_with("https://"),
            "otlp_endpoint is no http address; write http://host:4318"
        );
        builder = builder.with_endpoint(whole);
    }
    if !config.headers.is_empty() {
        let headers =
            config.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
        builder = builder.with_headers(headers.collect::<HashMap<_, _>>());
    }
    builder.build().map(Some).context("otlp_endpoint")
}

/// The client that is there already.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
        let client = self.client.clone();
        let posted = self.runtime.spawn(async move {
            let response = client.execute(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, response.bytes().await?))
        });
        let (status, headers, body) = posted.await?.map_err(reqwest::Error::without_url)?;
        let mut response = Response::builder().status(status).body(body)?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
