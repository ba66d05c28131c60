//! A recipe's data and model, ready to be trained, once or many times. In: a recipe. Out: a run.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use loquat::progress::Screen;
use loquat_finetune::backend::Backend;
use loquat_finetune::run::{self, Outcome};
use loquat_finetune::{Decoder, Document, Observer, Pack};
use loquat_inference::ChatTokenizer;

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
        let dev = set.join("dev.jsonl");
        let dev = if dev.exists() { set::read(&dev)? } else { Vec::new() };
        let weights = base::weights(recipe, screen)?;
        let tokenizer = ChatTokenizer::open(&weights)?;
        let row_tokens = recipe.run.row_tokens;
        Ok(Self {
            train: encode::documents(&train, &tokenizer, row_tokens)?,
            dev: encode::documents(&dev, &tokenizer, row_tokens)?,
            weights,
        })
    }

    /// Trains in a folder as `recipe` says, from the last checkpoint that is there.
    ///
    /// # Errors
    /// When no document can be packed, the device cannot be used, the model cannot be read, or the run ends before its time.
    pub fn train(
        &self,
        recipe: &RunRecipe,
        seed: u64,
        folder: &Path,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> anyhow::Result<Outcome> {
        match device::choose(recipe)? {
            Chosen::Cpu(backend) => self.train_on(backend, recipe, seed, folder, observer, stop),
            Chosen::Cuda(backend) => self.train_on(*backend, recipe, seed, folder, observer, stop),
        }
    }

    fn train_on<B: Backend>(
        &self,
        backend: B,
        recipe: &RunRecipe,
        seed: u64,
        folder: &Path,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> anyhow::Result<Outcome> {
        let train = Pack::new(self.train.clone(), recipe.limits()).context("train.jsonl")?;
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
        let mut options = recipe.options(folder, seed);
        if recipe.method == Method::Full {
            options.companions = companions(&self.weights)?;
        }
        Ok(run::run(&mut model, &train, dev.as_ref(), &options, observer, stop)?)
    }
}

/// What a weights folder has beside the weights, and a trained one needs too.
fn companions(weights: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unread = || format!("{} cannot be read", weights.display());
    let mut companions = Vec::new();
    for entry in weights.read_dir().with_context(unread)? {
        let path = entry.with_context(unread)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_own = name == "loquat.json" || name.contains(".safetensors") || name.starts_with('.');
        if path.is_file() && !is_own {
            companions.push(path);
        }
    }
    companions.sort();
    Ok(companions)
}
