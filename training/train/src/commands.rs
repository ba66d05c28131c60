//! The commands. In: what the command line says. Out: an exit code. One file a command.

pub mod eval;
pub mod export;
pub mod run;
pub mod sample;
pub mod show;

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
        Command::Show(args) => show::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Eval(args) => eval::run(&args),
    }
}
