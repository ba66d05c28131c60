//! The command line. In: arguments. Out: what to do. Does none of it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use loquat::cli::quoted;

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
    /// Searches for settings: a run for each trial, of which the best go on; goes on where it was stopped or killed
    #[command(
        after_help = "Example:\n  loquat-train tune recipe.toml --set tune.trials=9 --set 'tune.space.\"run.rate\"={low=1e-5,high=1e-3,log=true}'\n\nTable, plots and best.toml, a recipe for `run` that makes OUTPUT/tuned, are in OUTPUT/tune."
    )]
    Tune(RunCommand),
    /// Averages the weights of several runs or checkpoints, and says whether that is better than the best of them
    #[command(
        after_help = "Example:\n  loquat-train soup recipe.toml --set 'soup.of=[\"runs/a/run\", \"runs/b/run\"]'\n\nThe average is in OUTPUT/soup/weights. Stopped, it begins anew the next time."
    )]
    Soup(RecipeArgs),
    /// Measures several exported models that answer together, by averaged log-probabilities, beside each alone
    #[command(
        after_help = "Example:\n  loquat-train ensemble recipe.toml --set 'ensemble.models=[\"runs/a/export/int8\", \"runs/b/export/int8\"]'\n\nPrints the lines of the bot's config that use it."
    )]
    Ensemble(RecipeArgs),
    /// Prints the recipe in use, after file and flags, with absolute paths
    #[command(after_help = "Example:\n  loquat-train show recipe.toml --set run.rate=1e-4")]
    Show(RecipeArgs),
    /// Makes ONNX folders of what was learnt, with model cards; each is compared with the trainer and refused where it differs
    #[command(
        after_help = "Example:\n  loquat-train export recipe.toml --set 'export.forms=[\"int8\", \"int4\"]'\n\nThe folders are OUTPUT/export/FORM; `loquat model use` puts one into the running bot."
    )]
    Export(RecipeArgs),
    /// Makes the training set: from the bot's graph through its own engine, from dialogues, from text
    #[command(after_help = PREPARE)]
    Prepare(RecipeArgs),
    /// Measures the base and what was exported through the bot's real engine, side by side; goes on where it was stopped
    #[command(
        after_help = "Example:\n  loquat-train eval recipe.toml --set eval.limit=60\n\nThe table is in OUTPUT/eval/comparison.md and comparison.json, the replies beside them; the cards of what was exported get it.\nExits with 4 when a model misses a target of the recipe."
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

impl RecipeArgs {
    /// The recipe and what is set over it, as a shell takes them: what follows a command that goes on from here.
    pub fn again(&self) -> String {
        let mut words = vec![quoted(&self.recipe.to_string_lossy())];
        for (key, value) in &self.overrides {
            words.push("--set".to_owned());
            words.push(quoted(&format!("{key}={value}")));
        }
        words.join(" ")
    }
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
  loquat-train tune recipe.toml                    settings that suit it
  loquat-train soup recipe.toml                    the average of several
  loquat-train export recipe.toml                  the same for ONNX Runtime
  loquat-train eval recipe.toml                    how good it is, before and after
  loquat-train ensemble recipe.toml                several that answer together

Exit codes: 0 done, 1 failed, 2 wrong usage or recipe, 3 stopped early and can go on, 4 a target was missed.";

const PREPARE: &str = "\
Example:
  loquat-train prepare recipe.toml

It writes output/set: train.jsonl, dev.jsonl, test.jsonl, statistics.json, report.md, set.svg. Answers of the bot are kept in
asked.jsonl as they come; a run that is cut short goes on from there.";

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as run.rate=1e-4")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_goes_on_has_all_that_was_set() {
        let given = [
            "loquat-train",
            "export",
            "my recipe.toml",
            "--set",
            "run.rate=1e-4",
            "--set",
            "soup.of=[\"a\"]",
        ];
        let Command::Export(args) = Cli::parse_from(given).command else { panic!("not an export") };
        assert_eq!(args.again(), r#"'my recipe.toml' --set run.rate=1e-4 --set 'soup.of=["a"]'"#);
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
