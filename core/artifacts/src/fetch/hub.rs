//! A model folder from a hub. In: a [`Source::Hub`] job. Out: the chosen files; those that the hub stores as large files
//! are checked against the SHA-256 it announces. The client crate knows the hub's address; this code does not.

mod choose;

pub(crate) use choose::files as choose;

use std::{fs, path::Path};

use hf_hub::{
    Cache as HubCache, Repo, RepoType,
    api::{
        Progress as HubProgress, RepoInfo,
        sync::{ApiBuilder, ApiError, ApiRepo},
    },
};
use secrecy::ExposeSecret as _;

use super::{Files, Job, contained};
use crate::{Activity, FetchError, Pin, Source, digest, progress::Reporter, redact};

const RETRIES: usize = 3;

pub(super) fn fetch(job: &Job<'_>) -> Result<Files, FetchError> {
    let Source::Hub { repo, revision, files } = &job.artifact.source else { return Ok(Files::new()) };
    let hub = open(job, repo, revision)?;
    let info = hub.info().map_err(|error| failed(job, &error))?;
    let listed: Vec<String> = info.siblings.iter().map(|file| file.rfilename.clone()).collect();
    let wanted = choose(&listed, files).map_err(|reason| refused(job, reason))?;
    let pinned = at_commit(job, repo, &info)?;
    wanted.iter().map(|name| take(job, &pinned, name)).collect()
}

/// The repository at the commit that was listed, so that a push meanwhile cannot mix two versions.
fn at_commit(job: &Job<'_>, repo: &str, info: &RepoInfo) -> Result<ApiRepo, FetchError> {
    open(job, repo, &info.sha)
}

fn open(job: &Job<'_>, repo: &str, revision: &str) -> Result<ApiRepo, FetchError> {
    let access = &job.cache.clients.hub;
    // Its cache is the job's folder for downloads: nothing is taken from, or left in, the hub client's own cache.
    let mut builder = ApiBuilder::from_cache(HubCache::new(job.downloads.join("hub")))
        .with_progress(false)
        .with_retries(RETRIES)
        .with_token(access.token.as_ref().map(|token| token.expose_secret().to_owned()));
    if let Some(endpoint) = &access.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    let api = builder.build().map_err(|error| failed(job, &error))?;
    Ok(api.repo(Repo::with_revision(repo.into(), RepoType::Model, revision.into())))
}

fn take(job: &Job<'_>, hub: &ApiRepo, name: &str) -> Result<(std::path::PathBuf, String), FetchError> {
    let relative = contained(Path::new(name))
        .ok_or_else(|| refused(job, format!("{name} leads out of the repository")))?;
    let watcher = Watcher { reporter: job.reporter, done: 0, total: 0 };
    let pointer = hub.download_with_progress(name, watcher).map_err(|error| failed(job, &error))?;
    let blob = pointer.canonicalize().map_err(FetchError::io("read", &pointer))?;
    let mut from = fs::File::open(&blob).map_err(FetchError::io("open", &blob))?;
    let total = from.metadata().map_err(FetchError::io("read", &blob))?.len();
    let (sha256, bytes) = job.write(&relative, &mut from, 0, total)?;
    // The client names a blob by its entity tag: of a large file that is its SHA-256, of a small one git's SHA-1.
    let tag = blob.file_name().map(|tag| tag.to_string_lossy().into_owned()).unwrap_or_default();
    let announced = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    if announced && tag != sha256 {
        let pin = Pin { file: name.into(), sha256: tag, bytes };
        return Err(digest::mismatch(format!("{name} from the hub"), &pin, sha256, bytes));
    }
    // Two copies of a large model would need twice the disk.
    fs::remove_file(&blob).map_err(FetchError::io("remove", &blob))?;
    Ok((relative, sha256))
}

fn failed(job: &Job<'_>, error: &ApiError) -> FetchError {
    refused(job, error.to_string())
}

fn refused(job: &Job<'_>, reason: String) -> FetchError {
    let mut reason = redact::urls(&reason);
    if let Some(token) = &job.cache.clients.hub.token {
        reason = reason.replace(token.expose_secret(), "[redacted]");
    }
    FetchError::Hub { artifact: job.artifact.name.clone(), reason, offline: job.offline() }
}

struct Watcher<'a> {
    reporter: Reporter<'a>,
    done: u64,
    total: u64,
}

impl HubProgress for Watcher<'_> {
    fn init(&mut self, size: usize, _filename: &str) {
        self.total = size as u64;
        self.reporter.step(Activity::Downloading, 0, Some(self.total));
    }

    fn update(&mut self, size: usize) {
        let before = self.done;
        self.done += size as u64;
        if before >> 20 != self.done >> 20 {
            self.reporter.step(Activity::Downloading, self.done, Some(self.total));
        }
    }

    fn finish(&mut self) {
        self.reporter.step(Activity::Downloading, self.total, Some(self.total));
    }
}
