//! The command line. In: arguments. Out: what to do. Does none of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

/// Trains a chatbot's model: from a graph and a few dialogues to an ONNX model that the running bot swaps in.
#[derive(Debug, Parser)]
#[command(name = "loquat-train", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order in which a recipe is followed.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints a recipe with every key, its default and what it means
    #[command(after_help = "Example:\n  loquat-train sample > recipe.toml")]
    Sample,
    /// Trains the model, and goes on where a run was stopped or killed
    #[command(
        after_help = "Examples:\n  loquat-train run recipe.toml\n  loquat-train run recipe.toml --set run.rate=1e-4 --set output=runs/slow --fresh\n\nCtrl-C keeps a checkpoint and ends with 3; the same command goes on from there."
    )]
    Run(RunCommand),
    /// Prints the recipe in use, after file and flags, with absolute paths
    #[command(after_help = "Example:\n  loquat-train show recipe.toml --set run.rate=1e-4")]
    Show(RecipeArgs),
    /// Makes ONNX folders of what was learnt, with model cards; each is compared with the trainer and refused where it differs
    #[command(
        after_help = "Example:\n  loquat-train export recipe.toml --set 'export.forms=[\"int8\", \"int4\"]'\n\nThe folders are OUTPUT/export/FORM; `loquat model use` puts one into the running bot."
    )]
    Export(RecipeArgs),
    /// Measures the base and what was exported through the bot's real engine, side by side; goes on where it was stopped
    #[command(
        after_help = "Example:\n  loquat-train eval recipe.toml --set eval.limit=60\n\nThe table is in OUTPUT/eval/comparison.md and comparison.json, the replies beside them.\nExits with 4 when a model misses a target of the recipe."
    )]
    Eval(RecipeArgs),
}

/// Which recipe; every command has these.
#[derive(Clone, Debug, Args)]
pub struct RecipeArgs {
    /// The recipe
    #[arg(value_name = "RECIPE", value_hint = ValueHint::FilePath)]
    pub recipe: PathBuf,
    /// Sets a key of the recipe, over the file; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub overrides: Vec<(String, String)>,
}

/// What to train.
#[derive(Clone, Debug, Args)]
pub struct RunCommand {
    /// Which recipe.
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Begins anew, and removes the checkpoints and weights of the run that is there
    #[arg(long)]
    pub fresh: bool,
}

const EXAMPLES: &str = "\
Examples:
  loquat-train sample > recipe.toml                a recipe to change
  loquat-train show recipe.toml --set seed=2       what would be done
  loquat-train run recipe.toml                     a model that is trained
  loquat-train export recipe.toml                  the same for ONNX Runtime
  loquat-train eval recipe.toml                    how good it is, before and after

Exit codes: 0 done, 1 failed, 2 wrong usage or recipe, 3 stopped early and can go on, 4 a target was missed.";

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as run.rate=1e-4")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
