//! `loquat kg`: its arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::key_value;
use crate::parts::ImportSettings;

const IMPORT: &str = "Examples:
  loquat kg import facts.tsv more.ttl.gz
  loquat kg import --mapping columns.toml packages.tsv
  loquat kg import --languages en,zh,de --wikipedia latest-all.json.bz2

A file that is imported again takes its older version's place. Ctrl-C stops; the same command goes on from there.
Exits with 3 when lines were left out; they are listed.";

const GAPS: &str = "Examples:
  loquat kg gaps --limit 20
  loquat kg gaps --format tsv > facts.tsv     fill in the objects, then: loquat kg add --file facts.tsv
  loquat kg gaps --format questions --since 2026-11-01 > questions.jsonl

It reads the journal: who asked is not told, and what was erased of a person does not count.";

const ADD: &str = "Examples:
  loquat kg add Bhutan capital Thimphu
  loquat kg add Bhutan rdfs:label Bhoutan --language fr
  loquat kg add Thimphu mayor 'Ugyen Dorji' --qualifier since=2021 --rank preferred
  loquat kg add --file facts.tsv --source 'the office, 3 May'

The object is read as in a table that is imported: a number, a date, true or false, else a name.
In the predicate's place rdfs:label, skos:altLabel, schema:description and the other terms say
names, descriptions and sentences.";

/// Commands on the graph.
#[derive(Debug, Subcommand)]
pub enum KgCommand {
    /// Adds files: Turtle, N-Triples and other RDF, TSV, CSV, property graphs, Wikidata's dumps; each also packed
    #[command(after_help = IMPORT)]
    Import(Box<ImportCommand>),
    /// Adds a fact, a name or a description; every later question sees it
    #[command(after_help = ADD)]
    Add(AddCommand),
    /// Takes facts, names or descriptions away, whatever file states them
    #[command(
        after_help = "Examples:\n  loquat kg remove 5b62df1984c5f31c2ac2\n  loquat kg remove Bhutan capital Punakha\n\nThey stay away when the files are imported again, until one is added."
    )]
    Remove(RemoveCommand),
    /// Finds entities by words of their names and descriptions; the last word may be incomplete
    #[command(after_help = "Example:\n  loquat kg search kingdom bhu")]
    Search {
        /// The words
        #[arg(required = true)]
        words: Vec<String>,
        /// At most this many entities
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Writes the whole graph as N-Triples; imported, they give the same graph
    #[command(after_help = "Examples:\n  loquat kg export graph.nt\n  loquat kg export | gzip > graph.nt.gz")]
    Export {
        /// The file; without it, standard output
        file: Option<PathBuf>,
    },
    /// Puts the edits into the snapshot, which happens by itself from some ten thousand on
    Compact,
    /// Reads the whole snapshot, and makes it anew from the store if it is damaged
    Check,
    /// Counts entities, facts and predicates, and lists the sources
    Stats,
    /// Shows the names that are found in a text
    #[command(after_help = "Example:\n  loquat kg link \"What is Bhutan's currency?\"")]
    Link {
        /// The text
        text: String,
    },
    /// Shows the facts that a question asks for, and what is computed of them
    #[command(
        after_help = "Examples:\n  loquat kg ask \"Which countries border Bhutan?\"\n  loquat kg ask \"Which is larger, Bhutan or Nepal?\""
    )]
    Ask {
        /// The question
        question: String,
        /// The most relations between what the question names and the answer
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
        hops: u8,
        /// At most this many facts
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Counts what was asked and is not in the graph, by entity and relation; reads the journal, also while the bot runs
    #[command(after_help = GAPS)]
    Gaps(GapsCommand),
    /// Shows an entity, by name or id, with its facts
    #[command(after_help = "Example:\n  loquat kg show Bhutan")]
    Show {
        /// Its name or id
        entity: String,
        /// At most this many facts either way
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

/// Which gaps, and how they are printed.
#[derive(Debug, Args)]
pub struct GapsCommand {
    /// As a table; as rows to be filled in for `kg add --file`; or as questions, a line of JSON each
    #[arg(long, value_enum, default_value_t = GapsFormat::Table)]
    pub format: GapsFormat,
    /// Those of questions since this day, such as 2026-11-30
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
    /// The most asked so many; 0 for all
    #[arg(long, default_value_t = 0)]
    pub limit: usize,
}

/// How gaps are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GapsFormat {
    /// A line for each
    Table,
    /// Subject, predicate and an empty object, then how often it was asked
    Tsv,
    /// Questions without answers
    Questions,
}

/// What to add.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// Subject, predicate and object: ids, or names that only one has
    #[arg(value_names = ["SUBJECT", "PREDICATE", "OBJECT"], num_args = 3, allow_negative_numbers = true, required_unless_present = "file")]
    pub row: Vec<String>,
    /// A table of such rows, with tabs between them; - for standard input. All are added, or none. Where the first row names
    /// more than three columns, as `kg gaps` writes it, the others and rows without an object are passed over
    #[arg(long, value_name = "FILE.tsv", conflicts_with = "row", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// How the fact stands beside others of its subject and predicate
    #[arg(long, value_enum)]
    pub rank: Option<FactRank>,
    /// What holds of the fact, such as `since=2014`; may be repeated
    #[arg(long = "qualifier", value_name = "PREDICATE=VALUE", value_parser = key_value)]
    pub qualifiers: Vec<(String, String)>,
    /// The object is text in this language
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
    /// What the fact cites
    #[arg(long, value_name = "TEXT", default_value = "edited by hand")]
    pub source: String,
}

/// What to take away.
#[derive(Debug, Args)]
pub struct RemoveCommand {
    /// Ids of facts, as `loquat kg show` prints them; or subject, predicate and object
    #[arg(required = true, allow_negative_numbers = true, value_name = "FACT-ID | SUBJECT PREDICATE OBJECT")]
    pub facts: Vec<String>,
    /// The object is text in this language
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
}

/// A rank that is not the normal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FactRank {
    /// Said where only one is asked for
    Preferred,
    /// Known to be wrong or outdated, and never said
    Deprecated,
}

/// What to import.
#[derive(Debug, Args)]
pub struct ImportCommand {
    /// The files: .ttl, .nt, .nq, .trig, .rdf, .jsonld, .json, .tsv, .csv, each also .gz, .bz2 or .zst
    #[arg(required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// What of them, and how.
    #[command(flatten)]
    pub settings: ImportSettings,
    /// The folder for lines that are not understood [default: beside the store]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub quarantine: Option<PathBuf>,
    /// Reads and counts, and imports nothing
    #[arg(long)]
    pub check: bool,
}
