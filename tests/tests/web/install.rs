//! What the scenarios need beside the program: their packages, fetched once, a Node that runs them, and the browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use loquat_packages::Packages;
use loquat_tests::root;

/// The oldest Node that playwright-core takes.
const OLDEST_NODE: u32 = 20;

/// Where the scripts are.
pub(crate) fn scripts() -> PathBuf {
    root().join("tests/web")
}

/// Where a browser is on this machine; `None`, and a word about it, where there is none. Continuous integration has to have one.
pub(crate) fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let runs = |program: &PathBuf| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = named.into_iter().chain(usual).find(runs);
    if found.is_none() {
        let how =
            "no browser is installed; apt-get update && apt-get install -y chromium, or name one in CHROMIUM";
        assert!(std::env::var_os("CI").is_none(), "{how}");
        println!("SKIPPED: {how}");
    }
    // Playwright wants a path.
    let search = std::env::var_os("PATH").unwrap_or_default();
    let mut whole = std::env::split_paths(&search).map(|folder| Some(folder.join(found.as_ref()?)));
    whole.find_map(|path| path.filter(|path| path.is_file())).or(found)
}

/// Node, told where the packages and the browser are.
pub(crate) fn node(chromium: &Path) -> anyhow::Result<Command> {
    let node = Packages::new(env!("CARGO_TARGET_TMPDIR"), "web-driver").node(&scripts(), OLDEST_NODE)?;
    let mut command = node.command();
    command.env("LOQUAT_WEB_MODULES", node.packages).env("CHROMIUM", chromium).current_dir(scripts());
    Ok(command)
}
