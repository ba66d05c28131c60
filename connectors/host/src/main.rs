//! The binary. In: the process's arguments. Out: its exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use loquat::cli::Cli;
use loquat::commands::run;
use loquat::config::ConfigError;
use loquat::{secrets, telemetry};
use owo_colors::OwoColorize;
use tracing_subscriber::EnvFilter;

/// The exit code for wrong usage; clap's own.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // sled reports its own orderly shutdown as an error; its failures reach us as errors of the store.
    let default = if cli.global.verbose {
        "info,loquat=debug,loquat_dialogue=debug,sled=off"
    } else {
        "warn,loquat=info,sled=off"
    };
    let filter = EnvFilter::try_from_env("LOQUAT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    secrets::guard_panics();
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    telemetry::begin(filter, colours);
    run(cli).unwrap_or_else(|error| {
        let is_pipe = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
        if error.chain().any(|cause| cause.downcast_ref().is_some_and(is_pipe)) {
            // Whoever reads has read enough, such as `head`.
            return ExitCode::SUCCESS;
        }
        let _ignored =
            writeln!(anstream::stderr(), "{} {}", "error:".red().bold(), secrets::without(&told(&error)));
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
