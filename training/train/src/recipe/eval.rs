//! The recipe's table `[eval]`. In: TOML. Out: what is measured of which models, and what the numbers should be. Measures nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::seen_from;

/// What is measured of which models.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvalRecipe {
    /// What the others are compared with: a model of the bot's config by name, an ONNX folder or a GGUF file (which is run in fp32). Default: the recipe's `base`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The models that are compared with the base: ONNX folders, GGUF files, and adapters (.onnx_adapter) for the base. Default: all that lie
    /// in `output`/export.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<PathBuf>,
    /// Sets of questions, in any form that `loquat eval` reads. Those about an entity of train.jsonl are left out, and others drawn in their
    /// place. Default: the questions of test.jsonl.
    pub questions: Vec<PathBuf>,
    /// The most questions of each set; which ones is the same each time. Default: 200.
    pub limit: usize,
    /// The most prompts whose facts do not hold the answer. Default: 200.
    pub unanswerable: usize,
    /// Texts outside the domain, for perplexity: .jsonl with a dialogue or text a line (as in training sets), .txt, .md. Default: none.
    pub general: Vec<PathBuf>,
    /// The most texts that perplexity is taken of, outside the domain (evenly over all files) and of dev.jsonl each. Default: 200.
    pub texts: usize,
    /// Questions that are asked at the same time. Default: 8.
    pub parallel: usize,
    /// What the numbers of the models should be.
    pub targets: TargetsRecipe,
}

impl Default for EvalRecipe {
    fn default() -> Self {
        Self {
            base: None,
            models: Vec::new(),
            questions: Vec::new(),
            limit: 200,
            unanswerable: 200,
            general: Vec::new(),
            texts: 200,
            parallel: 8,
            targets: TargetsRecipe::default(),
        }
    }
}

/// What the numbers of the models should be, as shares; without a number, anything will do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetsRecipe {
    /// At least so many answers are right in the model's own words at its first attempt. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_words: Option<f64>,
    /// At most so many claims are unsupported before verification. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<f64>,
    /// At least so many prompts without the answer are refused. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refuses: Option<f64>,
    /// By at most so much does the perplexity of texts outside the domain rise over the base's. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub general_rise: Option<f64>,
}

impl EvalRecipe {
    pub(super) fn resolve(&mut self, folder: &Path) {
        let paths = self.models.iter_mut().chain(&mut self.questions).chain(&mut self.general);
        paths.for_each(|path| *path = seen_from(folder, path));
        if let Some(base) = &mut self.base {
            let path = seen_from(folder, Path::new(base));
            if path.exists() {
                *base = path.to_string_lossy().into_owned();
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        for (key, value) in [("limit", self.limit), ("parallel", self.parallel)] {
            if value == 0 {
                return Err(format!("`eval.{key}` is 0; it has to be at least 1"));
            }
        }
        let targets = &self.targets;
        let shares = [
            ("own_words", targets.own_words),
            ("unsupported", targets.unsupported),
            ("refuses", targets.refuses),
        ];
        for (key, value) in shares {
            if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                return Err(format!("`eval.targets.{key}` is {value}; it is a share, from 0 to 1"));
            }
        }
        match targets.general_rise {
            Some(rise) if !rise.is_finite() => Err("`eval.targets.general_rise` is no number".to_owned()),
            _ => Ok(()),
        }
    }
}
