//! Secrets stay out of traces, as they stay out of the log. In: spans on their way to a collector. Out: the same without secrets in what they say.

use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::secrets;

/// An exporter that sends no secret.
#[derive(Debug)]
pub(super) struct Guarded<E>(pub(super) E);

impl<E: SpanExporter> SpanExporter for Guarded<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            span.attributes.iter_mut().for_each(guard);
            for event in &mut span.events.events {
                event.name = secrets::without(&event.name).into_owned().into();
                event.attributes.iter_mut().for_each(guard);
            }
            if let Status::Error { description } = &mut span.status {
                *description = secrets::without(description).into_owned().into();
            }
        }
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn guard(attribute: &mut KeyValue) {
    let without = |text: &StringValue| StringValue::from(secrets::without(text.as_str()).into_owned());
    match &mut attribute.value {
        Value::String(text) => *text = without(text),
        Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| *text = without(text)),
        _ => {}
    }
}
