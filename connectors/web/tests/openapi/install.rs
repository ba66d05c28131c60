//! Puts schemathesis into an environment of its own in the folder for tests' leftovers, once.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// What is installed.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// How it is started.
pub(crate) fn schemathesis() -> anyhow::Result<Command> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    fs::create_dir_all(&all)?;
    // Tests that run side by side wait for the one that installs; the lock goes with the file.
    let lock = fs::File::create(all.join("lock"))?;
    lock.lock()?;
    let (environment, mark) = (all.join("environment"), all.join("complete"));
    if !fs::read_to_string(&mark).is_ok_and(|there| there == SCHEMATHESIS) {
        if environment.exists() {
            fs::remove_dir_all(&environment)?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", SCHEMATHESIS];
        run(Command::new(environment.join("bin/python")).args(pip))?;
        fs::write(mark, SCHEMATHESIS)?;
    }
    Ok(Command::new(environment.join("bin/schemathesis")))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}; is it installed?"))?;
    ensure!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
