//! Where the graph writer takes tensors from. In: a name as GGUF gives it. Out: extents, a type, rows. GGUF files are such a source,
//! and so are weights folders.

use std::collections::HashSet;
use std::path::Path;

use crate::error::Result;
use crate::gguf::{Gguf, TensorData, TensorKind};

/// The tensors of a model.
pub(crate) trait Source {
    /// What errors name.
    fn path(&self) -> &Path;

    /// How many tensors there are.
    fn count(&self) -> usize;

    /// The name of a tensor as the source has it, for messages.
    fn shown(&self, name: &str) -> String {
        name.to_owned()
    }

    /// The tensor of that name.
    fn find(&self, name: &str) -> Option<Found>;

    /// Reads a tensor; that it is there has been seen.
    fn read(&self, name: &str) -> Result<TensorData>;

    /// A tensor that is not among `read`, as the source names it.
    fn unread(&self, read: &HashSet<String>) -> Option<String>;
}

/// A tensor that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) kind: TensorKind,
}

impl Source for Gguf {
    fn path(&self) -> &Path {
        Gguf::path(self)
    }

    fn count(&self) -> usize {
        self.tensors().len()
    }

    fn find(&self, name: &str) -> Option<Found> {
        let tensor = self.tensor(name)?;
        Some(Found { rows: tensor.rows(), columns: tensor.columns(), kind: tensor.kind })
    }

    fn read(&self, name: &str) -> Result<TensorData> {
        self.required(name).and_then(|tensor| Gguf::read(self, tensor))
    }

    fn unread(&self, read: &HashSet<String>) -> Option<String> {
        self.tensors().iter().find(|tensor| !read.contains(&tensor.name)).map(|tensor| tensor.name.clone())
    }
}
