//! The command line. In: arguments. Out: what to do. Does none of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;

use crate::config::Quantize;

/// A chatbot that can prove what it says.
#[derive(Debug, Parser)]
#[command(name = "loquat", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// Which bot.
    #[command(flatten)]
    pub global: Global,
    /// What to do; without a command, `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The bot's file [default: loquat.toml here, else the built-in sample about the world's countries]
    #[arg(long, short, global = true, env = "LOQUAT_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Sets a key of the config, over file and environment; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
    /// Tells more of what goes on; LOQUAT_LOG takes a filter such as `loquat_dialogue=debug`
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts the bot's connectors: web chat on http://127.0.0.1:8080
    #[command(
        after_help = "Examples:\n  loquat\n  loquat --config examples/shop/loquat.toml serve --port 9000"
    )]
    Serve {
        /// The web chat's port; the next free one where it is taken
        #[arg(long)]
        port: Option<u16>,
    },
    /// Talks in the terminal
    #[command(
        after_help = "Examples:\n  loquat chat\n  printf 'What is the capital of Bhutan?\\nAnd its currency?\\n' | loquat chat"
    )]
    Chat,
    /// Answers one question
    #[command(
        after_help = "Examples:\n  loquat ask \"What is the capital of Bhutan?\"\n  loquat ask --json \"不丹的首都是什么?\""
    )]
    Ask {
        /// The question
        question: String,
        /// Prints the whole reply as JSON: sentences with verdicts, citations, linked entities, timings
        #[arg(long)]
        json: bool,
    },
    /// Fills and inspects the knowledge graph
    #[command(subcommand)]
    Kg(KgCommand),
    /// Inspects and converts models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Shows what can be configured, and what is
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Checks everything the bot needs, and says what to do about problems
    Doctor,
    /// Prints a completion script for a shell
    #[command(
        after_help = "Example:\n  loquat completions bash > ~/.local/share/bash-completion/completions/loquat"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Commands on the graph.
#[derive(Debug, Subcommand)]
pub enum KgCommand {
    /// Adds files: Turtle, N-Triples, TSV and CSV of subject, predicate, object; each also gzipped
    #[command(
        after_help = "Example:\n  loquat kg import facts.tsv more.ttl.gz\n\nExits with 3 when lines were left out; they are listed."
    )]
    Import {
        /// The files
        #[arg(required = true, value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Counts entities, facts and predicates, and lists the sources
    Stats,
    /// Shows the names that are found in a text
    #[command(after_help = "Example:\n  loquat kg link \"What is Bhutan's currency?\"")]
    Link {
        /// The text
        text: String,
    },
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

/// Commands on models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Tells of a model folder or GGUF file; without a path, of the bot's models
    #[command(after_help = "Examples:\n  loquat model info\n  loquat model info my-model.gguf")]
    Info {
        /// A model folder or GGUF file
        #[arg(value_hint = ValueHint::AnyPath)]
        path: Option<PathBuf>,
    },
    /// Converts a GGUF file into an ONNX model folder
    #[command(
        after_help = "Example:\n  loquat model import-gguf my-model.gguf --quantize int4 --output my-model"
    )]
    ImportGguf {
        /// The GGUF file
        #[arg(value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// The folder to write [default: the file's name without its ending]
        #[arg(long, short, value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
        /// Bits a weight
        #[arg(long, value_enum, default_value = "int8")]
        quantize: Quantize,
    },
}

/// Commands on the config.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Prints a file with every key, its default and what it means
    #[command(after_help = "Example:\n  loquat config sample > loquat.toml")]
    Sample,
    /// Prints the config in use, after file, environment and flags; secrets are left out
    Show,
}

const EXAMPLES: &str = "\
Examples:
  loquat                                        web chat about the world's countries
  loquat chat                                   the same in the terminal
  loquat ask \"What is the capital of Bhutan?\"   one answer
  loquat --config examples/shop/loquat.toml     a customer-support assistant

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 done in part.";

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as bot.policy=hedged")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
