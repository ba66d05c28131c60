//! A model as the bot's engine runs it. In: its name in the bot's config, or a path. Out: a model of a config. Opens none.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat::config::{Config, ModelConfig, Quantize};

/// The ending of ONNX Runtime's adapters.
const ADAPTER: &str = "onnx_adapter";

/// A model by its name in the config, or as an ONNX folder or GGUF file.
///
/// # Errors
/// When there is no such model and no such path, or it is a folder of weights. The caller says what to name instead.
pub fn named(name: &str, config: &Config) -> anyhow::Result<ModelConfig> {
    if let Some(model) = config.models.get(name) {
        return Ok(model.clone());
    }
    let path = Path::new(name);
    // The recipe has made absolute what there is; a name is never looked for where the program happens to run.
    if !(path.is_absolute() && path.exists()) {
        let known: Vec<&str> = config.models.keys().map(String::as_str).collect();
        bail!("{name} is neither a model of the bot's config ({}) nor a path that exists", known.join(", "));
    }
    if path.is_dir() && is_weights(path) {
        bail!("{name} is a folder of weights, which the bot's engine does not run");
    }
    // The bot's default form loses by floats; what the others are compared with has to be as good as it is.
    let quantize = Quantize::Fp32;
    Ok(ModelConfig { path: Some(path.to_owned()), quantize, ..ModelConfig::default() })
}

/// What `path` holds, in the place of the base: with its languages, and how tokens are written as there.
///
/// # Errors
/// When it is none that the engine runs.
pub fn in_place_of(base: &ModelConfig, path: &Path) -> anyhow::Result<ModelConfig> {
    let mut model = base.clone();
    // Each is measured alone.
    model.ensemble.clear();
    if !path.exists() {
        bail!("{} does not exist", path.display());
    }
    if is_adapter(path) {
        let name = "trained".to_owned();
        model.adapters.insert(name.clone(), path.to_owned());
        model.adapter = Some(name);
    } else if path.is_dir() && !is_onnx(path) {
        bail!("{} is no ONNX model folder; make one with `loquat-train export`", path.display());
    } else {
        model.path = Some(path.to_owned());
        // Those of the base are no adapters of it.
        model.adapters.clear();
        model.adapter = None;
    }
    Ok(model)
}

/// What was exported to a folder, in the order of the names.
///
/// # Errors
/// When it cannot be read.
pub fn exported(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
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

/// Whether a folder is one of weights alone, as it comes from training.
fn is_weights(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    (has("model.safetensors") || has("model.safetensors.index.json")) && !is_onnx(folder)
}

fn is_onnx(folder: &Path) -> bool {
    folder.join("genai_config.json").is_file()
        || folder.join("model.onnx").is_file()
        || folder.join("onnx").is_dir()
}

fn is_adapter(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ADAPTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_one_of_the_config_or_a_path_that_the_engine_runs() {
        let folder = tempfile::tempdir().unwrap();
        let config =
            Config { models: [("smollm2".to_owned(), ModelConfig::default())].into(), ..Config::default() };
        let told = |name: &str| named(name, &config).unwrap_err().to_string();
        assert!(named("smollm2", &config).unwrap().path.is_none());
        // There is such a folder where the tests run, but no recipe has named it.
        assert!(Path::new("src").is_dir() && told("src").contains("the bot's config (smollm2)"));
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        for (name, file) in [("whole", "model.safetensors"), ("shards", "model.safetensors.index.json")] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(folder.path().join(name).join(file), "").unwrap();
            assert!(told(&at(name)).contains("is a folder of weights"), "{name}");
        }
        std::fs::write(folder.path().join("shards/model.onnx"), "").unwrap();
        let found = named(&at("shards"), &config).unwrap();
        assert_eq!((found.path, found.quantize), (Some(at("shards").into()), Quantize::Fp32));

        let mut base = ModelConfig::default();
        base.adapters.insert("manner".to_owned(), "manner.onnx_adapter".into());
        let onnx = in_place_of(&base, Path::new(&at("shards"))).unwrap();
        assert!(onnx.adapters.is_empty() && onnx.path == Some(at("shards").into()));
        for gone in ["gone", "gone.onnx_adapter"] {
            let error = in_place_of(&base, Path::new(&at(gone))).unwrap_err().to_string();
            assert!(error.contains("does not exist"), "{error}");
        }
        std::fs::write(at("new.onnx_adapter"), "").unwrap();
        let adapted = in_place_of(&base, Path::new(&at("new.onnx_adapter"))).unwrap();
        assert_eq!(adapted.adapter.as_deref(), Some("trained"));
        assert_eq!(adapted.adapters.len(), 2);
    }
}
