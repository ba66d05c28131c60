//! The report of a training run. In: what the run was to do, what it did, and on what. Out: `report.md` with plots. Must not know how a run works.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{ReportError, unread};
use crate::machine::Machine;
use crate::metrics::Metrics;
use crate::page::{Page, Table};
use crate::plot::{Axis, Plot, Series, Style};

/// The file that [`RunReport::write`] writes.
const FILE: &str = "report.md";
/// How much of a file is hashed at a time, in bytes.
const PIECE: usize = 1 << 20;

/// One plot of a run: some of its series over its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The file's name, without its ending.
    pub file: String,
    /// What is seen.
    pub title: String,
    /// The axis of values, with its unit.
    pub axis: Axis,
    /// Names of series, what the legend calls each, and how it is drawn; those that the run does not have are left out.
    pub series: Vec<(String, String, Style)>,
}

/// Everything that a report of a run tells. Parts that are empty are left out.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// The run's name.
    pub name: String,
    /// What came of it, in names and values: steps, best loss, time, why it ended.
    pub outcome: Vec<(String, String)>,
    /// What it learnt from, in names and values.
    pub data: Vec<(String, String)>,
    /// Its numbers.
    pub metrics: Metrics,
    /// What is drawn of them.
    pub curves: Vec<Curves>,
    /// Evaluations, one a row.
    pub evaluations: Table,
    /// The recipe as TOML.
    pub recipe: String,
    /// What it ran on.
    pub machine: Machine,
    /// SHA-256 of files by their names.
    pub hashes: Vec<(String, String)>,
}

/// A plot that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its file's name, without its ending.
    pub file: String,
    /// The bytes of the PNG file.
    pub png: Vec<u8>,
}

impl Curves {
    /// The drawing; none where the run has none of the series.
    pub fn svg(&self, metrics: &Metrics) -> Option<String> {
        let series =
            self.series.iter().map(|(key, name, style)| Series::new(name, *style, metrics.points(key)));
        let series: Vec<_> = series.filter(|series| !series.points.is_empty()).collect();
        let plot = Plot { title: self.title.clone(), x: Axis::linear("step"), y: self.axis.clone(), series };
        (!plot.series.is_empty()).then(|| plot.svg())
    }
}

impl RunReport {
    /// Writes `report.md` into a folder, and the plots into `plots` below it. Back come the page's path and the plots, as for
    /// [`EventFile::image`](crate::EventFile::image).
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(PathBuf, Vec<Drawn>), ReportError> {
        let mut page = Page::new(folder, &self.name)?;
        facts(page.heading("Outcome"), &self.outcome);
        let mut drawn = Vec::new();
        if !self.curves.is_empty() {
            page.heading("Curves");
        }
        for curves in &self.curves {
            if let Some(svg) = curves.svg(&self.metrics) {
                let png = page.plot(&curves.file, &curves.title, &svg)?;
                drawn.push(Drawn { file: curves.file.clone(), png });
            }
        }
        if !self.evaluations.rows.is_empty() {
            page.heading("Evaluations").table(&self.evaluations);
        }
        if !self.data.is_empty() {
            facts(page.heading("Data"), &self.data);
        }
        if !self.recipe.is_empty() {
            page.heading("Recipe").listing("toml", &self.recipe);
        }
        page.heading("Machine").words(&self.machine.to_string());
        if !self.hashes.is_empty() {
            let mut table = Table::new(&["file", "SHA-256"]);
            table.rows = self.hashes.iter().map(|(file, hash)| vec![code(file), code(hash)]).collect();
            page.heading("Hashes").table(&table);
        }
        Ok((page.write(FILE)?, drawn))
    }
}

fn facts(page: &mut Page, facts: &[(String, String)]) {
    page.facts(facts.iter().map(|(name, what)| (name.as_str(), what.clone())));
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// SHA-256 of a file's content in hexadecimal digits, read piece by piece.
///
/// # Errors
/// When it cannot be read.
pub fn file_hash(path: &Path) -> Result<String, ReportError> {
    let mut file = File::open(path).map_err(unread(path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).map_err(unread(path))? {
            0 => break,
            read => hash.update(&piece[..read]),
        }
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
