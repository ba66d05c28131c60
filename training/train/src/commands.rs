//! The commands. In: what the command line says. Out: an exit code. One file a command.

pub mod ensemble;
pub mod eval;
pub mod export;
mod lines;
pub mod prepare;
pub mod run;
pub mod sample;
pub mod show;
pub mod soup;
pub mod tune;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

/// Does what the command line says.
///
/// # Errors
/// When it cannot be done; the error says what to do next.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Sample => sample::run(),
        Command::Run(command) => run::run(&command),
        Command::Tune(command) => tune::run(&command),
        Command::Soup(args) => soup::run(&args),
        Command::Ensemble(args) => ensemble::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Prepare(args) => prepare::run(&args),
        Command::Eval(args) => eval::run(&args),
    }
}
