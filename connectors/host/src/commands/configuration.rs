//! `loquat config` and `loquat completions`. In: nothing, or the config. Out: text.

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, ConfigCommand};
use crate::config::{ConfigError, Loaded, sample};

pub(super) fn configuration(
    loaded: impl FnOnce() -> Result<Loaded, ConfigError>,
    command: &ConfigCommand,
) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout();
    match command {
        ConfigCommand::Sample => write!(out, "{}", sample())?,
        ConfigCommand::Show => {
            let loaded = loaded()?;
            writeln!(out, "# from {}\n{}", loaded.origin, toml::to_string_pretty(&loaded.config)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    // Into memory first: the generator panics where a reader such as `head` closes the pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "loquat", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
