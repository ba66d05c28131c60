//! What the process tells of its work. In: spans and events of `tracing` from every crate. Out: lines on standard error, for people or for machines,
//! without secrets; and traces, where a collector is named. Must not know: which spans there are.
//!
//! The log begins before any config is read, so what a config says is put in later. Where no collector is named, no span of a stage is made.

mod export;
mod guard;
mod line;
mod traces;

use std::sync::OnceLock;

use anyhow::Context;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::{LogFormat, TelemetryConfig};
use crate::secrets::Stderr;
use traces::{Traced, Traces};

pub use traces::Exporting;

/// What lines are written by: on top of the traces, so that a line can name the one that it belongs to.
type Base = tracing_subscriber::layer::Layered<
    tracing_subscriber::filter::Filtered<Traces, Traced, Registry>,
    Registry,
>;
type Lines = Box<dyn Layer<Base> + Send + Sync>;

/// The variable that says how lines are written, before any config does.
const FORMAT: &str = "LOQUAT_LOG_FORMAT";

static WRITTEN_BY: OnceLock<reload::Handle<Lines, Base>> = OnceLock::new();

fn lines(format: LogFormat, colours: bool) -> Lines {
    match format {
        LogFormat::Text => fmt::layer().with_writer(|| Stderr).with_ansi(colours).with_target(false).boxed(),
        LogFormat::Json => fmt::layer()
            .fmt_fields(fmt::format::JsonFields::new())
            .event_format(line::Json)
            .with_writer(|| Stderr)
            .with_ansi(false)
            .boxed(),
    }
}

/// What the environment says of how lines are written.
///
/// # Errors
/// When it names no format.
fn format_of_environment() -> Result<Option<LogFormat>, String> {
    std::env::var(FORMAT)
        .ok()
        .map(|text| text.parse().map_err(|error| format!("{FORMAT}: {error}")))
        .transpose()
}

/// Begins to write lines, of what `filter` lets through.
pub fn begin(filter: EnvFilter, colours: bool) {
    let format = format_of_environment();
    let (lines, handle) =
        reload::Layer::new(lines(format.as_ref().ok().copied().flatten().unwrap_or_default(), colours));
    tracing_subscriber::registry().with(Traces.with_filter(Traced)).with(lines.with_filter(filter)).init();
    let _the_first_stays = WRITTEN_BY.set(handle);
    if let Err(error) = format {
        tracing::warn!(error);
    }
}

/// Writes lines as the config says, unless the environment says otherwise.
pub fn write_as(format: LogFormat) {
    if matches!(format_of_environment(), Ok(None))
        && format != LogFormat::default()
        && let Some(handle) = WRITTEN_BY.get()
        && let Err(error) = handle.reload(lines(format, false))
    {
        tracing::warn!(%error, "the log stays as it is");
    }
}

/// Sends traces from now on, where a collector is named; within a runtime, which sends them. What it returns is kept for as long as traces are to
/// be sent, and sends the last of them when it is [ended](Exporting::end).
///
/// # Errors
/// When the collector's address or headers are none, or this process traces already.
pub fn trace(config: &TelemetryConfig) -> anyhow::Result<Option<Exporting>> {
    let Some(exporter) = export::exporter(config).context("`telemetry` in the config")? else {
        return Ok(None);
    };
    let exporting = traces::begin(exporter, config)?;
    tracing::info!("traces are sent");
    Ok(Some(exporting))
}
