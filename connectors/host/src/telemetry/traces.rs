//! Spans become traces. In: the spans of this program's own crates. Out: the same for OpenTelemetry, once there is somewhere to send them. Before that
//! they are not even made. Of what is logged within them, warnings and errors go along, and nothing below: there are words of people in it.

use std::sync::OnceLock;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::{Layer, Registry};

use super::guard::Guarded;
use crate::config::TelemetryConfig;

static LAYER: OnceLock<OpenTelemetryLayer<Registry, SdkTracer>> = OnceLock::new();

/// Sends traces for as long as it is there.
#[derive(Debug)]
pub struct Exporting(SdkTracerProvider);

impl Exporting {
    /// Sends what was not sent yet. It blocks until that is done, or takes too long.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Makes traces of spans from now on.
///
/// # Errors
/// When this process does so already.
pub(super) fn begin(exporter: SpanExporter, config: &TelemetryConfig) -> anyhow::Result<Exporting> {
    let mut resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let is_named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    match &config.service_name {
        Some(name) => resource = resource.with_service_name(name.clone()),
        None if !is_named => resource = resource.with_service_name("loquat"),
        None => {}
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(Guarded(exporter))
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample))))
        .with_resource(resource.build())
        .build();
    let layer = OpenTelemetryLayer::new(provider.tracer("loquat")).with_location(false).with_threads(false);
    LAYER.set(layer).ok().context("this process traces already")?;
    // Which spans are wanted was asked when nobody wanted any.
    tracing::callsite::rebuild_interest_cache();
    Ok(Exporting(provider))
}

/// Spans of this program's crates, and what goes wrong within them.
pub(super) struct Traced;

impl Traced {
    fn wants(metadata: &Metadata<'_>) -> bool {
        LAYER.get().is_some()
            && metadata.target().starts_with("loquat")
            && (metadata.is_span() || *metadata.level() <= Level::WARN)
    }
}

impl<S> Filter<S> for Traced {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        Self::wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if LAYER.get().is_none() { LevelFilter::OFF } else { LevelFilter::DEBUG })
    }
}

/// Hands everything on, once there is somewhere to.
pub(super) struct Traces;

impl Layer<Registry> for Traces {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_record(id, values, context);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_follows_from(id, follows, context);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_event(event, context);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_enter(id, context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_exit(id, context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, Registry>) {
        if let Some(layer) = LAYER.get() {
            layer.on_close(id, context);
        }
    }
}
