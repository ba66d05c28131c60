//! Where a bot keeps its data. In: the config. Out: folders. Makes none of them.

use std::path::PathBuf;

use anyhow::Context;
use etcetera::BaseStrategy;

use crate::config::Config;

/// The folders of one bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The graph's store.
    pub graph: PathBuf,
    /// The journal.
    pub journal: PathBuf,
    /// Who was let in by a code.
    pub access: PathBuf,
    /// What the web chat keeps: API keys, the secret of its guests' tokens, and files that people sent.
    pub web: PathBuf,
    /// Which models are used in place of the config's own.
    pub models: PathBuf,
    /// The lines typed in the terminal.
    pub history: PathBuf,
}

impl Places {
    /// The config's own folders, else those of the bot's name among the user's data (`$XDG_DATA_HOME/loquat/NAME`).
    ///
    /// # Errors
    /// When there is no home folder.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let strategy = etcetera::choose_base_strategy().context(
            "there is no home folder; set XDG_DATA_HOME, or `graph.store` and `journal.folder` in the config",
        )?;
        let own = strategy.data_dir().join("loquat").join(slug(&config.bot.name));
        let journal = config.journal.folder.clone().unwrap_or_else(|| own.join("journal"));
        Ok(Self {
            graph: config.graph.store.clone().unwrap_or_else(|| own.join("graph")),
            // Beside the journal, as it is its people whom the files are about.
            web: journal.with_extension("web"),
            models: journal.with_extension("models.json"),
            journal,
            access: own.join("access.json"),
            history: config
                .connectors
                .terminal
                .history_file
                .clone()
                .unwrap_or_else(|| own.join("history.txt")),
        })
    }
}

/// A name as one folder: letters and digits stay, all else becomes `-`.
fn slug(name: &str) -> String {
    let mapped: String =
        name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let slug = mapped.trim_matches('-');
    if slug.is_empty() { "bot".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_name_is_one_harmless_folder() {
        assert_eq!(slug("Juniper & Finch"), "juniper---finch");
        assert_eq!(slug("../etc"), "etc");
        assert_eq!(slug("枇杷"), "枇杷");
        assert_eq!(slug("!!"), "bot");
    }
}
