//! What can be averaged. In: folders that the recipe names. Out: weights, or adapters; of runs what they published. Reads no numbers.

use std::path::{Path, PathBuf};

use anyhow::bail;
use loquat_finetune::run;
use loquat_report::file_hash;

use crate::adapter::TrainedOn;
use crate::recipe::Recipe;
use crate::session::Session;

/// What is in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// All weights.
    Weights,
    /// A LoRA adapter as PEFT writes it.
    Adapter,
}

/// Weights or an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// The recipe's candidates, each once.
pub(super) fn candidates(recipe: &Recipe) -> anyhow::Result<Vec<Found>> {
    let of = if recipe.soup.of.is_empty() { vec![recipe.run_folder()] } else { recipe.soup.of.clone() };
    let mut found: Vec<Found> = Vec::new();
    let mut hashes: Vec<String> = Vec::new();
    for path in &of {
        for one in within(path)? {
            let hash = file_hash(&tensors(&one))?;
            // The best weights of a run are those of one of its checkpoints.
            if !hashes.contains(&hash) {
                hashes.push(hash);
                found.push(one);
            }
        }
    }
    let [first, _, ..] = found.as_slice() else {
        bail!(
            "there is one set of weights, and it takes two to average: train with `run.checkpoint_weights = true`, or name several runs in `soup.of`"
        );
    };
    if let Some(other) = found.iter().find(|one| one.kind != first.kind) {
        bail!(
            "{} and {} cannot be averaged: one is an adapter, the other has all weights",
            first.path.display(),
            other.path.display()
        );
    }
    Ok(found)
}

/// Refuses adapters of another base than the session's.
pub(super) fn check(found: &[Found], session: &Session) -> anyhow::Result<()> {
    for one in found.iter().filter(|one| one.kind == Kind::Adapter) {
        if let Some(trained) = TrainedOn::read(&one.path)? {
            trained.check(&one.path, &session.weights, session.identity()?)?;
        }
    }
    Ok(())
}

/// The folder itself, or what a run's folder has.
fn within(path: &Path) -> anyhow::Result<Vec<Found>> {
    // Runs are all called alike, their outputs are not.
    let names = [path.parent().and_then(Path::file_name), path.file_name()];
    let names: Vec<_> = names.into_iter().flatten().map(|name| name.to_string_lossy()).collect();
    let name = names.join("/");
    if let Some(kind) = kind(path) {
        return Ok(vec![Found { name, path: path.to_owned(), kind }]);
    }
    let mut found = Vec::new();
    let checkpoints = run::checkpoints(path);
    let checkpoints = checkpoints.iter().map(|checkpoint| {
        let of = checkpoint.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (of, checkpoint.join("weights"))
    });
    for (of, path) in std::iter::once(("best".to_owned(), path.join("best"))).chain(checkpoints) {
        if let Some(kind) = kind(&path) {
            found.push(Found { name: format!("{name}/{of}"), path, kind });
        }
    }
    if found.is_empty() {
        bail!(
            "{} has no weights: neither model.safetensors nor adapter_model.safetensors, and no run's `best` or checkpoints with weights",
            path.display()
        );
    }
    Ok(found)
}

fn kind(path: &Path) -> Option<Kind> {
    let has = |name: &str| path.join(name).is_file();
    if has("adapter_model.safetensors") {
        return Some(Kind::Adapter);
    }
    (has("model.safetensors") || has("model.safetensors.index.json")).then_some(Kind::Weights)
}

/// The file that tells one from another: of several, the one that lists them has their names alone, so it is the first.
fn tensors(found: &Found) -> PathBuf {
    let path = &found.path;
    let name = match found.kind {
        Kind::Adapter => "adapter_model.safetensors",
        Kind::Weights => "model.safetensors",
    };
    let whole = path.join(name);
    if whole.is_file() { whole } else { first_shard(path).unwrap_or(whole) }
}

fn first_shard(path: &Path) -> Option<PathBuf> {
    let entries = path.read_dir().ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "safetensors")).min()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn recipe(folder: &Path, more: &str) -> Recipe {
        let path = folder.join("recipe.toml");
        fs::write(&path, format!("name = \"x\"\nbase = \"y\"\noutput = \"out\"\n{more}")).unwrap();
        Recipe::load(&path, &[]).unwrap()
    }

    fn put(folder: &Path, name: &str, content: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn a_run_has_its_best_weights_and_those_of_checkpoints_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("out/run");
        put(&run, "best/adapter_model.safetensors", "2");
        for step in [1, 2, 3] {
            let name = format!("checkpoints/step-{step:08}/weights/adapter_model.safetensors");
            put(&run, &name, &step.to_string());
            put(&run, &format!("checkpoints/step-{step:08}/run.json"), "{}");
        }
        let found = candidates(&recipe(folder.path(), "")).unwrap();
        assert!(found.iter().all(|one| one.kind == Kind::Adapter));
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[0], "out/run/best");
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(!names.iter().any(|name| name.ends_with('2')), "{names:?}");
    }

    #[test]
    fn what_cannot_be_averaged_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let told = |more: &str| candidates(&recipe(folder.path(), more)).unwrap_err().to_string();
        assert!(told("").contains("has no weights"));
        put(folder.path(), "a/model.safetensors", "a");
        assert!(told("[soup]\nof = [\"a\"]\n").contains("it takes two"));
        put(folder.path(), "b/adapter_model.safetensors", "b");
        let error = told("[soup]\nof = [\"a\", \"b\"]\n");
        assert!(error.contains("one is an adapter"), "{error}");
    }
}
