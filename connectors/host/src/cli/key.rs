//! The command line of `loquat key`. In: arguments. Out: what to do with API keys.

use clap::Subcommand;
use loquat_web::Scope;

/// Commands on API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Makes a key and prints it, this once
    #[command(
        after_help = "Examples:\n  loquat key new shop\n  loquat key new ann --scope operator\n  OPENAI_API_KEY=$(loquat key new notebook)"
    )]
    New {
        /// What it is called, in lists and in the ledger: letters, digits, -, _ and .
        name: String,
        /// What it may be used for; may be repeated
        #[arg(long = "scope", value_enum, value_name = "SCOPE", default_values_t = [ScopeName::Chat])]
        scopes: Vec<ScopeName>,
    },
    /// Lists the keys: name, scopes and when each was made
    List,
    /// Ends a key; a running bot takes it no longer from then on
    Revoke {
        /// What it is called
        name: String,
    },
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ScopeName {
    /// To talk to the bot: `/api` and `/v1`
    Chat,
    /// To see and change everything at `/admin`
    Operator,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Chat => Self::Chat,
            ScopeName::Operator => Self::Operator,
        }
    }
}
