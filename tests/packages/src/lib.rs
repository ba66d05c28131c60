//! Other people's clients and tools for tests: packages for Python and Node. In: lists of pinned versions, and a folder for leftovers. Out: folders
//! with the packages in them, installed once by `pip` and `npm`, and how to run what needs them. Knows nothing of this project.
//!
//! A machine needs `python3` with `pip`; a Node that is new enough is fetched where there is none.

mod node;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

pub use node::Node;

/// What a list of Python packages has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Everything that is installed.
    All,
    /// What is wanted; what that needs is found by `pip`.
    Wanted,
}

/// Packages of one test.
#[derive(Clone, Debug)]
pub struct Packages {
    folder: PathBuf,
}

impl Packages {
    /// Packages that are kept under this name; `leftovers` is `env!("CARGO_TARGET_TMPDIR")` of the test.
    pub fn new(leftovers: &str, name: &str) -> Self {
        Self { folder: Path::new(leftovers).join(name) }
    }

    /// The packages of a requirements file, as a folder for `PYTHONPATH`.
    ///
    /// # Errors
    /// When they cannot be installed.
    pub fn python(&self, requirements: &Path, listed: Listed) -> anyhow::Result<PathBuf> {
        let of = fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
        self.once("python", &of, |folder| {
            let mut pip = pip(Path::new("python3"));
            pip.args((listed == Listed::All).then_some("--no-deps"));
            run(pip.arg("--target").arg(folder).arg("--requirement").arg(requirements)).map(drop)
        })
    }

    /// An environment with one package and all that it needs, as the folder of its programs.
    ///
    /// # Errors
    /// When it cannot be made or installed.
    pub fn environment(&self, package: &str) -> anyhow::Result<PathBuf> {
        let folder = self.once("environment", package, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            run(pip(&folder.join("bin/python")).arg(package)).map(drop)
        })?;
        Ok(folder.join("bin"))
    }

    /// The packages of the lock file in `sources`, for a Node that is at least this old.
    ///
    /// # Errors
    /// When they, or a Node, cannot be installed.
    pub fn node(&self, sources: &Path, oldest: u32) -> anyhow::Result<Node> {
        Node::with(self, sources, oldest)
    }

    /// A folder with what these words stand for, made where it is not there as a whole.
    fn once(
        &self,
        name: &str,
        of: &str,
        make: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        // Tests that run side by side wait for the one that installs; the lock goes with the file.
        let lock = fs::File::create(self.folder.join(format!("{name}.lock")))?;
        lock.lock()?;
        let folder = self.folder.join(name);
        let mark = folder.join("complete");
        if fs::read_to_string(&mark).is_ok_and(|there| there == of) {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        make(&folder)?;
        fs::write(mark, of)?;
        Ok(folder)
    }
}

fn pip(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]);
    pip
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}; is it installed?"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed:\n{said}{complaint}");
    Ok(said)
}

#[cfg(test)]
mod tests;
