//! An adapter into the weights that it changes. In: a weights folder, and an adapter as PEFT saves it. Out: a weights folder of the same kind
//! that computes by itself what the two compute together.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{CONFIG_FILE, PeftAdapter, TENSORS_FILE, layers};
use crate::error::{ExportError, Result};
use crate::folder::{MANIFEST_FILE, Source, Staging, WeightsManifest, hex};
use crate::progress::{Progress, Report, Stage};
use crate::weights::{self, BESIDE, Element, TensorFile, WEIGHTS_FILE, WeightsFolder};

/// Merges the PEFT adapter in the folder `adapter` into the weights folder `base`: each changed matrix becomes
/// `W + alpha / rank · B · A`. Writes the weights folder `target`, replacing what is there, in `element`; none takes the type that the base
/// has, and `float32` where it has several.
///
/// Every tensor of the adapter is used, or the adapter is refused.
///
/// # Errors
/// Those of [`weights_to_onnx`](crate::weights_to_onnx) about the base, and those of [`import_lora`](crate::import_lora) about the
/// adapter; `target` is then as it was.
pub fn merge_lora(
    base: &Path,
    adapter: &Path,
    target: &Path,
    element: Option<Element>,
    report: &mut Report<'_>,
) -> Result<WeightsManifest> {
    let folder = WeightsFolder::open(base)?;
    let read = |name: &str| {
        let path = adapter.join(name);
        fs::read(&path).map_err(ExportError::io("read", &path))
    };
    let (config, tensors) = (read(CONFIG_FILE)?, read(TENSORS_FILE)?);
    let parsed = PeftAdapter::parse(adapter, &config, &tensors)?;
    let changes = changes(adapter, &parsed, &folder)?;
    let origin = folder.describe(report)?;

    let staging = Staging::new(target)?;
    let element = element.or_else(|| folder.element()).unwrap_or(Element::F32);
    let extents = folder.tensors().map(|(name, place)| (name.to_owned(), place.shape.clone()));
    let extents = extents.collect::<Vec<_>>();
    let mut file = TensorFile::create(&staging.folder().join(WEIGHTS_FILE), element, &extents)?;
    let all = file.left();
    let total = extents.len() as u64;
    let mut row = Vec::new();
    for (done, (name, place)) in folder.tensors().enumerate() {
        let bytes = (all - file.left()) as u64;
        report(Progress { stage: Stage::Tensors, item: name, done: done as u64, total, bytes });
        let data = folder.rows(place)?;
        let product = changes.get(name).map(|change| change.product());
        row.resize(data.columns(), 0.0);
        for at in 0..data.rows() {
            data.row(at, &mut row);
            if let Some(product) = &product {
                product.add(at, &mut row);
                if row.iter().any(|value| !value.is_finite()) {
                    let detail = format!("it makes numbers of `{name}` infinite");
                    return Err(ExportError::UnsupportedAdapter { path: adapter.to_owned(), detail });
                }
            }
            file.append(name, &row)?;
        }
    }
    report(Progress { stage: Stage::Tensors, item: "", done: total, total, bytes: all as u64 });
    file.finish()?;
    let mut about = folder.config.clone();
    if let serde_json::Value::Object(about) = &mut about {
        about.remove("dtype");
        about.insert("torch_dtype".to_owned(), serde_json::json!(element.name()));
    }
    staging.write_json(weights::CONFIG_FILE, &about)?;
    for name in BESIDE.iter().filter(|name| base.join(name).is_file()) {
        staging.copy(&base.join(name), name)?;
    }
    let merged = describe(adapter, &config, &tensors);
    let manifest = WeightsManifest::describe(staging.folder(), origin, Some(merged), element, report)?;
    staging.write_json(MANIFEST_FILE, &manifest)?;
    staging.commit()?;
    Ok(manifest)
}

/// What changes each tensor of the weights.
fn changes<'a>(
    path: &Path,
    adapter: &'a PeftAdapter<'a>,
    folder: &WeightsFolder,
) -> Result<BTreeMap<String, &'a super::peft::Change<'a>>> {
    let refuse = |detail: String| ExportError::UnsupportedAdapter { path: path.to_owned(), detail };
    let mut changes = BTreeMap::new();
    for change in adapter.changes() {
        let module = &change.module;
        let name = layers::name_in_weights(module)
            .ok_or_else(|| refuse(format!("it changes `{module}`, which is no layer that adapters reach")))?;
        let place = folder.tensors().find(|(known, _)| *known == name).map(|(_, place)| place);
        let place =
            place.ok_or_else(|| refuse(format!("it changes `{module}`, and the model has no `{name}`")))?;
        if place.shape != [change.rows, change.columns] {
            let (rows, columns) = (change.rows, change.columns);
            let detail = format!("`{module}` is {rows} × {columns}, in the model {:?}", place.shape);
            return Err(refuse(detail));
        }
        changes.insert(name, change);
    }
    Ok(changes)
}

/// The adapter, as manifests say it: the SHA-256 is over its configuration and then its tensors.
fn describe(adapter: &Path, config: &[u8], tensors: &[u8]) -> Source {
    let mut digest = Sha256::new();
    digest.update(config);
    digest.update(tensors);
    let absolute = std::path::absolute(adapter).unwrap_or_else(|_| adapter.to_owned());
    let file = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Source { file, bytes: (config.len() + tensors.len()) as u64, sha256: hex(digest) }
}

#[cfg(test)]
mod tests;
