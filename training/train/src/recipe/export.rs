//! The recipe's table `[export]`. In: TOML. Out: which ONNX folders are made, and how far each may be from the trainer. Makes none.

use std::path::{Path, PathBuf};

use loquat_export::Quantisation;
use serde::{Deserialize, Serialize};

use super::seen_from;

/// Which ONNX folders are made of what was trained.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportRecipe {
    /// A weights folder, or an adapter's as PEFT saves it, of the base. Default: the best weights of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<PathBuf>,
    /// How weights are stored, a folder each: `fp32`, `fp16`, `int8`, `int4`. Default: `int8`.
    pub forms: Vec<Quantisation>,
    /// Whether an adapter is also written for ONNX Runtime, beside its base; merged into the weights it always is. Default: false.
    pub adapter: bool,
    /// Examples of the set on which each folder is compared with the trainer. Default: 12.
    pub examples: usize,
    /// The most tokens of an example that are compared, from its beginning. Default: 256.
    pub tokens: usize,
    /// The largest difference of a logit, over the root mean square of the trainer's, that is accepted.
    pub tolerance: ToleranceRecipe,
    /// The licence of the model, as model hubs name it, for its card. Default: none, and the card says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The languages of the data, as ISO 639-1 codes, for the card.
    pub languages: Vec<String>,
    /// What is to be said of the data in the card: where it is from, and its licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Default for ExportRecipe {
    fn default() -> Self {
        Self {
            of: None,
            forms: vec![Quantisation::Int8],
            adapter: false,
            examples: 12,
            tokens: 256,
            tolerance: ToleranceRecipe::default(),
            licence: None,
            languages: Vec::new(),
            data: None,
        }
    }
}

/// How far a folder may be from the trainer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToleranceRecipe {
    /// Of `fp32`. Default: 0.001.
    pub fp32: f64,
    /// Of `fp16`. Default: 0.05.
    pub fp16: f64,
    /// Of `int8`. Default: 0.5.
    pub int8: f64,
    /// Of `int4`. Default: 1.
    pub int4: f64,
}

impl Default for ToleranceRecipe {
    fn default() -> Self {
        Self { fp32: 1e-3, fp16: 5e-2, int8: 0.5, int4: 1.0 }
    }
}

impl ToleranceRecipe {
    /// That of a form.
    pub fn of(self, form: Quantisation) -> f64 {
        match form {
            Quantisation::Fp32 => self.fp32,
            Quantisation::Fp16 => self.fp16,
            Quantisation::Int8 => self.int8,
            _ => self.int4,
        }
    }
}

impl ExportRecipe {
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.of.iter_mut().for_each(|path| *path = seen_from(folder, path));
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.forms.is_empty() {
            return Err("`export.forms` is empty; name some of fp32, fp16, int8, int4".to_owned());
        }
        if self.forms.iter().enumerate().any(|(at, form)| self.forms[..at].contains(form)) {
            return Err("`export.forms` names a form twice".to_owned());
        }
        if self.examples == 0 || self.tokens < 2 {
            return Err("`export.examples` has to be at least 1, and `export.tokens` at least 2".to_owned());
        }
        let tolerance = self.tolerance;
        let numbers = [
            ("fp32", tolerance.fp32),
            ("fp16", tolerance.fp16),
            ("int8", tolerance.int8),
            ("int4", tolerance.int4),
        ];
        match numbers.iter().find(|(_, number)| !(number.is_finite() && *number > 0.0)) {
            Some((key, number)) => Err(format!("`export.tolerance.{key}` is {number}; it has to be above 0")),
            None => Ok(()),
        }
    }
}
