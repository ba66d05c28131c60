//! Loquat's graph beside Oxigraph's: the same N-Triples, machine, language and run. In: a table of packages (name, owner,
//! downloads). Out: a Markdown table of times, sizes and ratios. It must not know how either engine stores anything.
//!
//! ```text
//! cargo run --release --manifest-path benchmarks/oxigraph/Cargo.toml -- --packages 100000
//! ```
//!
//! It builds RocksDB, which takes minutes and needs a C++ compiler and libclang (Debian: `apt-get install g++ libclang-dev`).
//! Without `--packages` it takes the whole file. With `--no-default-features` Oxigraph is in memory: built fast, and no disk is
//! compared. Each engine runs in a process of its own, one after the other, so that neither pays for the other's
//! memory; both get the same random packages. What they find is counted and has to be the same.

mod data;
mod engine;
mod loquat;
mod measure;
mod oxigraph;

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use clap::{Parser, ValueEnum};

use crate::data::Sample;

/// Compares Loquat's graph with Oxigraph.
#[derive(Debug, Parser)]
struct Arguments {
    /// The packages: gzipped lines of name, owner and downloads, with tabs between.
    #[arg(long, default_value = "../shared/data/npm-kg/npm.tsv.gz")]
    data: PathBuf,
    /// How many of them; without it, all.
    #[arg(long)]
    packages: Option<usize>,
    /// How many of them are asked about.
    #[arg(long, default_value_t = 10_000)]
    queries: usize,
    /// A folder to work in, which needs about 1.5 kB a package; it is left empty.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
    /// Runs one engine in the scratch folder and prints its numbers; the program calls itself so.
    #[arg(long, hide = true)]
    engine: Option<Engine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    Oxigraph,
    Loquat,
}

/// What the engines are measured by: key, name, unit.
const ROWS: [(&str, &str, Unit); 21] = [
    ("import_s", "import, parse to durable", Unit::Seconds),
    ("import_cpu_s", "– processor time of it", Unit::Seconds),
    ("per_cpu_s", "– triples a second and core", Unit::Rate),
    ("import_rss", "– most memory until then", Unit::Bytes),
    ("compact_s", "compaction after it", Unit::Seconds),
    ("bytes", "on disk", Unit::Bytes),
    ("open_s", "open again, warm page cache", Unit::Seconds),
    ("first_s", "– first lookup after it", Unit::Seconds),
    ("open_rss", "– memory then", Unit::Bytes),
    ("lookup_p50", "label → entity → label → edges, p50", Unit::Seconds),
    ("lookup_p99", "– p99", Unit::Seconds),
    ("lookup_once_p50", "– SPARQL, p50", Unit::Seconds),
    ("lookup_once_p99", "– p99", Unit::Seconds),
    ("hops_p50", "two hops, at most 100 packages with names, step by step, p50", Unit::Seconds),
    ("hops_p99", "– p99", Unit::Seconds),
    ("hops_once_p50", "– SPARQL, subgraph with facts, p50", Unit::Seconds),
    ("hops_once_p99", "– p99", Unit::Seconds),
    ("whole_p50", "two hops, all packages of an owner with at most 1,000, step by step, p50", Unit::Seconds),
    ("whole_p99", "– p99", Unit::Seconds),
    ("whole_once_p50", "– SPARQL, subgraph with facts, p50", Unit::Seconds),
    ("whole_once_p99", "– p99", Unit::Seconds),
];

/// Counts that have to agree.
const COUNTS: [&str; 5] =
    ["lookup_found", "hops_found", "whole_found", "hops_once_found", "whole_once_found"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Bytes,
    Rate,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value >= 1.0 => format!("{value:.1} s"),
            Self::Seconds if value >= 1e-3 => format!("{:.1} ms", value * 1e3),
            Self::Seconds => format!("{:.1} µs", value * 1e6),
            Self::Bytes => format!("{:.1} MB", value / 1e6),
            Self::Rate => format!("{:.0}", value),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    if let Some(engine) = arguments.engine {
        let sample = Sample::read(&arguments.scratch)?;
        let numbers = match engine {
            Engine::Oxigraph => engine::run::<oxigraph::Oxigraph>(&arguments.scratch, &sample)?,
            Engine::Loquat => engine::run::<loquat::Loquat>(&arguments.scratch, &sample)?,
        };
        for (key, value) in numbers {
            writeln!(out, "{key}\t{value}")?;
        }
        return Ok(());
    }
    std::fs::create_dir_all(&arguments.scratch)?;
    let scratch = arguments.scratch.join(format!("loquat-benchmark-{}", std::process::id()));
    std::fs::create_dir(&scratch).with_context(|| format!("{} cannot be made", scratch.display()))?;
    let compared = compare(&arguments, &scratch, &mut out);
    std::fs::remove_dir_all(&scratch)?;
    compared
}

fn compare(arguments: &Arguments, scratch: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let made = data::generate(&arguments.data, arguments.packages, arguments.queries, scratch)?;
    writeln!(
        out,
        "{} packages, {} owners, {} triples, {:.1} MB of N-Triples; {} packages asked about.\n",
        made.packages,
        made.owners,
        made.triples,
        made.bytes as f64 / 1e6,
        arguments.queries
    )?;
    let theirs = child(Engine::Oxigraph, scratch)?;
    let ours = child(Engine::Loquat, scratch)?;
    for count in COUNTS {
        let (a, b) = (theirs.get(count), ours.get(count));
        ensure!(
            a == b,
            "the engines found different things: {count} is {a:?} in Oxigraph and {b:?} in Loquat"
        );
    }
    writeln!(out, "| | Oxigraph | Loquat | Oxigraph ÷ Loquat |\n|---|---:|---:|---:|")?;
    for (key, name, unit) in ROWS {
        let (Some(theirs), Some(ours)) = (theirs.get(key), ours.get(key)) else { continue };
        writeln!(out, "| {name} | {} | {} | {:.2} |", unit.show(*theirs), unit.show(*ours), theirs / ours)?;
    }
    let input = made.bytes as f64;
    for (name, numbers) in [("Oxigraph", &theirs), ("Loquat", &ours)] {
        if let Some(bytes) = numbers.get("bytes") {
            writeln!(out, "\n{name} takes {:.2} times the input on disk.", bytes / input)?;
        }
    }
    Ok(())
}

/// Runs an engine in a process of its own.
fn child(engine: Engine, scratch: &Path) -> anyhow::Result<HashMap<String, f64>> {
    let name = format!("{engine:?}").to_lowercase();
    let output = Command::new(std::env::current_exe()?)
        .arg("--scratch")
        .arg(scratch)
        .args(["--engine", &name])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("{engine:?} failed: {}", output.status);
    }
    let number = |line: &str| {
        let (key, value) = line.split_once('\t').context("a line without a tab")?;
        Ok((key.to_owned(), value.parse()?))
    };
    String::from_utf8(output.stdout)?.lines().map(number).collect()
}
