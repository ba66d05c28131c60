//! How the clients are run. In: the lists of their versions. Out: commands.

use std::path::{Path, PathBuf};

use loquat_packages::{Listed, Packages};
use tokio::process::Command;

/// The oldest Node that npm's `openai` takes.
const OLDEST_NODE: u32 = 22;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn packages() -> Packages {
    Packages::new(env!("CARGO_TARGET_TMPDIR"), "openai-clients")
}

/// Python with the clients at hand, and nothing that they would look for elsewhere.
fn with_python() -> anyhow::Result<Command> {
    let path = packages().python(&sources().join("requirements.txt"), Listed::All)?;
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", path).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    Ok(command)
}

/// How a script for Python is run.
pub(crate) fn python(script: &str) -> anyhow::Result<Command> {
    let mut command = with_python()?;
    command.arg(sources().join(script));
    Ok(command)
}

/// How `llm` is run.
pub(crate) fn llm() -> anyhow::Result<Command> {
    let mut command = with_python()?;
    command.args(["-m", "llm"]);
    Ok(command)
}

/// How the script for Node is run.
pub(crate) fn javascript() -> anyhow::Result<Command> {
    let node = packages().node(&sources(), OLDEST_NODE)?;
    Ok(node.script(&sources().join("openai_javascript.mjs"))?.into())
}
