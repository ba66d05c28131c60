//! What is wrong with a file of settings. In: what serde says of it. Out: an error that names the layer, and the key that was probably meant. The
//! recipes of `loquat-train` have the same.

use std::path::PathBuf;

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the {what} {} cannot be read: {source}; {advice}", path.display())]
    Unreadable {
        /// What it is, such as `config`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// A layer says something that cannot be.
    #[error("{layer}: {problem}")]
    Wrong {
        /// The file, the environment or the flags.
        layer: String,
        /// What is wrong and what was probably meant.
        problem: String,
    },
}

/// What serde says, in words; for an unknown key or value, with the known one that is nearest, else with the command that shows all.
pub fn explained(message: &str, sample: &str) -> String {
    let message = message.trim();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let is_unknown = message.contains("unknown field") || message.contains("unknown variant");
    let (Some((wrong, known)), true) = (quoted.split_first(), is_unknown) else { return message.to_owned() };
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), *name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 2)
        .min();
    match nearest {
        Some((_, name)) => format!("{message}; did you mean `{name}`?"),
        None => format!("{message}; `{sample}` shows every key"),
    }
}
