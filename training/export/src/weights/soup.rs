//! Averaged weights. In: weights folders of one model, or LoRA adapters with the weights that they are for. Out: a weights folder. It must not
//! know how good any of them is: [`greedy`] asks.
//!
//! Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing inference time",
//! 2022. Adapters are averaged as what they change, `(alpha / rank)·B·A`, and not as `A` and `B`: the product of two averages also has the
//! `B` of each run times the `A` of another, which means nothing, because each run has a basis of its own (`B·M` and `M⁻¹·A` change the
//! same). The average of the changes has a rank up to the sum of theirs, so it is added to the weights.

mod change;
mod greedy;

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use greedy::{Soup, Taste, greedy};

use super::folder::WeightsFolder;
use super::tensor_file::TensorFile;
use super::{CONFIG_FILE, Element, WEIGHTS_FILE, is_weights};
use crate::error::{ExportError, Result};
use crate::folder::{MANIFEST_FILE, Source, Staging, WeightsManifest, hex};
use crate::lora::{AdapterFiles, PeftAdapter};
use crate::progress::{Progress, Report, Stage};
use change::Changes;

/// Keys of `config.json` that change no number.
const UNIMPORTANT: [&str; 6] =
    ["_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version", "use_cache"];
/// The file that decides which token is which.
const TOKENIZER_FILE: &str = "tokenizer.json";

/// Writes the average of weights folders as the weights folder `target`, replacing what is there. Tokenizer and configuration are the
/// first's. One tensor of the average and of one folder are in memory at a time.
///
/// # Errors
/// [`ExportError::Soup`] when folders differ in shape, configuration or tokenizer, by the name of what differs, or there are none; those of
/// reading and writing. `target` is then as it was.
pub fn average_weights(
    folders: &[&Path],
    target: &Path,
    element: Element,
    report: &mut Report<'_>,
) -> Result<WeightsManifest> {
    let open = folders.iter().map(|path| WeightsFolder::open(path)).collect::<Result<Vec<_>>>()?;
    let [first, others @ ..] = open.as_slice() else { return Err(nothing(target)) };
    for (other, path) in others.iter().zip(&folders[1..]) {
        same(first, folders[0], other, path)?;
    }
    let sources = open.iter().map(|folder| folder.describe(report)).collect::<Result<Vec<_>>>()?;
    let mixture =
        Mixture { weights: &open, changes: &[], origin: folders[0], source: joined(&sources), adapter: None };
    mixture.write(target, element, report)
}

/// Writes weights with the average of adapters added as the weights folder `target`, replacing what is there. With one adapter, that
/// merges it.
///
/// # Errors
/// Those of [`average_weights`], and those of reading an adapter: one that changes what the weights do not have, or that is no plain
/// LoRA.
pub fn average_adapters(
    base: &Path,
    adapters: &[&Path],
    target: &Path,
    element: Element,
    report: &mut Report<'_>,
) -> Result<WeightsManifest> {
    if adapters.is_empty() {
        return Err(nothing(target));
    }
    let weights = [WeightsFolder::open(base)?];
    let files = adapters.iter().map(|path| AdapterFiles::read(path)).collect::<Result<Vec<_>>>()?;
    let parsed = files.iter().map(AdapterFiles::parse).collect::<Result<Vec<PeftAdapter<'_>>>>()?;
    let share = 1.0 / parsed.len() as f64;
    let changes =
        parsed.iter().zip(adapters).map(|(adapter, path)| Changes::of(adapter, path, share, &weights[0]));
    let changes = changes.collect::<Result<Vec<_>>>()?;
    let source = weights[0].describe(report)?;
    let described = files.iter().map(AdapterFiles::describe).collect::<Vec<_>>();
    let adapter = Some(joined(&described));
    let mixture = Mixture { weights: &weights, changes: &changes, origin: base, source, adapter };
    mixture.write(target, element, report)
}

fn nothing(target: &Path) -> ExportError {
    ExportError::Soup { path: target.to_owned(), problem: "would be an average of nothing".to_owned() }
}

/// Several sources as one: their names, their sizes together, and the hash of their hashes.
fn joined(sources: &[Source]) -> Source {
    if let [only] = sources {
        return only.clone();
    }
    let mut digest = Sha256::new();
    sources.iter().for_each(|source| digest.update(&source.sha256));
    Source {
        file: sources.iter().map(|source| source.file.as_str()).collect::<Vec<_>>().join(" + "),
        bytes: sources.iter().map(|source| source.bytes).sum(),
        sha256: hex(digest),
    }
}

/// Refuses folders that are not of one model.
fn same(first: &WeightsFolder, first_path: &Path, other: &WeightsFolder, path: &Path) -> Result<()> {
    let refuse = |problem: String| ExportError::Soup { path: path.to_owned(), problem };
    let than = first_path.display();
    if let Some(key) = other_key(&first.config, &other.config) {
        let values = [&first.config, &other.config].map(|config| config.get(key).unwrap_or(&Value::Null));
        return Err(refuse(format!("has `{key}` {}, and {than} has {}", values[1], values[0])));
    }
    let mut theirs = other.tensors();
    for (name, place) in first.tensors() {
        match theirs.next() {
            Some((found, there)) if found == name && there.shape == place.shape => {}
            Some((found, there)) if found == name => {
                return Err(refuse(format!(
                    "has `{name}` of shape {:?}, and {than} of {:?}",
                    there.shape, place.shape
                )));
            }
            _ => return Err(refuse(format!("lacks the tensor `{name}`, which {than} has"))),
        }
    }
    if let Some((name, _)) = theirs.next() {
        return Err(refuse(format!("has the tensor `{name}`, which {than} lacks")));
    }
    let tokenizer = |folder: &Path| fs::read(folder.join(TOKENIZER_FILE)).ok();
    match tokenizer(first_path) == tokenizer(path) {
        true => Ok(()),
        false => {
            Err(refuse(format!("has another `{TOKENIZER_FILE}` than {than}, so its tokens mean other texts")))
        }
    }
}

/// A key whose values differ, where that matters.
fn other_key<'a>(first: &'a Value, other: &'a Value) -> Option<&'a str> {
    let keys = |config: &'a Value| config.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let value = |config: &'a Value, key: &str| config.get(key).filter(|value| !value.is_null());
    let differs = |key: &&str| !UNIMPORTANT.contains(key) && value(first, key) != value(other, key);
    keys(first).chain(keys(other)).find(differs)
}

/// What is added up, and where it comes from.
struct Mixture<'a> {
    /// Of one model; each counts the same.
    weights: &'a [WeightsFolder],
    changes: &'a [Changes<'a>],
    /// Whose configuration and tokenizer it has.
    origin: &'a Path,
    source: Source,
    adapter: Option<Source>,
}

impl Mixture<'_> {
    fn write(self, target: &Path, element: Element, report: &mut Report<'_>) -> Result<WeightsManifest> {
        let Some(first) = self.weights.first() else { return Err(nothing(target)) };
        let staging = Staging::new(target)?;
        self.copy_texts(&staging, &first.config, element)?;
        let tensors: Vec<(String, Vec<usize>)> =
            first.tensors().map(|(name, place)| (name.to_owned(), place.shape.clone())).collect();
        let mut file = TensorFile::create(&staging.folder().join(WEIGHTS_FILE), element, &tensors)?;
        let (all, total) = (file.left(), tensors.len() as u64);
        for (done, (name, shape)) in tensors.iter().enumerate() {
            let bytes = (all - file.left()) as u64;
            report(Progress { stage: Stage::Tensors, item: name, done: done as u64, total, bytes });
            let columns = shape.last().copied().unwrap_or(1).max(1);
            for row in self.sum(name)?.chunks_exact(columns) {
                let row: Vec<f32> = row.iter().map(|&value| value as f32).collect();
                file.append(name, &row)?;
            }
        }
        report(Progress { stage: Stage::Tensors, item: "", done: total, total, bytes: all as u64 });
        file.finish()?;
        let manifest =
            WeightsManifest::describe(staging.folder(), self.source, self.adapter, element, report)?;
        staging.write_json(MANIFEST_FILE, &manifest)?;
        staging.commit()?;
        Ok(manifest)
    }

    /// The average of one tensor, with its changes, row after row.
    fn sum(&self, name: &str) -> Result<Vec<f64>> {
        let mut sum: Vec<f64> = Vec::new();
        let share = 1.0 / self.weights.len() as f64;
        for folder in self.weights {
            let Some((_, place)) = folder.tensors().find(|(found, _)| *found == name) else { continue };
            let data = folder.rows(place)?;
            let mut row = vec![0.0; data.columns()];
            sum.resize(data.rows() * data.columns(), 0.0);
            for (at, into) in sum.chunks_exact_mut(data.columns().max(1)).enumerate() {
                data.row(at, &mut row);
                into.iter_mut().zip(&row).for_each(|(sum, value)| *sum += share * f64::from(*value));
            }
        }
        self.changes.iter().for_each(|changes| changes.add(name, &mut sum));
        Ok(sum)
    }

    /// Tokenizer, template and configuration; the latter with the type of the numbers that are written.
    fn copy_texts(&self, staging: &Staging, config: &Value, element: Element) -> Result<()> {
        for entry in fs::read_dir(self.origin).map_err(ExportError::io("read", self.origin))? {
            let path = entry.map_err(ExportError::io("read", self.origin))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let is_text = [".json", ".jinja", ".txt", ".model", ".md"].iter().any(|end| name.ends_with(end));
            let is_own = [CONFIG_FILE, MANIFEST_FILE].contains(&name) || name.ends_with(".index.json");
            if path.is_file() && is_text && !is_own && !is_weights(name) {
                staging.copy(&path, name)?;
            }
        }
        let mut config = config.clone();
        if let Some(keys) = config.as_object_mut() {
            let key = if keys.contains_key("dtype") { "dtype" } else { "torch_dtype" };
            keys.insert(key.to_owned(), Value::from(element.name()));
        }
        staging.write_json(CONFIG_FILE, &config)
    }
}

#[cfg(test)]
mod tests;
