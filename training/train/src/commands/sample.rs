//! `loquat-train sample`. Out: a recipe to change, on standard output.

use std::io::Write;
use std::process::ExitCode;

use crate::recipe::sample;

/// Prints the sample.
///
/// # Errors
/// When standard output is gone.
pub fn run() -> anyhow::Result<ExitCode> {
    anstream::stdout().write_all(sample().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
