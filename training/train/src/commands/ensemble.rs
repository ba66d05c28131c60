//! `loquat-train ensemble`. In: a recipe and several exported models. Out: how good they are together and each alone, through the bot's real engine, and
//! the lines of its config that use them.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use loquat::config::{Config, Member, ModelConfig};
use loquat::progress::Screen;
use loquat_export::Manifest;

use super::eval::{Column, Compared, Measured, measure};
use crate::cli::RecipeArgs;
use crate::model;
use crate::recipe::Recipe;

/// The name of the column, and of the report.
const TOGETHER: &str = "ensemble";

/// Measures, and says whether it is worth its cost.
///
/// # Errors
/// When there are fewer than two models, they have several tokenizers, or something that `eval` needs is missing.
pub fn run(args: &RecipeArgs) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&args.recipe, &args.overrides)?;
    let screen = Screen::default();
    let compared = measure(&recipe, &screen, |config| columns(&recipe, config), TOGETHER)?;
    let Some(together) = compared.columns.last() else { bail!("nothing was measured") };
    let mut out = anstream::stdout();
    writeln!(out, "{}\n{}\n", compared.comparison.table(), verdict(&compared))?;
    write!(out, "{}", lines(&recipe.name, &together.model)?)?;
    screen.say(&format!("the reports are in {}", recipe.eval_folder().display()));
    Ok(ExitCode::SUCCESS)
}

/// Each model alone, and all together as the last.
fn columns(recipe: &Recipe, config: &Config) -> anyhow::Result<Vec<Column>> {
    let paths = &recipe.ensemble.models;
    if paths.len() < 2 {
        bail!(
            "an ensemble takes two models, and `ensemble.models` names {}; name ONNX folders of several runs, such as \
             [\"runs/a/export/int8\", \"runs/b/export/int8\"]",
            paths.len()
        );
    }
    distinct(paths)?;
    let base = config.models.get(&recipe.base).cloned().unwrap_or_default();
    let mut columns = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        if !path.is_dir() {
            bail!("{} is no ONNX model folder; an ensemble takes folders alone", path.display());
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        columns.push(Column::new(format!("{}-{name}", at + 1), model::in_place_of(&base, path)?));
    }
    let weight = |at: usize| recipe.ensemble.weights.get(at).copied().unwrap_or(1.0);
    let mut together = columns[0].model.clone();
    // The model that the others join has the weight 1.
    let members = paths.iter().enumerate().skip(1);
    together.ensemble =
        members.map(|(at, path)| Member { path: path.clone(), weight: weight(at) / weight(0) }).collect();
    columns.push(Column::new(TOGETHER.to_owned(), together));
    Ok(columns)
}

/// Refuses folders that were made of the same weights: the average of a model with itself costs twice as much and says the same.
fn distinct(paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut known: Vec<(&Path, String)> = Vec::new();
    for path in paths {
        // A folder of others may have no manifest that tells.
        let Some(manifest) = Manifest::read(path).ok().flatten() else { continue };
        let source = manifest.source.sha256;
        if let Some((other, _)) = known.iter().find(|(_, known)| *known == source) {
            bail!(
                "{} and {} are the same weights, stored otherwise; an ensemble takes models of several runs",
                other.display(),
                path.display()
            );
        }
        known.push((path, source));
    }
    Ok(())
}

/// What is compared: answers in own words, and the perplexity of the dev part.
fn verdict(compared: &Compared) -> String {
    let Some((together, alone)) = compared.measured.split_last() else { return String::new() };
    let own = |one: &Measured| {
        let rate = one.first.own;
        (rate.whole > 0).then(|| rate.part as f64 / rate.whole as f64)
    };
    let domain = |one: &Measured| one.domain.value();
    let mut told = Vec::new();
    let best = alone.iter().filter_map(own).max_by(f64::total_cmp);
    if let (Some(best), Some(with)) = (best, own(together)) {
        told.push(format!(
            "right in their own words: {:.1} % together, {:.1} % the best alone",
            with * 100.0,
            best * 100.0
        ));
    }
    let best = alone.iter().filter_map(domain).min_by(f64::total_cmp);
    if let (Some(best), Some(with)) = (best, domain(together)) {
        told.push(format!("perplexity of the dev part: {with:.3} together, {best:.3} the best alone"));
    }
    format!("{}. An ensemble costs as much as all its models.", told.join("; "))
}

/// The model as the bot's config has it.
fn lines(name: &str, model: &ModelConfig) -> anyhow::Result<String> {
    #[derive(serde::Serialize)]
    struct Lines<'a> {
        path: &'a Option<PathBuf>,
        ensemble: &'a [Member],
    }
    let lines = Lines { path: &model.path, ensemble: &model.ensemble };
    let models =
        std::collections::BTreeMap::from([("models", std::collections::BTreeMap::from([(name, lines)]))]);
    let mut text = String::from("# These lines of the bot's config use it:\n");
    write!(text, "{}", toml::to_string_pretty(&models)?)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn models_stand_alone_and_together_with_weights_against_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        for name in ["a", "b"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("model.onnx"), "").unwrap();
        }
        let recipe = |more: &str| {
            fs::write(&path, format!("name = \"shop\"\nbase = \"x\"\noutput = \"out\"\n{more}")).unwrap();
            Recipe::load(&path, &[])
        };
        let both = "[ensemble]\nmodels = [\"a\", \"b\"]\nweights = [2.0, 1.0]\n";
        let found = columns(&recipe(both).unwrap(), &Config::default()).unwrap();
        assert_eq!(
            found.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
            ["1-a", "2-b", "ensemble"]
        );
        assert!(found[0].model.ensemble.is_empty());
        let together = &found[2].model;
        assert_eq!(together.ensemble, [Member { path: folder.path().join("b"), weight: 0.5 }]);
        // What is printed is a part of a config.
        let text = lines("shop", together).unwrap();
        let config: Config = toml::from_str(&text).unwrap();
        assert_eq!(
            (&config.models["shop"].path, &config.models["shop"].ensemble),
            (&together.path, &together.ensemble)
        );

        let error = columns(&recipe("").unwrap(), &Config::default()).unwrap_err().to_string();
        assert!(error.contains("takes two models"), "{error}");
        for (name, source) in [("a", "1"), ("b", "1")] {
            let manifest = serde_json::json!({
                "export_version": 1, "source": {"file": "x", "bytes": 1, "sha256": source.repeat(64)},
                "quantisation": "int8", "kv_cache": "shared", "model_sha256": "0".repeat(64), "files": [],
            });
            fs::write(folder.path().join(name).join("loquat.json"), manifest.to_string()).unwrap();
        }
        let error = columns(&recipe(both).unwrap(), &Config::default()).unwrap_err().to_string();
        assert!(error.contains("are the same weights"), "{error}");
        let error = recipe("[ensemble]\nmodels = [\"a\", \"b\"]\nweights = [1.0]\n").unwrap_err().to_string();
        assert!(error.contains("one for each"), "{error}");
    }
}
