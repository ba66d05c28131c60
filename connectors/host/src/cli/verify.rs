//! `loquat verify`: its arguments.

use std::path::PathBuf;

use clap::{Args, ValueHint};

const VERIFY: &str = "Examples:
  loquat verify
  loquat verify --json /backups/journal-march

Of each supported sentence it looks every fact up again, whether a list has grown since, and reads it with the verifier anew.
Exits with 1 when a reply would no longer hold, and with 3 when a journal is damaged in part.";

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = VERIFY)]
pub struct VerifyCommand {
    /// Folders of journals [default: the bot's]
    #[arg(value_name = "JOURNAL", value_hint = ValueHint::DirPath)]
    pub journals: Vec<PathBuf>,
    /// Prints one JSON object: what was checked, and each reply that would no longer hold
    #[arg(long)]
    pub json: bool,
}
