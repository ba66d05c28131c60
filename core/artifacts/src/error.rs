//! What can go wrong, and what to do then. In: causes from the file system, client programs and archives. Out: one enum
//! whose text a person can act on. It must not hold a credential: client output is redacted before it gets here.

use std::{error::Error, fmt, io, path::PathBuf};

/// Why an artefact is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is nowhere to keep a cache.
    #[error("there is no home folder to keep a cache in; set XDG_CACHE_HOME to a folder that may be written")]
    NoHome,
    /// The package has no build for this platform.
    #[error(
        "{name} has no prebuilt package for {os} on {arch}; build it from source and name the file in the configuration"
    )]
    UnsupportedPlatform {
        /// What has none.
        name: String,
        /// Operating system.
        os: String,
        /// Processor architecture.
        arch: String,
    },
    /// `python3`, pip or npm is not installed.
    #[error("{artifact} is missing, and so is `{program}`, which fetches it.\n{offline}")]
    MissingProgram {
        /// What was to be fetched.
        artifact: String,
        /// What is not installed.
        program: String,
        /// How to get the artefact without it.
        offline: Box<Offline>,
        /// What the system said.
        source: Option<io::Error>,
    },
    /// The client ran and failed: no network, no such version, disk full.
    #[error(
        "{artifact} is missing and could not be fetched: `{program}` ended with {status}.\n{said}\n{offline}"
    )]
    ClientFailed {
        /// What was to be fetched.
        artifact: String,
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The last lines it wrote to standard error, redacted.
        said: String,
        /// How to get the artefact elsewhere.
        offline: Box<Offline>,
    },
    /// The client reported success, but the file it was asked for is not there.
    #[error("`{program}` delivered no file named {expected} (it delivered: {found}).\n{offline}")]
    NotDelivered {
        /// The program.
        program: String,
        /// The file's pinned name.
        expected: String,
        /// What lay there instead.
        found: String,
        /// How to get the artefact elsewhere.
        offline: Box<Offline>,
    },
    /// The hub did not deliver.
    #[error("{artifact} is missing and could not be fetched from the hub: {reason}.\n{offline}")]
    Hub {
        /// What was to be fetched.
        artifact: String,
        /// What the hub or its client said, redacted.
        reason: String,
        /// How to get the artefact elsewhere.
        offline: Box<Offline>,
    },
    /// The bytes are not the pinned ones. They were not used, and what was fetched has been removed.
    #[error(
        "{path} is not the pinned file: {found_bytes} bytes with SHA-256 {found}, expected {expected_bytes} bytes with \
         {expected}. {}",
        if found_bytes < expected_bytes { "The download was cut short; run it again" } else { "The source changed, or was changed; do not use it" }
    )]
    Mismatch {
        /// Which file, or which member of which archive.
        path: String,
        /// The pinned SHA-256.
        expected: String,
        /// The pinned length.
        expected_bytes: u64,
        /// The SHA-256 that was computed ("not computed" where the length already differs).
        found: String,
        /// The length found.
        found_bytes: u64,
    },
    /// The archive cannot be read, though its hash fits or it has none.
    #[error("{path} cannot be unpacked ({reason}); remove it and run again", path = path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// The cause.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The file system refused: disk full, not writable.
    #[error("cannot {action} {path}: {source}{hint}", path = path.display(), hint = hint(source))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl FetchError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Whether it is the client program that is missing, so that a caller can go on without an optional artefact.
    pub fn is_missing_program(&self) -> bool {
        matches!(self, Self::MissingProgram { .. })
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or set XDG_CACHE_HOME to a folder on a larger disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; set XDG_CACHE_HOME to a folder that may be written"
        }
        _ => "",
    }
}

/// How to get an artefact where the network is, and where to put it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offline {
    /// The command to run elsewhere.
    pub command: String,
    /// The path, with file name, where the outcome belongs.
    pub place: PathBuf,
    /// How a person can point at a copy of their own.
    pub own_copy: Option<String>,
}

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "To get it, run this where there is a network:")?;
        writeln!(f, "    {}", self.command)?;
        writeln!(f, "and put the outcome here:")?;
        writeln!(f, "    {}", self.place.display())?;
        let own =
            self.own_copy.as_deref().unwrap_or("name the path of a copy of your own in the configuration");
        write!(f, "Then start again. Or {own}.")
    }
}
