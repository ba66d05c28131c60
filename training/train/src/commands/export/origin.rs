//! What is exported. In: the recipe, the base's weights. Out: a weights folder, into which an adapter is merged where one was trained.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat_export::{Element, Report, merge_lora, weights_sha256};

use crate::adapter::TrainedOn;
use crate::recipe::Recipe;

/// The folder of weights with the adapter merged into them, below the folder of exports.
const MERGED: &str = "weights";
/// The run's best weights, below its folder.
const BEST: &str = "best";

/// What was trained.
pub(super) struct Origin {
    /// All weights.
    pub(super) weights: PathBuf,
    /// The adapter's folder, where one was trained.
    pub(super) adapter: Option<PathBuf>,
    /// What is known of it, where it was trained here.
    pub(super) trained: Option<TrainedOn>,
}

impl Origin {
    /// Finds what was trained; merges an adapter into its base, in 32 bits, so that nothing is lost.
    ///
    /// # Errors
    /// When there is nothing, or the adapter is not of this base.
    pub(super) fn find(recipe: &Recipe, base: &Path, report: &mut Report<'_>) -> anyhow::Result<Self> {
        let trained = recipe.export.of.clone().unwrap_or_else(|| recipe.run_folder().join(BEST));
        let has = |name: &str| trained.join(name).is_file();
        if has("adapter_config.json") {
            let note = TrainedOn::read(&trained)?;
            if let Some(note) = &note {
                note.check(&trained, base, &weights_sha256(base, report)?)?;
            }
            let weights = recipe.export_folder().join(MERGED);
            merge_lora(base, &trained, &weights, Element::F32, report)
                .context("the adapter cannot be merged into its base")?;
            return Ok(Self { weights, adapter: Some(trained), trained: note });
        }
        if has("model.safetensors") || has("model.safetensors.index.json") {
            return Ok(Self { weights: trained, adapter: None, trained: None });
        }
        bail!(
            "there is nothing to export in {}: train first with `loquat-train run`, or name a folder of weights or of an adapter as `export.of`",
            trained.display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(folder: &Path) -> Recipe {
        let path = folder.join("recipe.toml");
        std::fs::write(&path, "name = \"x\"\nbase = \"smollm2\"\noutput = \"out\"\n").unwrap();
        Recipe::load(&path, &[]).unwrap()
    }

    #[test]
    fn where_nothing_was_trained_it_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(folder.path());
        let told = |recipe: &Recipe| {
            Origin::find(recipe, Path::new("/no/base"), &mut |_| ()).map(|_| ()).unwrap_err()
        };
        let error = told(&recipe).to_string();
        assert!(error.contains("out/run/best") && error.contains("loquat-train run"), "{error}");
        let best = recipe.run_folder().join("best");
        std::fs::create_dir_all(&best).unwrap();
        std::fs::write(best.join("adapter_config.json"), "{}").unwrap();
        assert!(format!("{:#}", told(&recipe)).contains("cannot be merged into its base: /no/base"));
        std::fs::remove_file(best.join("adapter_config.json")).unwrap();
        std::fs::write(best.join("model.safetensors"), "").unwrap();
        let found = Origin::find(&recipe, Path::new("/no/base"), &mut |_| ()).unwrap();
        assert_eq!((found.weights, found.adapter), (best, None));
    }
}
