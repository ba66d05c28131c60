//! `loquat-train show`. In: a recipe. Out: the one in use, on standard output.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::RecipeArgs;
use crate::recipe::Recipe;

/// Prints the recipe in use.
///
/// # Errors
/// When there is none, or standard output is gone.
pub fn run(args: &RecipeArgs) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&args.recipe, &args.overrides)?;
    anstream::stdout().write_all(recipe.to_toml()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
