//! How fast files are read and encoded, without a store.
//!
//! `cargo run --release -p loquat-kg --example import_speed -- [--threads N] [--mapping FILE] [--n-triples FILE] FILE…`
//!
//! `--n-triples` first writes the facts of the first file, which has to be a table of name, owner and downloads, as N-Triples.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use flate2::read::MultiGzDecoder;
use loquat_kg::{ImportOptions, Mapping, check};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = ImportOptions::default();
    let (mut files, mut n_triples) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--threads" => options.threads = Some(value()?.parse()?),
            "--mapping" => options.mapping = Some(Arc::new(Mapping::read(value()?)?)),
            "--n-triples" => n_triples = Some(PathBuf::from(value()?)),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    if let (Some(to), Some(from)) = (n_triples, files.first()) {
        convert(from, &to)?;
    }
    let mut out = io::stdout();
    writeln!(
        out,
        "{:32} {:>12} {:>9} {:>8} {:>8} {:>16}",
        "file", "statements", "bad", "s", "CPU s", "statements/CPU s"
    )?;
    for file in &files {
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let report = check(file, &options, |_| {})?;
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = cpu_seconds() - cpu;
        let statements = report.facts + report.descriptions;
        writeln!(
            out,
            "{:32} {statements:>12} {:>9} {seconds:>8.2} {cpu:>8.2} {:>16.0}",
            file.file_name().unwrap_or_default().to_string_lossy(),
            report.bad,
            statements as f64 / cpu,
        )?;
    }
    Ok(())
}

/// Seconds that this process has had the processors, over all threads; not a number where the system does not tell.
fn cpu_seconds() -> f64 {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut next = || fields.next()?.parse::<f64>().ok();
        Some(next()? + next()?)
    };
    ticks().map_or(f64::NAN, |ticks| ticks / 100.0)
}

/// Writes a gzipped table of name, owner and downloads as N-Triples.
fn convert(from: &Path, to: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(to)?);
    for line in BufReader::new(MultiGzDecoder::new(File::open(from)?)).lines() {
        let line = line?;
        let mut cells = line.split('\t');
        let (Some(name), Some(owner), Some(downloads)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let subject = format!("<https://npm.example/package/{}>", name.replace('@', "%40"));
        let label = name.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(out, "{subject} <http://www.w3.org/2000/01/rdf-schema#label> \"{label}\" .")?;
        if !owner.is_empty() {
            writeln!(out, "{subject} <https://npm.example/ns#owner> <https://npm.example/user/{owner}> .")?;
        }
        let number = "<http://www.w3.org/2001/XMLSchema#integer>";
        writeln!(out, "{subject} <https://npm.example/ns#downloads> \"{downloads}\"^^{number} .")?;
    }
    out.flush()
}
