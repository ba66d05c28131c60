//! What can go wrong with a model.

use std::io;
use std::path::PathBuf;

use crate::backend::{BackendError, LayoutError};

/// What can go wrong with a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A batch does not fit.
    #[error(transparent)]
    Batch(#[from] LayoutError),
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written; what was there before is still there.
    #[error("{path} cannot be written; what was there before is still there{}", if .source.kind() == io::ErrorKind::StorageFull { ": make room on the disk" } else { "" })]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {what}")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong, and what can be done.
        what: String,
    },
    /// A decoder of another family.
    #[error("{path} is of the architecture `{architecture}`, which cannot be trained; known are {}", crate::model::config::ARCHITECTURES.join(", "))]
    Architecture {
        /// Its `config.json`.
        path: PathBuf,
        /// What it says.
        architecture: String,
    },
    /// Options that no model can have.
    #[error("{0}")]
    Options(String),
}

impl ModelError {
    pub(super) fn content(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Content { path: path.into(), what: what.into() }
    }
}
