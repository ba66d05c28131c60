//! An adapter into the weights that it changes. In: a weights folder, and an adapter as PEFT saves it. Out: a weights folder that computes by
//! itself what the two compute together.

use std::path::Path;

use crate::error::Result;
use crate::folder::WeightsManifest;
use crate::progress::Report;
use crate::weights::{Element, average_adapters};

/// Merges the PEFT adapter in the folder `adapter` into the weights folder `base`: each changed matrix becomes
/// `W + alpha / rank · B · A`. Writes the weights folder `target`, replacing what is there.
///
/// Every tensor of the adapter is used, or the adapter is refused. It is [`average_adapters`] of one.
///
/// # Errors
/// Those of [`weights_to_onnx`](crate::weights_to_onnx) about the base, and those of [`import_lora`](crate::import_lora) about the
/// adapter; `target` is then as it was.
pub fn merge_lora(
    base: &Path,
    adapter: &Path,
    target: &Path,
    element: Element,
    report: &mut Report<'_>,
) -> Result<WeightsManifest> {
    average_adapters(base, &[adapter], target, element, report)
}

#[cfg(test)]
mod tests;
