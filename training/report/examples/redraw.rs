//! Draws a run's numbers again: every series of its `metrics.jsonl`, one plot each, and the same for TensorBoard.
//! Run: `cargo run -p loquat-report --example redraw -- runs/shop/run/metrics.jsonl drawn`
#![allow(clippy::print_stdout, reason = "an example says what it did")]

use std::path::PathBuf;

use loquat_report::plot::{Axis, Style};
use loquat_report::{Curves, EventFile, Machine, Metrics, ReportError, RunReport};

fn main() -> Result<(), ReportError> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(numbers), Some(folder)) = (arguments.next(), arguments.next()) else {
        println!("name a file of numbers and a folder");
        return Ok(());
    };
    let metrics = Metrics::read(&numbers)?;
    let curves = metrics.names().map(|name| Curves {
        file: name.replace('/', "-"),
        title: name.to_owned(),
        axis: Axis::linear(name),
        series: vec![(name.to_owned(), name.to_owned(), Style::Smoothed)],
    });
    let report = RunReport {
        name: numbers.display().to_string(),
        outcome: metrics
            .names()
            .filter_map(|name| Some((name.into(), metrics.last(name)?.to_string())))
            .collect(),
        curves: curves.collect(),
        machine: Machine::here(),
        metrics: metrics.clone(),
        ..RunReport::default()
    };
    let (page, plots) = report.write(&folder)?;
    let mut events = EventFile::create(&folder, None)?;
    for name in metrics.names() {
        for (step, value) in metrics.points(name) {
            events.scalar(step as u64, name, value)?;
        }
    }
    for plot in &plots {
        events.image(0, &plot.file, &plot.png)?;
    }
    println!("{}, {}", page.display(), events.path().display());
    Ok(())
}
