//! Why the graph could not be opened, read or changed. In: failures of the store and of files. Out: what to do next.

use std::io;
use std::path::{Path, PathBuf};

use loquat_mapped::MappedError;

/// A failure of the graph. A bad line in a file is none: it is listed in the [`ImportReport`](crate::ImportReport).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Another process has the store open.
    #[error(
        "the graph in {} is in use by {holder}; stop it first, or give this one another folder",
        path.display()
    )]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// Who holds it, as far as known.
        holder: String,
    },
    /// The store was written by another version.
    #[error(
        "the graph in {} has the format {found:?} and this version reads {expected:?}; move the folder away and \
         import the source files again",
        path.display()
    )]
    UnknownFormat {
        /// The store's folder.
        path: PathBuf,
        /// What its `format` file says.
        found: String,
        /// What this version writes.
        expected: &'static str,
    },
    /// The folder holds something else.
    #[error(
        "{} holds {found:?} and is not a graph; name an empty or new folder for the graph",
        path.display()
    )]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// An entry of it that no graph has.
        found: String,
    },
    /// There is no room left.
    #[error(
        "the disk is full at {}; the graph is as it was before; free some space, start again \
         and import again",
        path.display()
    )]
    DiskFull {
        /// The store's folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The store could not be read or written.
    #[error(
        "the graph in {} could not be read or written ({source}); check the rights of the folder, and if it stays so, \
         move it away and import the source files again",
        path.display()
    )]
    Store {
        /// The store's folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A record of the store does not decode.
    #[error(
        "the graph in {} has a damaged record ({source}); move the folder away and import the source files again",
        path.display()
    )]
    Damaged {
        /// The store's folder.
        path: PathBuf,
        /// What the decoder says.
        #[source]
        source: postcard::Error,
    },
    /// A file to import could not be read.
    #[error("{} could not be read ({source}); nothing of it was imported", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The name of a file to import does not say what is in it.
    #[error(
        "the format of {} is not known from its name; rename it to end in .ttl, .nt, .nq, .trig, .rdf, .jsonld, .json \
         (Wikidata's dump), .tsv or .csv (each may be followed by .gz, .bz2 or .zst), or state the format",
        path.display()
    )]
    UnknownFileType {
        /// The file.
        path: PathBuf,
    },
    /// A snapshot that was just written cannot be read.
    #[error("{0}; check the disk, and start again: the snapshot is made anew from the store")]
    Snapshot(#[source] MappedError),
    /// A statement to add or remove that no graph can hold.
    #[error("{0}; correct the statement, nothing was changed")]
    BadStatement(&'static str),
    /// There is more than the snapshot can number.
    #[error("the graph has more than {0}; split it over several graphs, or use a SPARQL endpoint")]
    TooLarge(&'static str),
    /// The graph was closed while its snapshot was made.
    #[error("the graph was closed before its snapshot was made; it is made at the next start")]
    Closed,
    /// A file to import is packed, or encoded, in a way that is not read.
    #[error(
        "{} is {packing}; unpack or convert it to UTF-8 text first, and pack it with gzip, bzip2 or zstd if it has to \
         be packed",
        path.display()
    )]
    UnknownPacking {
        /// The file.
        path: PathBuf,
        /// What it is.
        packing: &'static str,
    },
    /// A file to import unpacks to far more than its size.
    #[error(
        "{} unpacks to more than {ratio} times its size, which text seldom does, so reading was stopped and nothing of \
         it was imported; if it is meant to be so, import it again with a larger limit (`--unpack-ratio`, or \
         `ImportOptions::unpack_ratio`)",
        path.display()
    )]
    UnpacksTooMuch {
        /// The file.
        path: PathBuf,
        /// The limit.
        ratio: u64,
    },
    /// The caller stopped an import.
    #[error(
        "the import of {} was stopped; nothing of it is used yet; import it again: N-Triples, N-Quads, tables and \
         Wikidata's dump go on from where they were, other formats begin again",
        path.display()
    )]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// A mapping of columns is wrong.
    #[error("the mapping {} is not understood: {problem}", path.display())]
    Mapping {
        /// The mapping's file.
        path: PathBuf,
        /// What is wrong, and what is near it.
        problem: String,
    },
    /// A mapping names a column that the file has not, or is used with a file that is no table.
    #[error("{} does not fit its mapping: {problem}", path.display())]
    MappingMisfit {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is near it.
        problem: String,
    },
    /// Bad lines could not be put aside.
    #[error(
        "the bad lines of an import could not be written to {} ({source}); free some space or correct its rights, or name \
         another place, and import again",
        path.display()
    )]
    Quarantine {
        /// Where they should have gone.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The index of names could not be built.
    #[error("the index of names could not be built ({0}); please report this")]
    Index(#[from] fst::Error),
}

impl GraphError {
    /// An error of the store's files, told apart by kind.
    pub(crate) fn store(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::DiskFull { path, source }
            }
            _ => Self::Store { path, source },
        }
    }
}

impl From<MappedError> for GraphError {
    fn from(error: MappedError) -> Self {
        match error {
            MappedError::Io { path, source } => Self::store(&path, source),
            error => Self::Snapshot(error),
        }
    }
}
