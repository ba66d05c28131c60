//! Which models are compared. In: the recipe and the bot's config. Out: each as a model of a config, the base first. Opens none.

use std::path::Path;

use anyhow::{Context, bail};
use loquat::config::{Config, ModelConfig, Quantize};
use loquat_export::Quantisation;

use crate::recipe::Recipe;

/// The ending of ONNX Runtime's adapters.
const ADAPTER: &str = "onnx_adapter";

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
    let base = base(recipe.eval.base.as_ref().unwrap_or(&recipe.base), config)?;
    let mut columns = vec![Column::new("base".to_owned(), base.clone())];
    let named = if recipe.eval.models.is_empty() {
        exported(&recipe.export_folder())?
    } else {
        recipe.eval.models.clone()
    };
    for path in named {
        let name = path.file_stem().filter(|_| path.is_file()).or(path.file_name());
        let name = name.unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        if columns.iter().any(|known| known.name == name) {
            bail!("two models are called {name}; rename one, so that they can be told apart");
        }
        columns.push(Column::new(name, one(&path, &base)?));
    }
    Ok(columns)
}

/// A model by its name in the config, or as an ONNX folder or GGUF file.
///
/// # Errors
/// When it is neither.
pub(in crate::commands) fn base(named: &str, config: &Config) -> anyhow::Result<ModelConfig> {
    if let Some(model) = config.models.get(named) {
        return Ok(model.clone());
    }
    let path = Path::new(named);
    if !path.exists() {
        let known: Vec<&str> = config.models.keys().map(String::as_str).collect();
        bail!("{named} is neither a model of the bot's config ({}) nor a path that exists", known.join(", "));
    }
    if path.is_dir() && is_weights(path) {
        bail!(
            "{named} is a folder of weights, which the bot's engine does not run; name its ONNX folder or its GGUF file in `eval.base`"
        );
    }
    // The bot's default form loses by floats; what the others are compared with has to be as good as it is.
    let quantize = Quantize::Fp32;
    Ok(ModelConfig { path: Some(path.to_owned()), quantize, ..ModelConfig::default() })
}

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"))
}

/// A folder of weights alone, as it comes from training.
fn is_weights(folder: &Path) -> bool {
    folder.join("model.safetensors").is_file() && !is_onnx(folder)
}

fn is_onnx(folder: &Path) -> bool {
    folder.join("genai_config.json").is_file()
        || folder.join("model.onnx").is_file()
        || folder.join("onnx").is_dir()
}

fn is_adapter(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ADAPTER))
}

/// A model in the place of the base: with its languages, and how tokens are written as there.
pub(in crate::commands) fn one(path: &Path, base: &ModelConfig) -> anyhow::Result<ModelConfig> {
    let mut model = base.clone();
    // Each is measured alone.
    model.ensemble.clear();
    if is_adapter(path) {
        let name = "trained".to_owned();
        model.adapters.insert(name.clone(), path.to_owned());
        model.adapter = Some(name);
    } else if path.is_dir() && !is_onnx(path) {
        bail!("{} is no ONNX model folder; make one with `loquat-train export`", path.display());
    } else if !path.exists() {
        bail!("{} does not exist; correct `eval.models`", path.display());
    } else {
        model.path = Some(path.to_owned());
        // Those of the base are no adapters of it.
        model.adapters.clear();
        model.adapter = None;
    }
    Ok(model)
}

/// What was exported, in the order of the names.
pub(in crate::commands) fn exported(folder: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if (path.is_dir() && is_onnx(&path)) || (path.is_file() && is_adapter(&path)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
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
        for (more, named) in [
            ("[eval]\nbase = \"weights\"\n", "folder of weights"),
            ("[eval]\nbase = \"nothing\"\n", "smollm2"),
            ("[eval]\nmodels = [\"weights\"]\n", "loquat-train export"),
            ("[eval]\nmodels = [\"gone\"]\n", "does not exist"),
        ] {
            let error = columns(&recipe(folder.path(), more), &config).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
