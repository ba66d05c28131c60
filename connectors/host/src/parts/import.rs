//! How a file is imported. In: flags, as given or as kept beside the store. Out: the graph's options, and the import itself
//! with its bar and its list of bad lines.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};
use loquat_contract::Language;
use loquat_kg::{Filter, Format, Graph, ImportOptions, ImportReport, Mapping, Wikipedia};
use serde::{Deserialize, Serialize};

use crate::progress::Screen;

/// How many bad lines a notice lists.
const LISTED: usize = 20;

/// The word for Wikipedia in any language.
const ANY: &str = "any";

/// What of files is imported, and how; remembered with each file, for when the graph is built anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportSettings {
    /// The format, where a file's name does not tell it
    #[arg(long, value_parser = PossibleValuesParser::new(Format::names().collect::<Vec<_>>()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What the facts cite [default: the source that the file names, else its name]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Takes the place of what was imported under this name before [default: the file's path]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// A TOML file that tells what the columns of a TSV or CSV file mean
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<PathBuf>,
    /// Keeps names and texts of these languages alone, and those without a language: `en,zh`
    #[arg(long, value_name = "LANGUAGES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Keeps instances of these classes alone: `Q5,Q515`, or whole ids
    #[arg(long, value_name = "CLASSES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Keeps facts with these predicates alone: `P31,P569`, or whole ids
    #[arg(long, value_name = "PREDICATES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub predicates: Vec<String>,
    /// Leaves out facts with these predicates
    #[arg(long, value_name = "PREDICATES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without_predicates: Vec<String>,
    /// Keeps what has a page of Wikipedia alone, in any language or in this one
    #[arg(long, value_name = "LANGUAGE", num_args = 0..=1, require_equals = true, default_missing_value = ANY)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wikipedia: Option<String>,
    /// Leaves out facts that their source knows to be wrong or outdated
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_deprecated: bool,
    /// How often larger than itself a packed file may be when it is unpacked
    #[arg(long, value_name = "TIMES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpack_ratio: Option<u64>,
}

impl ImportSettings {
    /// With paths that hold wherever the program is started.
    ///
    /// # Errors
    /// When there is no current folder.
    pub fn absolute(&self) -> anyhow::Result<Self> {
        let mapping = self.mapping.as_ref().map(std::path::absolute).transpose()?;
        Ok(Self { mapping, ..self.clone() })
    }

    /// The graph's options; bad lines go to this folder.
    ///
    /// # Errors
    /// When the mapping cannot be read, or a format is not known.
    pub fn options(&self, quarantine: PathBuf) -> anyhow::Result<ImportOptions> {
        let format = |name: &String| Format::named(name).with_context(|| format!("`{name}` is no format"));
        let wikipedia = self.wikipedia.as_ref().map(|language| match language.as_str() {
            ANY => Wikipedia::Any,
            language => Wikipedia::In(Language::new(language)),
        });
        Ok(ImportOptions {
            format: self.format.as_ref().map(format).transpose()?,
            source: self.source.clone(),
            key: self.replaces.clone(),
            mapping: self.mapping.as_ref().map(Mapping::read).transpose()?.map(Arc::new),
            filter: Filter {
                languages: self.languages.iter().map(Language::new).collect(),
                types: self.types.clone(),
                predicates: self.predicates.clone(),
                without_predicates: self.without_predicates.clone(),
                wikipedia,
                without_deprecated: self.without_deprecated,
            },
            quarantine: Some(quarantine),
            unpack_ratio: self.unpack_ratio,
            threads: None,
        })
    }
}

/// Imports one file with a bar, until it is whole or `stop` is set.
///
/// # Errors
/// When the file cannot be read, or the store not written, or the import was stopped.
pub(crate) fn import(
    graph: &Graph,
    path: &Path,
    options: &ImportOptions,
    stop: &AtomicBool,
    screen: &Screen,
) -> anyhow::Result<ImportReport> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let task = format!("importing {name}");
    let report = graph.import(path, options, |progress| {
        screen.show(&task, progress.read, Some(progress.total), true);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    screen.clear();
    Ok(report?)
}

/// Lists the lines that were not understood.
pub(crate) fn report_bad_lines(path: &Path, report: &ImportReport, screen: &Screen) {
    if report.bad == 0 {
        return;
    }
    screen.say(&format!(
        "warning: {}: {} lines were not understood, the others are imported:",
        path.display(),
        report.bad
    ));
    for bad in report.bad_lines.iter().take(LISTED) {
        screen.say(&format!("  line {}: {}", bad.line, bad.reason));
    }
    if report.bad > LISTED as u64 {
        screen.say(&format!("  … and {} more", report.bad - LISTED as u64));
    }
    if let Some(aside) = &report.quarantine {
        let aside = aside.display();
        screen
            .say(&format!("  they are in {aside}, to be mended and imported; {aside}.reasons.tsv lists why"));
    }
}
