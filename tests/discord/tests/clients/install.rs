//! How the clients' bots are started. In: the lists of their versions. Out: commands.

use std::path::{Path, PathBuf};
use std::process::Command;

use loquat_packages::{Listed, Packages};

/// The oldest Node that discord.js takes.
const OLDEST_NODE: u32 = 18;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn packages() -> Packages {
    Packages::new(env!("CARGO_TARGET_TMPDIR"), "discord-clients")
}

/// How discord.py's bot is started.
pub(crate) fn discord_py() -> anyhow::Result<Command> {
    let mut command = Command::new("python3");
    let path = packages().python(&sources().join("requirements.txt"), Listed::All)?;
    command.arg(sources().join("discordpy.py")).env("PYTHONPATH", path);
    Ok(command)
}

/// How discord.js's bot is started.
pub(crate) fn discord_js() -> anyhow::Result<Command> {
    packages().node(&sources(), OLDEST_NODE)?.script(&sources().join("discordjs.mjs"))
}
