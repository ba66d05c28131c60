//! What an adapter changes, tensor by tensor. In: an adapter, and the weights that it is for. Out: sums. Reads no file.

use std::collections::BTreeMap;
use std::path::Path;

use super::WeightsFolder;
use crate::error::{ExportError, Result};
use crate::lora::{Change, PeftAdapter};

/// What PEFT puts before the names of modules.
const PREFIX: &str = "base_model.model.";

/// An adapter's changes by the names of tensors, each counted by a share.
pub(super) struct Changes<'a> {
    by_tensor: BTreeMap<String, &'a Change<'a>>,
    share: f64,
}

impl<'a> Changes<'a> {
    /// Refuses an adapter that changes what the weights do not have.
    pub(super) fn of(
        adapter: &'a PeftAdapter<'_>,
        path: &Path,
        share: f64,
        weights: &WeightsFolder,
    ) -> Result<Self> {
        let refuse = |detail: String| ExportError::UnsupportedAdapter { path: path.to_owned(), detail };
        let mut by_tensor = BTreeMap::new();
        for change in adapter.changes() {
            let module = change.module.strip_prefix(PREFIX).unwrap_or(&change.module);
            let name = format!("{module}.weight");
            let found = weights.tensors().find(|(found, _)| *found == name);
            let Some((_, place)) = found else {
                return Err(refuse(format!("it changes `{module}`, which the weights do not have")));
            };
            if place.shape != [change.rows, change.columns] {
                let (rows, columns) = (change.rows, change.columns);
                return Err(refuse(format!(
                    "it changes `{module}` of shape {:?}, which is {:?} in the weights",
                    [rows, columns],
                    place.shape
                )));
            }
            by_tensor.insert(name, change);
        }
        Ok(Self { by_tensor, share })
    }

    /// Adds `share · (alpha / rank)·B·A` to a tensor, row after row; nothing to one that is not changed.
    pub(super) fn add(&self, tensor: &str, sum: &mut [f64]) {
        let Some(change) = self.by_tensor.get(tensor) else { return };
        // Of shapes `[columns, rank]` and `[rank, rows]`.
        let (down, up) = (change.down(), change.up());
        for (row, into) in sum.chunks_exact_mut(change.columns).enumerate() {
            let of_row: Vec<f64> =
                (0..change.rank).map(|at| self.share * f64::from(up[at * change.rows + row])).collect();
            for (value, of_column) in into.iter_mut().zip(down.chunks_exact(change.rank)) {
                *value += of_row.iter().zip(of_column).map(|(b, a)| b * f64::from(*a)).sum::<f64>();
            }
        }
    }
}
