//! What the terminal chat can be told. In: the `terminal` table of a bot's file. Out: a [`Config`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the terminal chat behaves.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the lines typed are kept for the next time; made where it is missing. Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_file: Option<PathBuf>,
    /// How many lines are kept. Default: 1000.
    pub history_lines: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { history_file: None, history_lines: 1000 }
    }
}

/// The `terminal` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# Chat in the terminal.
[terminal]
# Where the lines typed are kept for the next time.
# history_file = "history.txt"
# How many lines are kept.
history_lines = 1000
"#
}
