//! The command line. In: arguments. Out: what to do. Does none of it.

mod eval;
mod key;
mod kg;
mod model;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use loquat_contract::{ConversationId, Person, State};

use crate::commands::connector_name;
pub use eval::{EvalCommand, ModeName, SetFormat, StratumName};
pub use key::{KeyCommand, ScopeName};
pub use kg::{AddCommand, FactRank, GapsCommand, GapsFormat, ImportCommand, KgCommand, RemoveCommand};
pub use model::{BenchCommand, ModelCommand, UseCommand};
pub use verify::VerifyCommand;

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
    /// Lists what people think of the bot's replies: reactions, 👍 and 👎, and words; also while the bot runs
    #[command(
        after_help = "Examples:\n  loquat feedback\n  loquat feedback --format jsonl --since 2026-11-01 > feedback.jsonl\n\nExits with 3 when the journal is damaged."
    )]
    Feedback(FeedbackCommand),
    /// Checks past replies against the graph as it is now, offline; also while the bot runs
    Verify(VerifyCommand),
    /// Exports or erases everything about one person
    #[command(subcommand)]
    Person(PersonCommand),
    /// Lets people in by a code
    #[command(subcommand)]
    Access(AccessCommand),
    /// Makes and ends API keys, for programs that use the bot over HTTP; also while the bot runs
    #[command(subcommand)]
    Key(KeyCommand),
    /// Fills and inspects the knowledge graph
    #[command(subcommand)]
    Kg(KgCommand),
    /// Inspects, converts and changes models; changes also while the bot runs
    #[command(subcommand)]
    Model(ModelCommand),
    /// Asks the bot sets of questions, and reports how good its answers are
    #[command(after_help = eval::EXAMPLES)]
    Eval(EvalCommand),
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

/// Which feedback, and how it is written.
#[derive(Debug, Args)]
pub struct FeedbackCommand {
    /// As a table for people, or as lines of JSON with question, answer, verdict and text, and without who it was
    #[arg(long, value_enum, default_value_t = FeedbackFormat::Table)]
    pub format: FeedbackFormat,
    /// Given on this day or later, such as 2026-11-30
    #[arg(long, value_name = "DAY")]
    pub since: Option<String>,
}

/// How feedback is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FeedbackFormat {
    /// A table
    Table,
    /// A line of JSON each, for training
    Jsonl,
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

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as bot.policy=hedged")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// A word of a command line, as shells take it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
