//! The command line. In: arguments. Out: what to do. Does none of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use loquat_contract::{ConversationId, Person, State};

use crate::commands::connector_name;
use crate::config::Quantize;
use crate::parts::ImportSettings;

const IMPORT: &str = "Examples:
  loquat kg import facts.tsv more.ttl.gz
  loquat kg import --mapping columns.toml packages.tsv
  loquat kg import --languages en,zh,de --wikipedia latest-all.json.bz2

A file that is imported again takes its older version's place. Ctrl-C stops; the same command goes on from there.
Exits with 3 when lines were left out; they are listed.";

const ADD: &str = "Examples:
  loquat kg add Bhutan capital Thimphu
  loquat kg add Bhutan rdfs:label Bhoutan --language fr
  loquat kg add Thimphu mayor 'Ugyen Dorji' --qualifier since=2021 --rank preferred
  loquat kg add --file facts.tsv --source 'the office, 3 May'

The object is read as in a table that is imported: a number, a date, true or false, else a name.
In the predicate's place rdfs:label, skos:altLabel, schema:description and the other terms say
names, descriptions and sentences.";

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
    /// Starts the bot's connectors: web chat on http://127.0.0.1:8080, and IRC where it is configured
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
    /// Shows what was accepted, answered and delivered, and what is unknown or failed
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  loquat ledger --state unknown\n  loquat ledger show 12\n  loquat ledger retry 12 15\n\nExits with 3 when the journal is damaged."
    )]
    Ledger {
        /// What to do; without a command, list
        #[command(subcommand)]
        command: Option<LedgerCommand>,
        /// Which of them
        #[command(flatten)]
        filter: Filter,
    },
    /// Answers a conversation of the journal again, and says whether the replies are the same; while the bot does not run
    #[command(
        after_help = "Example:\n  loquat replay 'Loquat/irc/#rust'\n\nExits with 1 when a reply differs."
    )]
    Replay {
        /// The conversation, as `loquat ledger` prints it
        conversation: ConversationId,
    },
    /// Exports or erases everything about one person
    #[command(subcommand)]
    Person(PersonCommand),
    /// Lets people in by a code
    #[command(subcommand)]
    Access(AccessCommand),
    /// Fills and inspects the knowledge graph
    #[command(subcommand)]
    Kg(KgCommand),
    /// Inspects and converts models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Begins a connector to another platform
    #[command(subcommand)]
    Connector(ConnectorCommand),
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

/// Which messages of the ledger.
#[derive(Debug, Args)]
pub struct Filter {
    /// Those of this conversation
    #[arg(long, value_name = "BOT/PLATFORM/CHANNEL")]
    pub conversation: Option<ConversationId>,
    /// Those of this person
    #[arg(long, value_name = "PLATFORM:ID")]
    pub person: Option<Person>,
    /// Those that have come this far
    #[arg(long, value_enum)]
    pub state: Option<LedgerState>,
    /// The newest so many; 0 for all
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Prints each as a line of JSON, with everything that is known of it
    #[arg(long)]
    pub json: bool,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LedgerState {
    /// It waits for its reply
    Accepted,
    /// Its reply is made, and not delivered
    Answered,
    /// Its reply is being delivered
    Sending,
    /// Its reply is delivered
    Delivered,
    /// Its reply may have arrived or not
    Unknown,
    /// It is a dead letter
    Failed,
    /// It was too old
    Expired,
    /// It called for no reply, or was withdrawn, merged or discarded
    Closed,
}

impl From<LedgerState> for State {
    fn from(state: LedgerState) -> Self {
        match state {
            LedgerState::Accepted => Self::Accepted,
            LedgerState::Answered => Self::Answered,
            LedgerState::Sending => Self::Sending,
            LedgerState::Delivered => Self::Delivered,
            LedgerState::Unknown => Self::Unknown,
            LedgerState::Failed => Self::Failed,
            LedgerState::Expired => Self::Expired,
            LedgerState::Closed => Self::Closed,
        }
    }
}

/// Commands on the ledger. Those that change something work on a running bot too.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Shows one message with its parts and facts
    Show {
        /// Its number
        sequence: u64,
    },
    /// Puts settled messages back on their way; what was sent is not sent again, what is unknown is
    Retry {
        /// Their numbers
        #[arg(required = true)]
        sequences: Vec<u64>,
    },
    /// Gives up messages that are owed something
    Discard {
        /// Their numbers
        #[arg(required = true)]
        sequences: Vec<u64>,
    },
    /// Rewrites the journal without what is too old or damaged
    Compact,
}

/// Commands on what is known of a person.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Prints everything that the journal has of a person, a line of JSON each
    #[command(after_help = "Example:\n  loquat person export irc:account/alice > alice.jsonl")]
    Export {
        /// Whom
        person: Person,
    },
    /// Removes everything about a person; works on a running bot too
    #[command(after_help = "Example:\n  loquat person erase irc:account/alice --yes")]
    Erase {
        /// Whom
        person: Person,
        /// Goes on without asking; it cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

/// Commands on who may talk to the bot.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Makes a code that lets one person in
    Pair {
        /// How long it is good for
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
        hours: u32,
    },
    /// Lists those who were let in
    List,
    /// Lets somebody in no longer
    Remove {
        /// Whom
        person: Person,
    },
}

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

/// What to add.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// Subject, predicate and object: ids, or names that only one has
    #[arg(value_names = ["SUBJECT", "PREDICATE", "OBJECT"], num_args = 3, allow_negative_numbers = true, required_unless_present = "file")]
    pub row: Vec<String>,
    /// A table of such rows, with tabs between them; - for standard input. All are added, or none
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
        after_help = "Example:\n  loquat model import-gguf my-model.gguf --quantize int8 --output my-model"
    )]
    ImportGguf {
        /// The GGUF file
        #[arg(value_hint = ValueHint::FilePath)]
        path: PathBuf,
        /// The folder to write [default: the file's name without its ending]
        #[arg(long, short, value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
        /// Bits a weight
        #[arg(long, value_enum, default_value = "int4")]
        quantize: Quantize,
        /// Lets LoRA adapters change the model at run time, which costs some speed without one, too
        #[arg(long)]
        adapters: bool,
    },
    /// Turns a LoRA adapter that PEFT trained into one for a converted model
    #[command(
        after_help = "Example:\n  loquat model import-lora my-adapter --model my-model --output my-adapter.onnx_adapter"
    )]
    ImportLora {
        /// The folder with adapter_config.json and adapter_model.safetensors
        #[arg(value_hint = ValueHint::DirPath)]
        path: PathBuf,
        /// The model's folder, converted with `--adapters`
        #[arg(long, value_hint = ValueHint::DirPath)]
        model: PathBuf,
        /// The file to write [default: the adapter folder's name with the ending .onnx_adapter]
        #[arg(long, short, value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Measures how fast a model reads and writes, and its memory; without a path, of the bot's models
    #[command(
        after_help = "Examples:\n  loquat model bench\n  loquat model bench my-model --sequences 1,8 --prompt 256 --json"
    )]
    Bench(BenchCommand),
}

/// What to measure of a model.
#[derive(Debug, Args)]
pub struct BenchCommand {
    /// A model folder or GGUF file
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: Option<PathBuf>,
    /// How many replies are written at once
    #[arg(long, value_name = "COUNT,…", value_delimiter = ',', default_value = "1,4,16", value_parser = at_least_one)]
    pub sequences: Vec<usize>,
    /// Tokens of a prompt, nearly; the chat template's are among them
    #[arg(long, value_name = "TOKENS,…", value_delimiter = ',', default_value = "64,512", value_parser = at_least_one)]
    pub prompt: Vec<usize>,
    /// Tokens of a reply, at most
    #[arg(long, default_value = "64", value_parser = at_least_one)]
    pub tokens: usize,
    /// How often each is measured; medians are shown
    #[arg(long, default_value = "5", value_parser = at_least_one)]
    pub rounds: usize,
    /// Threads for an operator [default: the config's `runtime.threads`]
    #[arg(long)]
    pub threads: Option<usize>,
    /// Prints everything as JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands for those who write connectors.
#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// Writes a crate that works and has its tests, to be changed into a connector to your platform
    #[command(
        after_help = "Example, in a clone of Loquat:\n  loquat connector new pigeon --path ../loquat-pigeon"
    )]
    New {
        /// The platform's name: lower-case letters, digits and -
        #[arg(value_parser = connector_name)]
        name: String,
        /// The folder to write [default: loquat-NAME]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        path: Option<PathBuf>,
        /// The clone of Loquat that the crate is built with [default: this folder]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        loquat: Option<PathBuf>,
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

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&count| count > 0).ok_or_else(|| "write a whole number from 1 on".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as bot.policy=hedged")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
