//! Whether an ONNX folder computes what the trainer does. In: texts of the set, the trainer's weights, the folder in ONNX Runtime. Out: how far
//! they are apart, or what is wrong.

use std::path::Path;

use anyhow::bail;
use loquat_export::{Difference, Quantisation};
use loquat_finetune::backend::Cpu;
use loquat_finetune::{Decoder, Learn, Options, Row};
use loquat_inference::{ChatTokenizer, OnnxModelOptions, OnnxScorer, Runtime};

use super::origin::Origin;
use crate::recipe::{Recipe, RunRecipe};
use crate::{encode, judge, set};

/// The parts of a set, those first that nothing was learnt from.
const PARTS: [&str; 3] = ["test.jsonl", "dev.jsonl", "train.jsonl"];
/// The name under which the adapter is asked for.
const ADAPTER: &str = "trained";

/// The tokens on which models are compared: some examples of the set, evenly spread, of the part that was learnt least.
///
/// # Errors
/// When the set cannot be read, or has nothing long enough.
pub(super) fn texts(recipe: &Recipe, weights: &Path) -> anyhow::Result<Vec<Vec<u32>>> {
    let folder = recipe.run.set.clone().unwrap_or_else(|| recipe.set_folder());
    let [test, dev, train] = PARTS.map(|name| folder.join(name));
    let mut part = train;
    let mut examples = Vec::new();
    for path in [test, dev] {
        examples = set::read_part(&path)?;
        if !examples.is_empty() {
            part = path;
            break;
        }
    }
    if examples.is_empty() {
        examples = set::read(&part)?;
    }
    judge::thin(&mut examples, recipe.export.examples);
    let tokenizer = ChatTokenizer::open(weights)?;
    let documents = encode::documents(&examples, &tokenizer, recipe.run.row_tokens)?;
    let texts = documents.into_iter().map(|mut document| {
        // From the beginning, as models read: at the first tokens of a text cut out of its midst, rounding makes single logits jump.
        document.tokens.truncate(recipe.export.tokens);
        document.tokens
    });
    let mut texts: Vec<Vec<u32>> = texts.filter(|tokens| tokens.len() > 1).collect();
    texts.truncate(recipe.export.examples);
    if texts.is_empty() {
        bail!("{} has no example of two tokens to compare models on", part.display());
    }
    Ok(texts)
}

/// An ONNX folder in ONNX Runtime.
///
/// # Errors
/// When it cannot be run.
pub(super) fn open(
    runtime: &Runtime,
    folder: &Path,
    adapter: Option<&Path>,
    run: &RunRecipe,
) -> anyhow::Result<OnnxScorer> {
    let mut options = OnnxModelOptions::new(folder);
    (options.threads, options.sequences, options.spin) = (run.threads, 1, false);
    if let Some(file) = adapter {
        options.adapters.insert(ADAPTER.to_owned(), file.to_owned());
        options.adapter = Some(ADAPTER.to_owned());
    }
    Ok(OnnxScorer::open(runtime, &options)?)
}

/// The trainer, which learns nothing now.
pub(super) struct Trainer(Decoder<Cpu>);

/// What came of a comparison.
pub(super) struct Compared {
    pub(super) difference: Difference,
    /// Texts that were compared.
    pub(super) texts: usize,
}

impl Trainer {
    /// What was trained, on the processor and in 32-bit floats, wherever and in whatever it was trained. An adapter that was trained here stands
    /// beside its base, as it did then: so its merging into the weights is compared too.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(threads: usize, base: &Path, origin: &Origin) -> anyhow::Result<Self> {
        let backend = Cpu::new(threads)?;
        let (mut learn, mut weights) = (Learn::Nothing, origin.weights.as_path());
        if let Some(trained) = &origin.trained {
            (learn, weights) = (Learn::Lora(trained.lora.clone()), base);
        }
        let mut model = Decoder::load(backend, weights, Options { learn, checkpointing: false, seed: 0 })?;
        if let (Some(adapter), Some(_)) = (&origin.adapter, &origin.trained) {
            model.adopt(adapter)?;
        }
        Ok(Self(model))
    }

    /// The logits of both at every token of the texts.
    ///
    /// # Errors
    /// When either fails.
    pub(super) fn compare(&mut self, mut onnx: OnnxScorer, texts: &[Vec<u32>]) -> anyhow::Result<Compared> {
        let mut difference = Difference::default();
        for tokens in texts {
            let row = Row {
                tokens: tokens.clone(),
                targets: vec![0; tokens.len()],
                weights: vec![0.0; tokens.len()],
                prefix: 0,
                documents: vec![0],
                ..Row::default()
            };
            let places: Vec<usize> = (0..tokens.len()).collect();
            let reference = self.0.logits(&row, &places)?;
            onnx.logits(tokens, |at, found| {
                difference.add(found, &reference[at], tokens.get(at + 1).copied());
            })?;
        }
        Ok(Compared { difference, texts: texts.len() })
    }
}

impl Compared {
    /// It in a line.
    pub(super) fn words(&self) -> String {
        let difference = &self.difference;
        let [found, reference] = difference.perplexities();
        format!(
            "the largest difference of a logit is {:.2e} of their rms, {:.2} % of the likeliest tokens are the trainer's, perplexity {found:.4} \
             (trainer {reference:.4}), over {} tokens",
            difference.relative(),
            100.0 * difference.share_same(),
            difference.places,
        )
    }
}

/// Refuses what is too far from the trainer.
///
/// # Errors
/// With the numbers, and what to try.
pub(super) fn accept(compared: &Compared, tolerance: f64, form: Quantisation) -> anyhow::Result<()> {
    let relative = compared.difference.relative();
    // What is not a number is not within anything.
    if relative <= tolerance {
        return Ok(());
    }
    bail!(
        "as {form} it is too far from the trainer: {}; `export.tolerance.{form}` is {tolerance:e}. Store weights in more bits, or raise the \
         tolerance where the perplexity is good enough",
        compared.words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(found: f32) -> Compared {
        let mut difference = Difference::default();
        difference.add(&[found, 0.0], &[1.0, 0.0], Some(0));
        Compared { difference, texts: 1 }
    }

    #[test]
    fn what_is_too_far_is_refused_with_its_numbers() {
        accept(&compared(1.0001), 1e-3, Quantisation::Fp32).unwrap();
        let error = accept(&compared(1.1), 1e-3, Quantisation::Int8).unwrap_err().to_string();
        assert!(error.contains("as int8") && error.contains("1.41e-1"), "{error}");
        assert!(error.contains("`export.tolerance.int8` is 1e-3"), "{error}");
        assert!(accept(&compared(f32::NAN), 1e9, Quantisation::Fp32).is_err());
    }
}
