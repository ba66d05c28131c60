//! The model to begin with. In: a recipe. Out: a folder of weights as Hugging Face writes it, with tokenizer and chat template.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat::config::{self, ConfigError, Loaded};
use loquat::parts;
use loquat::progress::Screen;
use loquat_export::{Element, WeightsManifest, gguf_to_weights};
use sha2::{Digest, Sha256};

use crate::recipe::Recipe;

/// How much of a file is hashed at a time, in bytes.
const PIECE: usize = 1 << 20;

/// The config of the recipe's bot, else of `loquat.toml` where the command is started, else Loquat's built-in one.
///
/// # Errors
/// When it cannot be read, or has a key or value that is not known.
pub fn bot(recipe: &Recipe) -> anyhow::Result<Loaded> {
    // A variable that is no text is none of the bot's.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let loaded = config::load(recipe.bot.as_deref(), variables, &Vec::new());
    Ok(loaded.map_err(|error| match error {
        ConfigError::Unreadable { what, path, source, .. } if recipe.bot.is_some() => {
            ConfigError::Unreadable { what, path, source, advice: "correct `bot` in the recipe" }
        }
        other => other,
    })?)
}

/// The folder of weights that the recipe begins with: the base itself where it is one, else one that is made of a GGUF file below the
/// recipe's output, and made again where the file has changed.
///
/// # Errors
/// When there is no such model, or it is to be had as ONNX alone, or cannot be fetched or converted.
pub fn weights(recipe: &Recipe, screen: &Screen) -> anyhow::Result<PathBuf> {
    let origin = match path(recipe) {
        Some(path) => path.to_owned(),
        None => origin(recipe, screen)?,
    };
    if origin.is_dir() {
        check(&origin)?;
        return Ok(origin);
    }
    let target = recipe.base_folder();
    let hash = sha256(&origin)?;
    let made = WeightsManifest::read(&target).ok().flatten();
    if !made.is_some_and(|made| made.is_current(&hash, Element::F32)) {
        gguf_to_weights(&origin, &target, Element::F32, &mut |progress| {
            screen.show("making a weights folder", progress.done, Some(progress.total), false);
        })
        .with_context(|| format!("the base {} cannot be made a weights folder", origin.display()))?;
        screen.clear();
    }
    Ok(target)
}

/// Where the base lies, if it is a path.
fn path(recipe: &Recipe) -> Option<&Path> {
    let path = Path::new(&recipe.base);
    // The recipe has made absolute what there is; a name is never looked for where the program happens to run.
    (path.is_absolute() && path.exists()).then_some(path)
}

/// Refuses a base that is neither a path nor a model of the bot's config; opens and fetches nothing.
///
/// # Errors
/// When there is no such base.
pub fn known(recipe: &Recipe, loaded: &Loaded) -> anyhow::Result<()> {
    let models = &loaded.config.models;
    if path(recipe).is_none() && !models.contains_key(&recipe.base) {
        let names: Vec<&str> = models.keys().map(String::as_str).collect();
        bail!(
            "`base` is {:?}, which is no file or folder as seen from the recipe, and no model of {} (it has {}); \
             name a GGUF file, a folder with model.safetensors, or one of these",
            recipe.base,
            loaded.origin,
            names.join(", ")
        );
    }
    Ok(())
}

/// What a model of the bot's config is made of.
fn origin(recipe: &Recipe, screen: &Screen) -> anyhow::Result<PathBuf> {
    let loaded = bot(recipe)?;
    known(recipe, &loaded)?;
    let sources = parts::sources(&loaded.config)?;
    let source = sources.iter().find(|source| source.name == recipe.base);
    let source = source.with_context(|| format!("{} has no model {:?}", loaded.origin, recipe.base))?;
    parts::origin_of(source, &parts::cache(&loaded.config)?, screen)
}

/// Whether a folder is one of weights.
fn check(folder: &Path) -> anyhow::Result<()> {
    let has = |name: &str| folder.join(name).is_file();
    if !has("model.safetensors") && !has("model.safetensors.index.json") {
        let advice = if has("model.onnx") {
            "it is an ONNX model; name the GGUF file that it was made of"
        } else {
            "it needs model.safetensors, config.json, tokenizer.json and a chat template, as Hugging Face writes them"
        };
        bail!("the base {} is no folder of weights: {advice}", folder.display());
    }
    Ok(())
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let unread = || format!("{} cannot be read", path.display());
    let mut file = File::open(path).with_context(unread)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece).with_context(unread)? {
            0 => break,
            read => hash.update(&piece[..read]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(base: &str, folder: &Path) -> Recipe {
        let text = format!("name = \"x\"\nbase = {base:?}\noutput = \"out\"\n");
        let path = folder.join("recipe.toml");
        std::fs::write(&path, text).unwrap();
        Recipe::load(&path, &[]).unwrap()
    }

    #[test]
    fn what_is_no_model_says_what_would_be_one() {
        let folder = tempfile::tempdir().unwrap();
        let told =
            |base: &str| weights(&recipe(base, folder.path()), &Screen::default()).unwrap_err().to_string();
        let unknown = told("nothing");
        assert!(unknown.contains("smollm2") && unknown.contains("GGUF"), "{unknown}");
        // There is such a folder where the tests run, but not beside the recipe.
        assert!(Path::new("src").is_dir() && told("src").contains("no model of"));
        let onnx = told("minimind2");
        assert!(onnx.contains("ONNX alone"), "{onnx}");
        std::fs::create_dir(folder.path().join("model")).unwrap();
        assert!(told("model").contains("model.safetensors"));
        std::fs::write(folder.path().join("model/model.onnx"), "").unwrap();
        assert!(told("model").contains("GGUF file that it was made of"));
        std::fs::write(folder.path().join("model/model.safetensors"), "").unwrap();
        let found = weights(&recipe("model", folder.path()), &Screen::default()).unwrap();
        assert_eq!(found, folder.path().join("model"));
        std::fs::write(folder.path().join("half.gguf"), "GGUF").unwrap();
        assert!(told("half.gguf").contains("half.gguf"));
    }

    #[test]
    fn a_misspelt_base_and_a_bot_that_is_not_there_are_told_before_anything_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("model")).unwrap();
        let mut recipe = recipe("model", folder.path());
        let loaded = bot(&recipe).unwrap();
        known(&recipe, &loaded).unwrap();
        recipe.base = "smollm2".to_owned();
        known(&recipe, &loaded).unwrap();
        recipe.base = "smolm2".to_owned();
        let error = known(&recipe, &loaded).unwrap_err().to_string();
        assert!(error.contains("\"smolm2\"") && error.contains("smollm2"), "{error}");
        recipe.bot = Some(folder.path().join("bto.toml"));
        let error = bot(&recipe).unwrap_err();
        assert!(error.is::<ConfigError>(), "{error}");
        let error = error.to_string();
        assert!(error.contains("bto.toml") && error.contains("correct `bot` in the recipe"), "{error}");
        assert!(!error.contains("--config"), "{error}");
    }
}
