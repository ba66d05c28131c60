//! Reads fixtures, and compares with them.

use std::path::PathBuf;

use loquat_finetune::Row;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(crate) fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(folder().join(name)).unwrap()).unwrap()
}

/// A row as `make.py` writes it.
#[derive(Clone, Deserialize)]
pub(crate) struct Written {
    tokens: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f32>,
    prefix: usize,
    documents: Vec<usize>,
}

impl From<Written> for Row {
    fn from(row: Written) -> Self {
        let Written { tokens, targets, weights, prefix, documents } = row;
        Self { tokens, targets, weights, prefix, documents, ..Self::default() }
    }
}

/// A file of tensors.
pub(crate) struct Tensors(Vec<u8>);

impl Tensors {
    pub(crate) fn read(path: &std::path::Path) -> Self {
        Self(std::fs::read(path).unwrap())
    }

    pub(crate) fn of(name: &str) -> Self {
        Self::read(&folder().join(format!("{name}.safetensors")))
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.file().names().into_iter().map(str::to_owned).collect()
    }

    fn words(&self, name: &str, dtype: Dtype) -> Vec<[u8; 4]> {
        let file = self.file();
        let tensor = file.tensor(name).unwrap();
        assert_eq!(tensor.dtype(), dtype, "{name}");
        tensor.data().chunks_exact(4).map(|word| word.try_into().unwrap()).collect()
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<f32> {
        self.words(name, Dtype::F32).into_iter().map(f32::from_le_bytes).collect()
    }

    pub(crate) fn integers(&self, name: &str) -> Vec<u32> {
        let whole = self.words(name, Dtype::I32).into_iter().map(i32::from_le_bytes);
        whole.map(|number| u32::try_from(number).unwrap()).collect()
    }
}

/// The same numbers, where differences are measured by the largest of what is wanted.
#[track_caller]
pub(crate) fn near(what: &str, got: &[f32], wanted: &[f32], tolerance: f32) {
    assert_eq!(got.len(), wanted.len(), "{what}: how many there are");
    let size = wanted.iter().fold(0.0f32, |size, wanted| size.max(wanted.abs()));
    assert!(size > 0.0, "{what}: the fixture is all zeros");
    for (index, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        // Not a number is not near anything.
        let close = (got - wanted).abs() <= tolerance * size;
        assert!(close, "{what}: {got} at {index} instead of {wanted}, of at most {size}");
    }
}
