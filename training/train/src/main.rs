//! The binary. In: the process's arguments. Out: its exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use loquat::config::ConfigError;
use loquat_train::cli::Cli;
use loquat_train::commands;
use owo_colors::OwoColorize;

/// The exit code for wrong usage; clap's own.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    commands::run(Cli::parse()).unwrap_or_else(|error| {
        let is_pipe = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
        if error.chain().any(|cause| cause.downcast_ref().is_some_and(is_pipe)) {
            // Whoever reads has read enough, such as `head`.
            return ExitCode::SUCCESS;
        }
        let _ignored = writeln!(anstream::stderr(), "{} {}", "error:".red().bold(), told(&error));
        let is_usage = error.chain().any(|cause| cause.is::<ConfigError>());
        if is_usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
    })
}

/// The error and its causes, each said once: many errors say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            let gap = if told.is_empty() { "" } else { ": " };
            told = format!("{told}{gap}{cause}");
        }
    }
    told
}
