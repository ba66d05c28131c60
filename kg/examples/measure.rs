//! Imports files into a new graph and says how long things take.
//!
//! ```text
//! cargo run --release -p loquat-kg --example measure -- FILE…
//! ```
//!
//! How well names are linked is for the example `linking` to say.

use std::path::PathBuf;
use std::time::Instant;

use loquat_kg::{Graph, ImportOptions};

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn main() -> Result<(), Failure> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let folder = tempfile::tempdir()?;
    let graph = Graph::open(folder.path())?;
    for file in &files {
        let start = Instant::now();
        let report = graph.import(file, &ImportOptions::default(), |_| {})?;
        let took = start.elapsed();
        let statements = report.facts + report.descriptions;
        println!(
            "{}: {} facts, {} descriptions, {} bad lines in {took:.2?}: {:.0} statements/s, with the new view",
            file.display(),
            report.facts,
            report.descriptions,
            report.bad,
            statements as f64 / took.as_secs_f64()
        );
    }
    drop(graph);
    let start = Instant::now();
    let graph = Graph::open(folder.path())?;
    let took = start.elapsed();
    let stats = graph.stats()?;
    println!(
        "open: {took:.2?} for {} entities, {} facts, {} bytes",
        stats.entities, stats.facts, stats.bytes
    );
    Ok(())
}
