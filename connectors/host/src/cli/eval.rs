//! `loquat eval`: its arguments.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use loquat_eval::{Format, Mode, Stratum};

pub(super) const EXAMPLES: &str = "\
Examples:
  loquat eval questions.jsonl
  loquat eval questions.jsonl --mode model,facts,verified
  loquat eval dev.jsonl.gz --limit 2400 --hide-answers --config benchmarks/grounding/entityquestions.toml
  loquat eval questions.jsonl --output runs/today --resume

The report is written to DIR/report.md, report.json and report.html, each result to DIR/results.jsonl.
Exits with 3 when a sentence was sent under `verified` that no cited fact supports.";

/// Sets of questions, and how to ask them.
#[derive(Debug, Args)]
pub struct EvalCommand {
    /// The sets, plain or .gz; training/eval/README.md describes their formats
    #[arg(required = true, value_name = "SET", value_hint = ValueHint::FilePath)]
    pub sets: Vec<PathBuf>,
    /// What the sets are written in
    #[arg(long, value_enum, default_value = "auto")]
    pub format: SetFormat,
    /// What is measured, compared in one table: the model alone, the facts in its prompt, and verified before it is sent
    #[arg(long, value_enum, value_name = "MODE,…", value_delimiter = ',', default_value = "verified")]
    pub mode: Vec<ModeName>,
    /// Measures each mode with this model of the config alone, too
    #[arg(long = "model", value_name = "NAME")]
    pub models: Vec<String>,
    /// Measures each mode with this adapter of the config's models, too
    #[arg(long = "adapter", value_name = "NAME")]
    pub adapters: Vec<String>,
    /// Asks without any model: the templates word all answers
    #[arg(long, conflicts_with_all = ["models", "adapters"])]
    pub no_model: bool,
    /// The most items of each set; which ones is the same each time
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// What these are spread over evenly [default: the first of relation, hops and category by which items differ]
    #[arg(long, value_enum, value_name = "KEY")]
    pub stratify: Option<StratumName>,
    /// Hides the facts that the questions need, and expects abstention
    #[arg(long)]
    pub hide_answers: bool,
    /// Rewords every third question where a rewording of this file fits; both are reported
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub paraphrases: Vec<PathBuf>,
    /// Questions that are asked at the same time
    #[arg(long, default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallel: u16,
    /// The folder for results and report [default: eval-SET of the first set's name]
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Goes on where an earlier run of the same into this folder stopped
    #[arg(long)]
    pub resume: bool,
}

/// What a set is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SetFormat {
    /// Told by the first line
    Auto,
    /// The project's own
    Jsonl,
    /// EntityQuestions
    #[value(name = "entityquestions")]
    EntityQuestions,
    /// MetaQA
    #[value(name = "metaqa")]
    MetaQa,
    /// NLPCC 2016 KBQA
    Nlpcc,
    /// Attacks, which are in the project's own format
    Attacks,
}

impl SetFormat {
    /// The format, where it is named.
    pub(crate) fn named(self) -> Option<Format> {
        match self {
            Self::Auto => None,
            Self::Jsonl | Self::Attacks => Some(Format::Jsonl),
            Self::EntityQuestions => Some(Format::EntityQuestions),
            Self::MetaQa => Some(Format::MetaQa),
            Self::Nlpcc => Some(Format::Nlpcc),
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// The model alone, through its chat template
    Model,
    /// The facts in its prompt; what it says is sent (policy `open`)
    Facts,
    /// Only what the facts support is sent (policy `strict`)
    Verified,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Model => Self::Model,
            ModeName::Facts => Self::Facts,
            ModeName::Verified => Self::Verified,
        }
    }
}

/// What a sample is spread over evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StratumName {
    /// The relation asked for
    Relation,
    /// The facts between topic and answer
    Hops,
    /// The kind of question or attack
    Category,
    /// The language
    Language,
}

impl From<StratumName> for Stratum {
    fn from(name: StratumName) -> Self {
        match name {
            StratumName::Relation => Self::Relation,
            StratumName::Hops => Self::Hops,
            StratumName::Category => Self::Category,
            StratumName::Language => Self::Language,
        }
    }
}
