//! `loquat kg import`. In: files and flags. Out: a fuller graph, and a line on each file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loquat_contract::Generation;
use loquat_kg::{ImportReport, check};

use crate::cli::ImportCommand;
use crate::commands::PARTLY;
use crate::config::Loaded;
use crate::parts::{import, open_for_import, quarantine, remember_import, report_bad_lines};
use crate::progress::Screen;

pub(super) fn import_files(
    loaded: &Loaded,
    command: &ImportCommand,
    screen: &Screen,
) -> anyhow::Result<ExitCode> {
    let settings = &command.settings;
    // A mapping that is wrong is told before a graph is built.
    let mut options = settings.options(PathBuf::new())?;
    let (graph, store) = open_for_import(loaded, screen)?;
    options.quarantine = Some(command.quarantine.clone().unwrap_or_else(|| quarantine(&store)));
    let stop = stopped_by_interrupt()?;
    let mut bad = 0;
    for file in &command.files {
        let begun = Instant::now();
        let report = import(&graph, file, &options, &stop, screen)?;
        remember_import(&store, file, settings)?;
        report_bad_lines(file, &report, screen);
        bad += report.bad;
        tell(file, &report, begun.elapsed())?;
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// Reads the files and imports nothing.
pub(super) fn check_files(command: &ImportCommand, screen: &Screen) -> anyhow::Result<ExitCode> {
    let options = command.settings.options(PathBuf::new())?;
    let mut bad = 0;
    for file in &command.files {
        let begun = Instant::now();
        let task = format!("reading {}", file.display());
        let report =
            check(file, &options, |progress| screen.show(&task, progress.read, Some(progress.total), true));
        screen.clear();
        let report = report?;
        report_bad_lines(file, &report, screen);
        bad += report.bad;
        tell(file, &report, begun.elapsed())?;
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(PARTLY) })
}

/// The line on a file.
fn tell(file: &Path, report: &ImportReport, took: Duration) -> anyhow::Result<()> {
    let seconds = took.as_secs_f64();
    let statements = report.stated + report.descriptions;
    // A check has no graph to compare with.
    let facts = match report.generation {
        Generation(0) => format!("{} facts", report.stated),
        _ => format!("{} new facts", report.facts),
    };
    let mut line = format!(
        "{}: {facts} about {} entities with {} predicates, {} lines left out",
        file.display(),
        report.entities,
        report.predicates,
        report.bad
    );
    if report.retired > 0 {
        line += &format!(", {} facts retired that the source states no more", report.retired);
    }
    if report.left_out > 0 {
        line += &format!(", {} statements not wanted", report.left_out);
    }
    if report.resumed_at > 0 {
        line += ", gone on with after a stop";
    }
    let speed = statements as f64 / seconds.max(0.001);
    writeln!(anstream::stdout(), "{line}; {seconds:.1} s, {speed:.0} statements/s")?;
    Ok(())
}

/// A flag that Ctrl-C sets; a second one ends the program at once.
fn stopped_by_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let flag = stop.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    });
    Ok(stop)
}
