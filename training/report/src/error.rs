//! What can go wrong with a report. Each says what to do next.

use std::path::{Path, PathBuf};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file cannot be read.
    #[error("{path} cannot be read; name the folder of a run")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written; is the disk full, or the folder another's?")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of numbers is not understood.
    #[error("{path}, line {line}: {reason}; remove the line")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture is not one.
    #[error("the picture `{tag}` is no PNG")]
    Picture {
        /// What it was to be called.
        tag: String,
    },
    /// A drawing cannot be made into pixels.
    #[error("an SVG cannot be drawn: {reason}")]
    Draw {
        /// Why.
        reason: String,
    },
}

/// Names the file that could not be written.
pub(crate) fn unwritten(path: &Path) -> impl FnOnce(std::io::Error) -> ReportError {
    move |source| ReportError::Write { path: path.to_owned(), source }
}

/// Names the file that could not be read.
pub(crate) fn unread(path: &Path) -> impl FnOnce(std::io::Error) -> ReportError {
    move |source| ReportError::Read { path: path.to_owned(), source }
}
