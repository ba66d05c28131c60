//! The recipe's table `[soup]`. In: TOML. Out: which weights are averaged, and how. Averages none.

use std::path::{Path, PathBuf};

use loquat_export::Element;
use serde::{Deserialize, Serialize};

use super::seen_from;

/// Which weights are averaged.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoupRecipe {
    /// Folders of weights or of adapters, or of runs, of which the best weights and those of checkpoints are taken. Default: the recipe's run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<PathBuf>,
    /// Which of them are averaged. Default: `greedy`.
    pub method: SoupMethod,
    /// The type of the numbers that are written. Default: `f32`.
    pub element: Element,
    /// The most documents of the dev part that averages are evaluated on; 0 is all. Default: 0.
    pub dev_documents: usize,
}

/// Which weights are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SoupMethod {
    /// From the best on, those that do not raise the loss.
    #[default]
    Greedy,
    /// All.
    Uniform,
}

impl SoupRecipe {
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.of.iter_mut().for_each(|path| *path = seen_from(folder, path));
    }
}
