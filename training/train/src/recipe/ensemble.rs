//! The recipe's table `[ensemble]`. In: TOML. Out: which models answer together. Runs none.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::seen_from;

/// Which models answer together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnsembleRecipe {
    /// ONNX model folders of different models with one tokenizer; two at least.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<PathBuf>,
    /// What each counts; only the proportions do. Default: all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f32>,
}

impl EnsembleRecipe {
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.models.iter_mut().for_each(|path| *path = seen_from(folder, path));
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(weight) = self.weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            return Err(format!("`ensemble.weights` has {weight}; each has to be above 0"));
        }
        if !self.weights.is_empty() && self.weights.len() != self.models.len() {
            return Err(format!(
                "`ensemble.weights` has {} numbers for {} `ensemble.models`; give one for each",
                self.weights.len(),
                self.models.len()
            ));
        }
        Ok(())
    }
}
