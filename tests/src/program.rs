//! The real program, as somebody uses it. In: arguments, files, an environment. Out: what it printed and how it ended. Each user has a
//! home of their own; the models come from this machine's cache, so that nothing is fetched twice.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, ensure};
use loquat::parts;
use loquat::progress::Screen;
use serde_json::Value;
use tempfile::TempDir;

use crate::config;

/// The program, built as these tests were.
///
/// # Errors
/// When it does not build.
pub fn binary() -> anyhow::Result<&'static Path> {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    once(&BINARY, build)
}

fn build() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // …/target/PROFILE/deps/NAME
    let profile = own.ancestors().nth(2).and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("debug");
    let profile = if profile == "debug" { "dev" } else { profile };
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo says of this package to its tests would look like a change to build scripts that read it.
    for (name, _) in std::env::vars_os() {
        let known = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| known.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    let built = cargo
        .args(["build", "--package", "loquat", "--bin", "loquat", "--profile", profile])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(crate::root())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(built.status.success(), "`cargo build -p loquat` ended with {}", built.status);
    let messages = String::from_utf8(built.stdout)?;
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.context("cargo names no executable")
}

/// This machine's cache folder, as `XDG_CACHE_HOME` wants it, with the runtime and the models in it.
///
/// # Errors
/// When something is missing there and cannot be fetched.
pub fn cache() -> anyhow::Result<&'static Path> {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    once(&CACHE, || {
        let loaded = config("world", Path::new("."))?;
        let (cache, screen) = (parts::cache(&loaded.config)?, Screen::default());
        parts::runtime(&loaded.config, &cache, &screen)?;
        for source in parts::sources(&loaded.config)? {
            parts::folder_of(&source, &cache, &screen)?;
        }
        Ok(cache.root().parent().context("the cache has no parent")?.to_owned())
    })
}

/// The value of `cell`, made by one thread at a time; a failure is not kept.
fn once(
    cell: &'static OnceLock<PathBuf>,
    make: impl FnOnce() -> anyhow::Result<PathBuf>,
) -> anyhow::Result<&'static Path> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = cell.get() {
        return Ok(path);
    }
    let path = make()?;
    Ok(cell.get_or_init(|| path))
}

/// What a run of the program came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Somebody with a home folder of their own, which goes away with them.
#[derive(Debug)]
pub struct User {
    home: TempDir,
    cache: PathBuf,
    variables: Vec<(String, String)>,
}

impl User {
    /// Somebody on this machine, with its cache.
    ///
    /// # Errors
    /// When the cache cannot be filled or the home cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let cache = cache()?.to_owned();
        Ok(Self { cache, ..Self::on_a_fresh_machine()? })
    }

    /// Somebody with an empty cache of their own.
    ///
    /// # Errors
    /// When the home cannot be made.
    pub fn on_a_fresh_machine() -> anyhow::Result<Self> {
        let home = TempDir::with_prefix("loquat-home-")?;
        Ok(Self { cache: home.path().join("cache"), home, variables: Vec::new() })
    }

    /// Sets an environment variable for every later run.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.to_owned(), value.as_ref().to_string_lossy().into_owned()));
        self
    }

    /// A path below the home folder.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.home.path().join(below)
    }

    /// The program's own folder in the cache.
    pub fn cache(&self) -> PathBuf {
        self.cache.join("loquat")
    }

    /// Writes a file below the home folder, and the folders on the way to it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, below: impl AsRef<Path>, text: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.path(below);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Puts a shell script of this name before all other programs of that name, for every later run.
    ///
    /// # Errors
    /// When it cannot be written.
    #[cfg(unix)]
    pub fn with_program(self, name: &str, script: &str) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(Path::new("bin").join(name), format!("#!/bin/sh\n{script}"))?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755))?;
        let search = std::env::var_os("PATH").unwrap_or_default();
        let search = std::iter::once(self.path("bin")).chain(std::env::split_paths(&search));
        let search = std::env::join_paths(search)?;
        Ok(self.with("PATH", search))
    }

    /// `program` with this user's environment, in their home folder. Nothing of the tests' own settings of the bot is left in it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let known = name.to_string_lossy();
            if ["LOQUAT_", "HF_", "XDG_"].iter().any(|prefix| known.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.env("HOME", self.home.path()).env("XDG_CACHE_HOME", &self.cache);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.home.path());
        command
    }

    /// Runs the program with these arguments.
    ///
    /// # Errors
    /// When it cannot be built or started, or prints what is no UTF-8.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Ran> {
        let mut command = self.command(binary()?);
        command.args(arguments);
        finish(command, "")
    }

    /// Runs the program with these arguments and this on its standard input.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn pipe<A: AsRef<OsStr>>(
        &self,
        input: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Ran> {
        let mut command = self.command(binary()?);
        command.args(arguments);
        finish(command, input)
    }

    /// Asks one question and gives the reply as the program's JSON.
    ///
    /// # Errors
    /// When the program fails or prints no JSON.
    pub fn ask(&self, question: &str) -> anyhow::Result<Value> {
        let ran = self.run(["ask", "--json", question])?;
        ensure!(ran.code == Some(0), "{ran:?}");
        serde_json::from_str(&ran.out).with_context(|| ran.out)
    }
}

/// Runs a command to its end, with this on its standard input.
///
/// # Errors
/// When it cannot be started, or prints what is no UTF-8.
pub fn finish(mut command: Command, input: &str) -> anyhow::Result<Ran> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without having read everything is no failure of the test's.
        let _ignored = stdin.write_all(input.as_bytes());
    }
    let ended = child.wait_with_output()?;
    Ok(Ran {
        code: ended.status.code(),
        out: String::from_utf8(ended.stdout)?,
        err: String::from_utf8(ended.stderr)?,
    })
}
