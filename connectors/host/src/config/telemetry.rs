//! What the bot tells of its work. In: the tables `log` and `telemetry` of a bot's file. Out: how lines are written, and where traces go.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

/// How the log is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// `text` for people, or `json`, an object a line, for machines. `LOQUAT_LOG_FORMAT` goes before it. Default: `text`.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is no format of the log; write text or json")),
        }
    }
}

/// Where traces go.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// The address of an OpenTelemetry collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; traces go to `/v1/traces` there.
    /// Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else none, and nothing is traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// Headers that the collector wants, such as a key. Default: `OTEL_EXPORTER_OTLP_HEADERS`, else none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretString>,
    /// What traces are found by. Default: `OTEL_SERVICE_NAME`, else `loquat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// Which part of the messages is traced, from 0 to 1. Default: 1.
    pub sample: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { otlp_endpoint: None, headers: BTreeMap::new(), service_name: None, sample: 1.0 }
    }
}

fn redacted<S: Serializer>(
    headers: &BTreeMap<String, SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| (name, "[redacted]")))
}
