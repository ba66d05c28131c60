//! The run's folder. In: a model and where its run stands. Out: checkpoints and published weights on disk, and the last ones back.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::trainee::Trainee;

use super::error::RunError;
use super::folder::{self, Draft};
use super::observe::{Event, Observer};
use super::options::RunOptions;
use super::state::{self, RunState, StateError};

/// The folder of checkpoints, and how they are called.
const CHECKPOINTS: &str = "checkpoints";
const STEP: &str = "step-";
/// The folder of the best weights, and that of a checkpoint's own.
const BEST: &str = "best";
const WEIGHTS: &str = "weights";

/// The checkpoints of a run's folder, the last one at the end.
pub fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let step = |path: &Path| path.file_name()?.to_str()?.strip_prefix(STEP)?.parse::<u64>().ok();
    let entries = fs::read_dir(run.join(CHECKPOINTS)).into_iter().flatten().flatten();
    let mut found: Vec<(u64, PathBuf)> =
        entries.map(|entry| entry.path()).filter_map(|path| Some((step(&path)?, path))).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The folder of a run, which nobody else trains in.
#[derive(Debug)]
pub(super) struct Checkpoints {
    run: PathBuf,
    /// Held as long as the run goes on.
    _lock: File,
}

impl Checkpoints {
    /// Takes the run's folder, and puts in order what a process left there that was killed.
    pub(super) fn open<E: std::error::Error + 'static>(options: &RunOptions) -> Result<Self, RunError<E>> {
        let run = options.folder.clone();
        let failed = |source| RunError::Folder { path: run.clone(), source };
        let all = run.join(CHECKPOINTS);
        fs::create_dir_all(&all).map_err(failed)?;
        let lock = File::create(run.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RunError::Locked { path: run }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        folder::recover(&run.join(BEST)).map_err(failed)?;
        for entry in fs::read_dir(&all).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(target) = name.to_str().and_then(folder::stands_for) {
                folder::recover(&all.join(target)).map_err(failed)?;
            }
        }
        Ok(Self { run, _lock: lock })
    }

    /// Removes what an earlier run left.
    pub(super) fn clear<E: std::error::Error + 'static>(&self) -> Result<(), RunError<E>> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| RunError::Folder { path, source }
        };
        let all = self.run.join(CHECKPOINTS);
        for path in [&all, &self.run.join(BEST)] {
            folder::remove(path).map_err(failed(path))?;
        }
        fs::create_dir_all(&all).map_err(failed(&all))
    }

    /// Gives the model back what the last checkpoint that can be read has.
    pub(super) fn restore<T: Trainee>(
        &self,
        trainee: &mut T,
        new: &RunState,
        observer: &mut dyn Observer,
    ) -> Result<Option<(PathBuf, RunState)>, RunError<T::Error>> {
        let (mut damaged, mut unusable) = (None, Vec::new());
        for path in checkpoints(&self.run).into_iter().rev() {
            let state = match RunState::read(&path) {
                Ok(state) => state,
                Err(source @ StateError::Version { .. }) => {
                    return Err(RunError::Version { path: self.run.clone(), source });
                }
                Err(problem) => {
                    let problem = problem.to_string();
                    observer.tell(&Event::Damaged { folder: &path, problem: &problem });
                    damaged = damaged.or(Some(problem));
                    unusable.push(path);
                    continue;
                }
            };
            if let Some(what) = state.conflict(new) {
                return Err(RunError::OtherRun { path: self.run.clone(), what });
            }
            match trainee.restore(&path) {
                Ok(()) => {
                    // They would count as the last ones, for which those that are kept from here on would be removed.
                    for folder in unusable {
                        folder::set_aside(&folder)
                            .map_err(|source| RunError::Folder { path: folder, source })?;
                    }
                    return Ok(Some((path, state)));
                }
                Err(error) => {
                    let problem = whole(&error);
                    observer.tell(&Event::Damaged { folder: &path, problem: &problem });
                    damaged = damaged.or(Some(problem));
                    unusable.push(path);
                }
            }
        }
        match damaged {
            Some(problem) => Err(RunError::Damaged { path: self.run.join(CHECKPOINTS), problem }),
            None => Ok(None),
        }
    }

    /// Writes a checkpoint, and then removes those that are too many.
    pub(super) fn keep<T: Trainee>(
        &self,
        trainee: &mut T,
        state: &RunState,
        options: &RunOptions,
    ) -> Result<PathBuf, RunError<T::Error>> {
        let target = self.run.join(CHECKPOINTS).join(format!("{STEP}{:08}", state.step));
        let failed = |problem: String| RunError::Save { path: target.clone(), problem, last: self.last() };
        let mut write = || -> Result<(), String> {
            let draft = Draft::new(&target).map_err(told)?;
            trainee.keep(draft.folder()).map_err(|error| whole(&error))?;
            let mut text = serde_json::to_string_pretty(state).map_err(|error| error.to_string())?;
            text.push('\n');
            fs::write(draft.folder().join(state::FILE), text).map_err(told)?;
            if options.publish_checkpoints {
                let weights = draft.folder().join(WEIGHTS);
                fs::create_dir(&weights).map_err(told)?;
                publish(trainee, &weights, options)?;
            }
            draft.commit().map_err(told)
        };
        write().map_err(failed)?;
        let mut kept = checkpoints(&self.run);
        kept.truncate(kept.len().saturating_sub(options.keep.max(1)));
        for old in kept {
            folder::remove(&old).map_err(|source| RunError::Folder { path: old, source })?;
        }
        Ok(target)
    }

    /// Writes the best weights in place of those that are there.
    pub(super) fn publish<T: Trainee>(
        &self,
        trainee: &mut T,
        options: &RunOptions,
    ) -> Result<PathBuf, RunError<T::Error>> {
        let target = self.run.join(BEST);
        let mut write = || -> Result<(), String> {
            let draft = Draft::new(&target).map_err(told)?;
            publish(trainee, draft.folder(), options)?;
            draft.commit().map_err(told)
        };
        write().map_err(|problem| RunError::Save { path: target.clone(), problem, last: self.last() })?;
        Ok(target)
    }

    /// The last checkpoint.
    pub(super) fn last(&self) -> Option<PathBuf> {
        checkpoints(&self.run).pop()
    }

    /// The best weights, where there are some.
    pub(super) fn published(&self) -> Option<PathBuf> {
        Some(self.run.join(BEST)).filter(|best| best.is_dir())
    }
}

fn publish<T: Trainee>(trainee: &mut T, folder: &Path, options: &RunOptions) -> Result<(), String> {
    for (name, text) in &options.notes {
        fs::write(folder.join(name), text).map_err(told)?;
    }
    for file in &options.companions {
        let name = file.file_name().unwrap_or_default();
        fs::copy(file, folder.join(name)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    trainee.publish(folder).map_err(|error| whole(&error))
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

fn told(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => format!("{error}; make room on the disk"),
        _ => error.to_string(),
    }
}
