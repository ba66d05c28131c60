//! Progress as a person sees it. In: steps of fetches, exports and imports. Out: bars on a terminal, single lines elsewhere; all on
//! standard error, so that standard output holds answers alone.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Draws the progress of whatever is going on, one bar a task.
pub struct Screen {
    bars: MultiProgress,
    is_terminal: bool,
    open: Mutex<HashMap<String, ProgressBar>>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            bars: MultiProgress::new(),
            is_terminal: std::io::stderr().is_terminal(),
            open: Mutex::default(),
        }
    }
}

impl Screen {
    /// Shows how far a task is, in bytes or in pieces; a finished one disappears.
    pub fn show(&self, task: &str, done: u64, total: Option<u64>, is_bytes: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.contains_key(task) {
            let bar =
                if self.is_terminal { self.bars.add(bar(total, is_bytes)) } else { ProgressBar::hidden() };
            bar.set_message(task.to_owned());
            if !self.is_terminal {
                let _ignored = writeln!(std::io::stderr(), "{task} …");
            }
            open.insert(task.to_owned(), bar);
        }
        if let Some(bar) = open.get(task) {
            if let Some(total) = total {
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }

    /// Takes the bars away.
    pub fn clear(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.drain().for_each(|(_, bar)| bar.finish_and_clear());
    }

    /// Prints a line above the bars.
    pub fn say(&self, line: &str) {
        let _ignored = self.bars.suspend(|| writeln!(anstream::stderr(), "{line}"));
    }
}

impl loquat_artifacts::Progress for Screen {
    fn report(&self, step: loquat_artifacts::Step<'_>) {
        if step.activity == loquat_artifacts::Activity::Ready {
            self.clear();
        } else {
            self.show(&format!("{} {}", step.activity, step.artifact), step.done, step.total, true);
        }
    }
}

fn bar(total: Option<u64>, is_bytes: bool) -> ProgressBar {
    let template = match (total, is_bytes) {
        (Some(_), true) => "{msg:50} [{bar:30}] {bytes}/{total_bytes} {eta}",
        (Some(_), false) => "{msg:50} [{bar:30}] {pos}/{len} {eta}",
        (None, _) => "{msg:50} {spinner} {elapsed}",
    };
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.enable_steady_tick(Duration::from_millis(120));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
