//! The commands. In: the command line. Out: an exit code. Each has a file; what they share is here.

mod access;
mod ask;
mod chat;
mod configuration;
mod connector;
mod doctor;
mod eval;
mod feedback;
mod key;
mod kg;
mod ledger;
mod model;
mod person;
mod replay;
mod serve;
mod verify;

use std::process::ExitCode;

use anyhow::Context;
use loquat_contract::Timestamp;

use crate::cli::{Cli, Command};
use crate::config::{ConfigError, Loaded, Overrides, load};

pub(crate) use connector::connector_name;
pub(crate) use kg::{Gathered, Missing};

/// Some of it was done, and some left out.
pub(crate) const PARTLY: u8 = 3;

/// Runs a command.
///
/// # Errors
/// When it fails; a [`ConfigError`] among the causes means that usage was wrong.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut overrides: Overrides = cli.global.overrides;
    let command = cli.command.unwrap_or(Command::Serve { port: None });
    if let Command::Serve { port: Some(port) } = &command {
        overrides.push(("connectors.web.port".to_owned(), port.to_string()));
    }
    let loaded = || -> Result<Loaded, ConfigError> {
        // A variable that is no text is none of ours.
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let loaded = load(cli.global.config.as_deref(), variables, &overrides)?;
        crate::secrets::keep(&loaded.config);
        crate::telemetry::write_as(loaded.config.log.format);
        Ok(loaded)
    };
    match command {
        Command::Serve { .. } => serve::serve(&loaded()?),
        Command::Chat => chat::chat(&loaded()?),
        Command::Ask { question, json } => ask::ask(&loaded()?, &question, json),
        Command::Ledger { command, filter } => ledger::ledger(&loaded()?, command.as_ref(), &filter),
        Command::Replay { conversation } => replay::replay(&loaded()?, &conversation),
        Command::Feedback(command) => feedback::feedback(&loaded()?, &command),
        Command::Verify(command) => verify::verify(&loaded()?, &command),
        Command::Person(command) => person::person(&loaded()?, &command),
        Command::Access(command) => access::access(&loaded()?, &command),
        Command::Key(command) => key::key(&loaded()?, &command),
        Command::Kg(command) => kg::kg(&loaded()?, &command),
        Command::Model(command) => model::model(loaded, &command),
        Command::Eval(command) => eval::eval(&loaded()?, &command),
        Command::Connector(command) => connector::connector(&command),
        Command::Config(command) => configuration::configuration(loaded, &command),
        Command::Doctor => doctor::doctor(loaded()),
        Command::Completions { shell } => configuration::completions(shell),
    }
}

/// A runtime for the commands that talk.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// What has just been started, on standard error.
fn introduce(parts: &crate::parts::Parts, screen: &crate::progress::Screen) -> anyhow::Result<()> {
    let models: Vec<&str> = parts.models.iter().map(|model| model.info().identity.name.as_str()).collect();
    screen.say(&format!("{}; models: {}", parts.graph.summary()?, models.join(", ")));
    Ok(())
}

/// A day, or a moment as RFC 3339 writes it.
fn since(text: &str) -> anyhow::Result<Timestamp> {
    let day = || text.parse::<jiff::civil::Date>()?.to_zoned(jiff::tz::TimeZone::system());
    let at = text.parse::<jiff::Timestamp>().or_else(|_| day().map(|day| day.timestamp()));
    let at = at.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    at.map(Timestamp).with_context(|| format!("--since {text:?} is no day; write it as 2026-11-30"))
}
