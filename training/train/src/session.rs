//! A recipe's data and model, ready to be trained, once or many times. In: a recipe. Out: a run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use loquat::progress::Screen;
use loquat_export::weights_sha256;
use loquat_finetune::backend::Backend;
use loquat_finetune::run::{self, Outcome};
use loquat_finetune::{Decoder, Document, Event, Observer, Pack};
use loquat_inference::ChatTokenizer;

use crate::adapter::{NOTE, TrainedOn};
use crate::device::{self, Chosen};
use crate::recipe::{Method, Recipe, RunRecipe};
use crate::{base, encode, set};

/// What runs are made of: weights to begin with, and documents as tokens.
#[derive(Clone, Debug)]
pub struct Session {
    /// The folder of weights.
    pub weights: PathBuf,
    /// What is learnt.
    pub train: Vec<Document>,
    /// What runs are evaluated on; empty where the set has no `dev.jsonl`.
    pub dev: Vec<Document>,
    /// What the recipe calls the base.
    base: String,
    /// The identity of the weights, once somebody asked.
    identity: OnceLock<String>,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// How it goes.
    pub recipe: &'a RunRecipe,
    /// What is drawn.
    pub seed: u64,
    /// Its folder.
    pub folder: &'a Path,
    /// Whether a run that is there is removed, once this one is sure to begin.
    pub fresh: bool,
}

impl Session {
    /// Makes the base a weights folder where it has to be, reads the recipe's set, and makes it tokens.
    ///
    /// # Errors
    /// When there is no base or no set, or a line of it is wrong.
    pub fn open(recipe: &Recipe, screen: &Screen) -> anyhow::Result<Self> {
        let set = recipe.run.set.clone().unwrap_or_else(|| recipe.set_folder());
        // The set first: a wrong line is found sooner than a model is fetched.
        let train = set::read(&set.join("train.jsonl"))?;
        let dev = set::read_part(&set.join("dev.jsonl"))?;
        let weights = base::weights(recipe, screen)?;
        let tokenizer = ChatTokenizer::open(&weights)?;
        let row_tokens = recipe.run.row_tokens;
        let mut dev = encode::documents(&dev, &tokenizer, row_tokens)?;
        // Judged by what is said, whoever the base was.
        dev.iter_mut().for_each(|document| document.distilled = false);
        Ok(Self {
            train: encode::documents(&train, &tokenizer, row_tokens)?,
            dev,
            weights,
            base: recipe.base.clone(),
            identity: OnceLock::new(),
        })
    }

    /// The identity of the weights.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn identity(&self) -> anyhow::Result<&str> {
        if let Some(known) = self.identity.get() {
            return Ok(known);
        }
        let identity = weights_sha256(&self.weights, &mut |_| ())?;
        Ok(self.identity.get_or_init(|| identity))
    }

    /// Trains in a folder, from the last checkpoint that is there.
    ///
    /// # Errors
    /// When no document can be packed, the device cannot be used, the model cannot be read, or the run ends before its time.
    pub fn train(
        &self,
        task: Task<'_>,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> anyhow::Result<Outcome> {
        match device::choose(task.recipe)? {
            Chosen::Cpu(backend) => self.train_on(backend, task, observer, stop),
            Chosen::Cuda(backend) => self.train_on(*backend, task, observer, stop),
        }
    }

    fn train_on<B: Backend>(
        &self,
        backend: B,
        task: Task<'_>,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> anyhow::Result<Outcome> {
        let Task { recipe, seed, folder, fresh } = task;
        let mut train = self.train.clone();
        train.iter_mut().for_each(|document| document.distilled &= recipe.distils());
        let train = Pack::new(train, recipe.limits()).context("train.jsonl")?;
        let dev = match self.dev.as_slice() {
            [] => None,
            dev => Some(Pack::new(dev.to_vec(), recipe.limits()).context("dev.jsonl")?),
        };
        let mut model = Decoder::load(backend, &self.weights, recipe.model(seed))?;
        let context = model.config().max_position_embeddings;
        let longest = train.longest().max(dev.as_ref().map_or(0, Pack::longest));
        if longest > context {
            bail!(
                "a document has {longest} tokens, and the model reads {context} at most; set `run.row_tokens` to {context} or less"
            );
        }
        let on = model.backend().describe();
        observer.tell(&Event::Loaded { on: &on });
        let mut options = recipe.options(folder, seed);
        options.fresh = fresh;
        options.model.insert("base".to_owned(), self.identity()?.to_owned());
        options.means.insert("device, threads or precision".to_owned(), on);
        match recipe.method {
            Method::Full => options.companions = companions(&self.weights)?,
            Method::Lora => {
                let model_sha256 = self.identity()?.to_owned();
                // A path says more of the machine than of the model.
                let base = Path::new(&self.base).file_name().unwrap_or(self.base.as_ref()).to_string_lossy();
                let note = TrainedOn { base: base.into_owned(), model_sha256, lora: recipe.lora.clone() };
                options.notes.insert(NOTE.to_owned(), serde_json::to_string_pretty(&note)? + "\n");
            }
        }
        Ok(run::run(&mut model, &train, dev.as_ref(), &options, observer, stop)?)
    }
}

/// What names of the files begin with that a model needs beside its weights.
const NEEDED: [&str; 8] = [
    "config.json",
    "generation_config.json",
    "tokenizer",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.",
    "merges.txt",
    "chat_template",
];

/// What a weights folder has beside the weights, and a trained one needs too.
fn companions(weights: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unread = || format!("{} cannot be read", weights.display());
    let mut companions = Vec::new();
    for entry in weights.read_dir().with_context(unread)? {
        let path = entry.with_context(unread)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && NEEDED.iter().any(|needed| name.starts_with(needed)) {
            companions.push(path);
        }
    }
    companions.sort();
    Ok(companions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_needs_goes_with_it_and_other_weights_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let needed = [
            "chat_template.jinja",
            "config.json",
            "merges.txt",
            "tokenizer.json",
            "tokenizer.model",
            "vocab.json",
        ];
        let other =
            ["README.md", "loquat.json", "model.safetensors", "model.onnx", "pytorch_model.bin", "x.gguf"];
        for name in needed.iter().chain(&other) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = companions(folder.path()).unwrap();
        assert_eq!(found, needed.map(|name| folder.path().join(name)));
    }
}
