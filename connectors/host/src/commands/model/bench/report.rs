//! Numbers as people and scripts read them. In: what was timed. Out: medians and percentiles in a table, or as JSON. Must not know: how
//! it was timed.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use loquat_contract::ModelIdentity;
use loquat_inference::ModelInfo;
use owo_colors::OwoColorize;
use serde::Serialize;

use super::measure::{Load, Measured, Round, Stream};

/// A model's numbers. Rates are tokens a second, times milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    model: ModelIdentity,
    provider: String,
    threads: usize,
    loads: Vec<LoadReport>,
    cached_prefix: PrefixReport,
    memory: MemoryReport,
}

/// Medians over rounds; percentiles over all streams of all rounds.
#[derive(Clone, Debug, Serialize)]
struct LoadReport {
    sequences: usize,
    /// Of a chat, in the median.
    prompt_tokens: usize,
    /// All prompts, until the last of them gave its first text.
    prefill_rate: f64,
    /// Of one stream, after its first text.
    decode_rate: f64,
    /// Everything written, over all the time, reading the prompts included.
    total_rate: f64,
    first_text_p50_ms: f64,
    first_text_p99_ms: f64,
    whole_p50_ms: f64,
    whole_p99_ms: f64,
    streams: usize,
    /// Streams that wrote fewer tokens than they might have.
    ended_early: usize,
}

#[derive(Clone, Debug, Serialize)]
struct PrefixReport {
    prompt_tokens: usize,
    first_text_cold_ms: f64,
    first_text_cached_ms: f64,
    ratio: f64,
}

#[derive(Clone, Debug, Serialize)]
struct MemoryReport {
    model_bytes: u64,
    /// Keys and values that the largest load needed: its sequences at once, each with its prompt and its reply.
    cache_bytes: u64,
    /// Of the whole process; `null` where the system does not tell.
    peak_bytes: Option<u64>,
}

impl Report {
    pub(super) fn new(model: ModelIdentity, info: &ModelInfo, measured: Measured) -> Self {
        let cold = median(measured.cold.iter().map(|stream| milliseconds(stream.first)));
        let cached = median(measured.cached.iter().map(|stream| milliseconds(stream.first)));
        Self {
            model,
            provider: info.provider.used.to_string(),
            threads: info.threads,
            cached_prefix: PrefixReport {
                prompt_tokens: median(measured.cold.iter().map(|stream| stream.prompt as f64)) as usize,
                first_text_cold_ms: cold,
                first_text_cached_ms: cached,
                ratio: cached / cold,
            },
            memory: MemoryReport {
                model_bytes: weights(&info.graph),
                cache_bytes: measured.loads.iter().map(tokens_held).max().unwrap_or(0)
                    * (info.cache_bytes / info.context.max(1)) as u64,
                peak_bytes: peak(),
            },
            loads: measured.loads.iter().map(LoadReport::new).collect(),
        }
    }
}

impl LoadReport {
    fn new(load: &Load) -> Self {
        let streams = || load.rounds.iter().flat_map(|round| &round.streams);
        let over_rounds = |rate: fn(&Round) -> f64| median(load.rounds.iter().map(rate));
        let first = || streams().map(|stream| milliseconds(stream.first));
        let whole = || streams().map(|stream| milliseconds(stream.whole));
        Self {
            sequences: load.sequences,
            prompt_tokens: median(streams().map(|stream| stream.prompt as f64)) as usize,
            prefill_rate: over_rounds(|round| {
                let last = round.streams.iter().map(|stream| stream.first).max().unwrap_or_default();
                rate(round.streams.iter().map(|stream| stream.prompt).sum(), last)
            }),
            decode_rate: median(streams().filter_map(decode_rate)),
            total_rate: over_rounds(|round| {
                rate(round.streams.iter().map(|stream| stream.completion).sum(), round.whole)
            }),
            first_text_p50_ms: percentile(first(), 0.5),
            first_text_p99_ms: percentile(first(), 0.99),
            whole_p50_ms: percentile(whole(), 0.5),
            whole_p99_ms: percentile(whole(), 0.99),
            streams: streams().count(),
            ended_early: streams().filter(|stream| stream.completion < load.tokens).count(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = match self.threads {
            0 => "all cores".to_owned(),
            1 => "1 thread".to_owned(),
            count => format!("{count} threads"),
        };
        writeln!(f, "{} on {}, {threads}", self.model.name.bold(), self.provider)?;
        writeln!(
            f,
            "  {:>7} {:>7} {:>12} {:>12} {:>12} {:>17} {:>17}",
            "at once",
            "prompt",
            "prefill t/s",
            "decode t/s",
            "all t/s",
            "first p50/p99 ms",
            "whole p50/p99 ms"
        )?;
        for load in &self.loads {
            writeln!(
                f,
                "  {:>7} {:>7} {:>12.0} {:>12.1} {:>12.1} {:>17} {:>17}",
                load.sequences,
                load.prompt_tokens,
                load.prefill_rate,
                load.decode_rate,
                load.total_rate,
                format!("{:.0} / {:.0}", load.first_text_p50_ms, load.first_text_p99_ms),
                format!("{:.0} / {:.0}", load.whole_p50_ms, load.whole_p99_ms),
            )?;
        }
        writeln!(f, "  decode: of one stream; all: tokens written by all streams over the whole time")?;
        let (early, streams) =
            self.loads.iter().fold((0, 0), |sum, load| (sum.0 + load.ended_early, sum.1 + load.streams));
        if early > 0 {
            writeln!(
                f,
                "  {early} of {streams} replies ended early; rates count the tokens that were written"
            )?;
        }
        let prefix = &self.cached_prefix;
        writeln!(
            f,
            "  first text of {} tokens, cold: {:.0} ms; after a chat with the same beginning: {:.0} ms, {:.2} of it",
            prefix.prompt_tokens, prefix.first_text_cold_ms, prefix.first_text_cached_ms, prefix.ratio
        )?;
        let (model, cache) = (self.memory.model_bytes, self.memory.cache_bytes);
        write!(f, "  model {} MB, KV cache {} MB", model / 1_000_000, cache / 1_000_000)?;
        match self.memory.peak_bytes {
            Some(peak) => writeln!(
                f,
                " for the largest load; peak memory {} MB, {:.2} of both",
                peak / 1_000_000,
                peak as f64 / (model + cache).max(1) as f64
            ),
            None => writeln!(f, "; this system does not tell peak memory"),
        }
    }
}

/// The most tokens that the sequences of a load held at once.
fn tokens_held(load: &Load) -> u64 {
    let held =
        |round: &Round| round.streams.iter().map(|stream| (stream.prompt + stream.completion) as u64).sum();
    load.rounds.iter().map(held).max().unwrap_or(0)
}

fn decode_rate(stream: &Stream) -> Option<f64> {
    let after = stream.whole.saturating_sub(stream.first);
    (stream.completion > 1 && !after.is_zero()).then(|| rate(stream.completion - 1, after))
}

fn rate(tokens: usize, time: Duration) -> f64 {
    tokens as f64 / time.as_secs_f64().max(f64::EPSILON)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    percentile(numbers, 0.5)
}

/// The smallest number that at least `share` of them do not exceed; 0 of none.
fn percentile(numbers: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let place = (share * numbers.len() as f64).ceil() as usize;
    numbers.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// Bytes of the graph and of the files of weights beside it, which begin with its name.
fn weights(graph: &Path) -> u64 {
    let name = graph.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = graph.parent().and_then(|folder| folder.read_dir().ok()).into_iter().flatten().flatten();
    files
        .filter(|file| file.file_name().to_string_lossy().starts_with(&name))
        // The file itself, where this is a link.
        .filter_map(|file| file.path().metadata().ok())
        .map(|found| found.len())
        .sum()
}

/// The process's peak memory counts anew from here, where the system can do that.
pub(super) fn forget_peak() {
    let _unsupported = std::fs::write("/proc/self/clear_refs", "5");
}

/// Bytes that the process had in memory at most.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(completion: usize, first: u64, whole: u64) -> Stream {
        let [first, whole] = [first, whole].map(Duration::from_millis);
        Stream { prompt: 50, completion, first, whole }
    }

    #[test]
    fn rates_count_what_was_written() {
        let rounds = vec![Round {
            streams: vec![stream(11, 100, 1100), stream(6, 500, 1000)],
            whole: Duration::from_millis(1100),
        }];
        let report = LoadReport::new(&Load { sequences: 2, tokens: 11, rounds });
        assert_eq!(report.prompt_tokens, 50);
        assert!((report.prefill_rate - 200.0).abs() < 1e-9, "100 tokens in 0.5 s");
        assert!((report.decode_rate - 10.0).abs() < 1e-9, "10 further tokens in a second");
        assert!((report.total_rate - 17.0 / 1.1).abs() < 1e-9);
        assert_eq!((report.streams, report.ended_early), (2, 1));
    }

    #[test]
    fn percentiles_are_numbers_that_were_measured() {
        let numbers = || (1..=100).map(f64::from).rev();
        assert_eq!(percentile(numbers(), 0.5), 50.0);
        assert_eq!(percentile(numbers(), 0.99), 99.0);
        assert_eq!(percentile([7.0].into_iter(), 0.99), 7.0);
        assert_eq!(percentile(std::iter::empty(), 0.5), 0.0);
    }

    #[test]
    fn weights_are_the_graph_and_its_data() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("model.onnx", 10), ("model.onnx.data", 100), ("tokenizer.json", 1000)] {
            std::fs::write(folder.path().join(name), vec![0; bytes]).unwrap();
        }
        assert_eq!(weights(&folder.path().join("model.onnx")), 110);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn peak_memory_is_told() {
        assert!(peak().unwrap() > 1_000_000);
    }
}
