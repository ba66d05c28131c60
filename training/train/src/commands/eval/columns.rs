//! Which models are compared. In: the recipe and the bot's config. Out: each as a model of a config, the base first. Opens none.

use std::path::Path;

use anyhow::{Context, bail};
use loquat::config::{Config, ModelConfig};
use loquat_export::Quantisation;

use crate::model;
use crate::recipe::Recipe;

/// A model that is measured.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Column {
    /// Its name in files.
    pub(in crate::commands) name: String,
    /// Its name in tables: with the form of its weights, where the bot converts it.
    pub(in crate::commands) label: String,
    /// How the bot would have it.
    pub(in crate::commands) model: ModelConfig,
}

impl Column {
    pub(in crate::commands) fn new(name: String, model: ModelConfig) -> Self {
        let is_converted = model.path.as_deref().is_some_and(is_gguf);
        let form = is_converted.then(|| format!(", {}", Quantisation::from(model.quantize)));
        Self { label: format!("{name}{}", form.unwrap_or_default()), name, model }
    }
}

/// The base, and what is compared with it.
///
/// # Errors
/// When one of them is none that the engine runs.
pub(super) fn columns(recipe: &Recipe, config: &Config) -> anyhow::Result<Vec<Column>> {
    let base = model::named(recipe.eval.base.as_ref().unwrap_or(&recipe.base), config);
    let base =
        base.context("the base cannot be measured; name its ONNX folder or its GGUF file as `eval.base`")?;
    let mut columns = vec![Column::new("base".to_owned(), base.clone())];
    let named = if recipe.eval.models.is_empty() {
        model::exported(&recipe.export_folder())?
    } else {
        recipe.eval.models.clone()
    };
    for path in named {
        let name = path.file_stem().filter(|_| path.is_file()).or(path.file_name());
        let name = name.unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        if columns.iter().any(|known| known.name == name) {
            bail!("two models are called {name}; rename one, so that they can be told apart");
        }
        let model = model::in_place_of(&base, &path).context("correct `eval.models`")?;
        columns.push(Column::new(name, model));
    }
    Ok(columns)
}

/// The folders of what is compared with the base; an adapter has none of its own.
pub(super) fn folders(columns: &[Column]) -> impl Iterator<Item = &Path> {
    let compared = columns.iter().skip(1).filter(|column| column.model.adapter.is_none());
    compared.filter_map(|column| column.model.path.as_deref())
}

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn recipe(folder: &Path, more: &str) -> Recipe {
        let path = folder.join("recipe.toml");
        fs::write(&path, format!("name = \"x\"\nbase = \"smollm2\"\noutput = \"out\"\n{more}")).unwrap();
        Recipe::load(&path, &[]).unwrap()
    }

    #[test]
    fn what_was_exported_stands_beside_the_base_and_weights_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let export = folder.path().join("out/export");
        for (name, file) in [("int8", "genai_config.json"), ("fp16", "model.onnx"), ("notes", "a.txt")] {
            fs::create_dir_all(export.join(name)).unwrap();
            fs::write(export.join(name).join(file), "").unwrap();
        }
        fs::write(export.join("lora.onnx_adapter"), "").unwrap();
        fs::create_dir_all(folder.path().join("weights")).unwrap();
        fs::write(folder.path().join("weights/model.safetensors"), "").unwrap();
        let config =
            Config { models: [("smollm2".to_owned(), ModelConfig::default())].into(), ..Config::default() };
        let found = columns(&recipe(folder.path(), ""), &config).unwrap();
        let names: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["base", "fp16", "int8", "lora"]);
        assert!(found[3].model.path.is_none() && found[3].model.adapter.is_some());
        assert_eq!(found[2].model.path.as_deref(), Some(export.join("int8").as_path()));
        let named = "[eval]\nbase = \"out/export/fp16\"\nmodels = [\"out/export/int8\", \"out/export/lora.onnx_adapter\"]\n";
        let own =
            [columns(&recipe(folder.path(), ""), &config), columns(&recipe(folder.path(), named), &config)];
        let own = own.map(|columns| folders(&columns.unwrap()).map(Path::to_owned).collect::<Vec<_>>());
        assert_eq!(own, [vec![export.join("fp16"), export.join("int8")], vec![export.join("int8")]]);
        for (more, named) in [
            ("[eval]\nbase = \"weights\"\n", "weights is a folder of weights"),
            (
                "[eval]\nbase = \"nothing\"\n",
                "`eval.base`: nothing is neither a model of the bot's config (smollm2)",
            ),
            ("[eval]\nmodels = [\"weights\"]\n", "loquat-train export"),
            ("[eval]\nmodels = [\"gone\"]\n", "correct `eval.models`: "),
        ] {
            let error = columns(&recipe(folder.path(), more), &config).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(named), "{error}");
        }
    }
}
