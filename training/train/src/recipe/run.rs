//! The recipe's table `[run]`. In: TOML. Out: how the model is trained. Trains nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use loquat_finetune::pack::Limits;
use loquat_finetune::run::{Length, Warmup};
use loquat_finetune::{AdamW, Learn, LoraOptions, Options, RunOptions, Shape, TooLong};
use serde::{Deserialize, Serialize};

use super::seen_from;

/// More than anybody means: the order of each epoch is drawn before the first step.
const MOST_EPOCHS: f64 = 1_000.0;

/// How the model is trained.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunRecipe {
    /// The training set, where it is not the one below `output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<PathBuf>,
    /// Which parameters learn. Default: `lora`.
    pub method: Method,
    /// Whether replies of the base are learnt by all that it foretells at each of their tokens, and not by those tokens alone. Says nothing where all
    /// parameters learn, as no base is left then. Default: true.
    pub distil: bool,
    /// What computing is done in. Default: `f32`.
    pub precision: Precision,
    /// Where computing is done. Default: `auto`.
    pub device: Device,
    /// Threads of the CPU; 0 is one a core. Default: 0.
    pub threads: usize,
    /// Computes activations again in the backward pass, which saves memory and costs a third of the time. Default: false.
    pub recompute: bool,

    /// The most tokens of a row; documents that are longer are treated as `too_long` says. Default: 1024.
    pub row_tokens: usize,
    /// The most tokens that are read at once. Default: 2048.
    pub batch_tokens: usize,
    /// Batches whose gradients are added up for one step. Default: 1.
    pub accumulate: usize,
    /// What happens to documents longer than a row. Default: `drop`.
    pub too_long: TooLong,

    /// How often the set is gone through, where `steps` is 0. Default: 3.
    pub epochs: f64,
    /// How many steps are made; 0 leaves it to `epochs`. Default: 0.
    pub steps: u64,
    /// How the learning rate changes. Default: `cosine`.
    pub schedule: Shape,
    /// The highest learning rate. Default: 2e-4.
    pub rate: f64,
    /// Steps in which the learning rate rises from nothing; 0 leaves it to `warmup_share`. Default: 0.
    pub warmup_steps: u64,
    /// The share of all steps in which it rises. Default: 0.03.
    pub warmup_share: f64,
    /// The share of the highest learning rate below which it does not fall. Default: 0.
    pub floor: f64,

    /// AdamW: decay of the first moment. Default: 0.9.
    pub beta1: f32,
    /// AdamW: decay of the second moment. Default: 0.999.
    pub beta2: f32,
    /// AdamW: what is added to the root of the second moment. Default: 1e-8.
    pub epsilon: f32,
    /// AdamW: decay of matrices, decoupled. Default: 0.01.
    pub decay: f32,
    /// The greatest norm of the gradient; 0 lets any pass. Default: 1.
    pub clip: f64,

    /// Steps between evaluations on the dev part; 0 evaluates at the end of each epoch. Default: 0.
    pub evaluate_every: u64,
    /// Evaluations without a better loss after which the run stops; 0 never stops it. Default: 3.
    pub patience: u32,
    /// Steps between checkpoints; 0 keeps one after each evaluation, and ten minutes after the last one. Default: 0.
    pub checkpoint_every: u64,
    /// How many of the last checkpoints stay, beside the best one. Default: 2.
    pub keep: usize,

    /// Whether each checkpoint has the weights for others to read, as `best` has them: for `soup`. Default: false.
    pub checkpoint_weights: bool,

    /// LoRA, where `method` is `lora`.
    pub lora: LoraOptions,
}

impl Default for RunRecipe {
    fn default() -> Self {
        Self {
            set: None,
            method: Method::Lora,
            distil: true,
            precision: Precision::F32,
            device: Device::Auto,
            threads: 0,
            recompute: false,
            row_tokens: 1024,
            batch_tokens: 2048,
            accumulate: 1,
            too_long: TooLong::Drop,
            epochs: 3.0,
            steps: 0,
            schedule: Shape::Cosine,
            rate: 2e-4,
            warmup_steps: 0,
            warmup_share: 0.03,
            floor: 0.0,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            decay: 0.01,
            clip: 1.0,
            evaluate_every: 0,
            patience: 3,
            checkpoint_every: 0,
            keep: 2,
            checkpoint_weights: false,
            lora: LoraOptions::default(),
        }
    }
}

/// Which parameters learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// All.
    Full,
    /// Those of adapters beside the linear layers.
    Lora,
}

/// What computing is done in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// On the CPU bfloat16 in the factors of large products, 32-bit floats in all else. On a GPU also activations, their gradients and weights that
    /// do not learn are bfloat16; weights that learn, their gradients, moments and losses are 32-bit floats.
    Bf16,
}

/// Where computing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// On a GPU where one can be used, else on the CPU.
    Auto,
    /// On the CPU.
    Cpu,
    /// On a GPU of NVIDIA's.
    Cuda,
}

impl RunRecipe {
    /// How documents are packed.
    pub fn limits(&self) -> Limits {
        let Self { row_tokens, batch_tokens, too_long, .. } = *self;
        Limits { row_tokens, batch_tokens, too_long }
    }

    /// Whether replies of the base are learnt by what it foretells.
    pub fn distils(&self) -> bool {
        self.distil && self.method == Method::Lora
    }

    /// How the model is made.
    pub fn model(&self, seed: u64) -> Options {
        let learn = match self.method {
            Method::Full => Learn::Full,
            Method::Lora => Learn::Lora(self.lora.clone()),
        };
        Options { learn, checkpointing: self.recompute, seed }
    }

    /// How the run goes, in a folder.
    pub fn options(&self, folder: &Path, seed: u64) -> RunOptions {
        RunOptions {
            folder: folder.to_owned(),
            seed,
            length: if self.steps > 0 { Length::Steps(self.steps) } else { Length::Epochs(self.epochs) },
            accumulate: self.accumulate,
            shape: self.schedule,
            peak: self.rate,
            warmup: match self.warmup_steps {
                0 => Warmup::Share(self.warmup_share),
                steps => Warmup::Steps(steps),
            },
            floor: self.floor,
            optimiser: AdamW {
                betas: (self.beta1, self.beta2),
                epsilon: self.epsilon,
                decay: self.decay,
                clip: self.clip,
            },
            evaluate_every: self.evaluate_every,
            patience: self.patience,
            checkpoint_every: self.checkpoint_every,
            keep: self.keep,
            publish_checkpoints: self.checkpoint_weights,
            model: self.identity(),
            means: [("lora.dropout".to_owned(), self.lora.dropout.to_string())].into(),
            ..RunOptions::default()
        }
    }

    /// What steps that were made mean nothing without, by its keys.
    fn identity(&self) -> BTreeMap<String, String> {
        let LoraOptions { rank, alpha, dropout: _, targets, last_blocks } = &self.lora;
        let mut identity = BTreeMap::from([("run.method".to_owned(), format!("{:?}", self.method))]);
        if self.method == Method::Lora {
            let mut targets = targets.clone();
            targets.sort();
            targets.dedup();
            identity.extend([
                ("run.lora.rank".to_owned(), rank.to_string()),
                ("run.lora.alpha".to_owned(), alpha.to_string()),
                ("run.lora.targets".to_owned(), format!("{targets:?}")),
                ("run.lora.last_blocks".to_owned(), format!("{last_blocks:?}")),
            ]);
            if !self.distil {
                identity.insert("run.distil".to_owned(), self.distil.to_string());
            }
        }
        identity
    }

    pub(super) fn resolve(&mut self, folder: &Path) {
        self.set.iter_mut().for_each(|path| *path = seen_from(folder, path));
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let positive = |key: &str, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(format!("`run.{key}` is {value}; it has to be a number above 0")),
        };
        let share = |key: &str, value: f64| match (0.0..1.0).contains(&value) {
            true => Ok(()),
            false => Err(format!("`run.{key}` is {value}; it has to be from 0 to below 1")),
        };
        let least = |key: &str, value: usize, least: usize| match value >= least {
            true => Ok(()),
            false => Err(format!("`run.{key}` is {value}; it has to be at least {least}")),
        };
        positive("rate", self.rate)?;
        positive("epsilon", f64::from(self.epsilon))?;
        share("warmup_share", self.warmup_share)?;
        share("floor", self.floor)?;
        share("beta1", f64::from(self.beta1))?;
        share("beta2", f64::from(self.beta2))?;
        share("lora.dropout", f64::from(self.lora.dropout))?;
        if self.steps == 0 {
            positive("epochs", self.epochs)?;
            if self.epochs > MOST_EPOCHS {
                return Err(format!(
                    "`run.epochs` is {}; it can be {MOST_EPOCHS} at most, and `run.steps` sets a length without it",
                    self.epochs
                ));
            }
        }
        if [self.clip, f64::from(self.decay)].iter().any(|value| !value.is_finite() || *value < 0.0) {
            return Err("`run.clip` and `run.decay` have to be numbers that are not below 0".to_owned());
        }
        least("accumulate", self.accumulate, 1)?;
        least("keep", self.keep, 1)?;
        least("row_tokens", self.row_tokens, 2)?;
        least("lora.rank", self.lora.rank, 1)?;
        if self.batch_tokens < self.row_tokens {
            return Err(format!(
                "`run.batch_tokens` is {}, which holds no row of `run.row_tokens` = {}; raise the first or lower the second",
                self.batch_tokens, self.row_tokens
            ));
        }
        if self.lora.targets.is_empty() {
            return Err("`run.lora.targets` names no layer; leave it out for all of them".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_run_can_have_are_refused() {
        let told = |run: RunRecipe| run.check().unwrap_err();
        let decay = RunRecipe { decay: f32::INFINITY, ..RunRecipe::default() };
        assert!(told(decay).contains("`run.decay`"));
        let clip = RunRecipe { clip: f64::NAN, ..RunRecipe::default() };
        assert!(told(clip).contains("`run.clip`"));
        let long = RunRecipe { epochs: 1e15, ..RunRecipe::default() };
        assert!(told(long.clone()).contains("`run.steps`"));
        // Where steps are given, epochs say nothing.
        RunRecipe { steps: 5, ..long }.check().unwrap();
    }

    #[test]
    fn a_run_is_that_of_its_adapters_shape() {
        let of = |lora: LoraOptions| RunRecipe { lora, ..RunRecipe::default() }.identity();
        let first = of(LoraOptions::default());
        assert_ne!(first, of(LoraOptions { alpha: 16.0, ..LoraOptions::default() }));
        assert_eq!(first, of(LoraOptions { dropout: 0.5, ..LoraOptions::default() }));
        let mut targets = LoraOptions::default().targets;
        targets.reverse();
        assert_eq!(first, of(LoraOptions { targets, ..LoraOptions::default() }));
        assert_ne!(first, RunRecipe { distil: false, ..RunRecipe::default() }.identity());
        let full = |rank| {
            let lora = LoraOptions { rank, ..LoraOptions::default() };
            RunRecipe { method: Method::Full, lora, ..RunRecipe::default() }.identity()
        };
        assert_eq!(full(4), full(8));
    }
}
