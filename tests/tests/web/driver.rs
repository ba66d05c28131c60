//! Plays a scenario of `tests/web/scenarios` in a real browser. In: its name, a bot's address, and what to do when the scenario asks for
//! something that a page cannot do. Out: a failed test with all that the scenario saw, where something did not hold.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::install;

/// A browser that scenarios share; it ends with the last of them.
pub(crate) struct Browser {
    process: Child,
    program: PathBuf,
    endpoint: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It closes its browser when its standard input ends, and then itself.
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

/// What tests that run at the same time share: made for the first, and gone with the last.
pub(crate) struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    pub(crate) fn get(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(make());
            *shared = Arc::downgrade(&made);
            made
        })
    }
}

/// The browser; `None`, and a word about it, where this machine has none.
pub(crate) fn browser() -> Option<Arc<Browser>> {
    static BROWSER: Shared<Browser> = Shared::new();
    let program = install::chromium()?;
    Some(BROWSER.get(|| {
        let mut node = install::node(&program).unwrap();
        node.arg("browser.mjs").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = node.spawn().unwrap();
        let mut endpoint = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
        assert!(endpoint.starts_with("ws://"), "the browser did not start: {endpoint}");
        Browser { process, program, endpoint: endpoint.trim().to_owned() }
    }))
}

/// Where pictures go: the folder that `LOQUAT_LOOK` names, else one among the tests' leftovers.
fn look() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("web-pictures");
    std::env::var_os("LOQUAT_LOOK").map_or(kept, PathBuf::from)
}

/// Plays a scenario on a bot at this address; `does` gets what the scenario asks for, and what it gives back is told to the scenario.
pub(crate) fn play(
    browser: &Browser,
    scenario: &str,
    url: &str,
    settings: &[(&str, &str)],
    mut does: impl FnMut(&str) -> String,
) {
    let mut node = install::node(&browser.program).unwrap();
    node.args(["run.mjs", scenario, url])
        .env("LOQUAT_WEB_BROWSER", &browser.endpoint)
        .env("LOQUAT_LOOK", look());
    node.args(settings.iter().map(|(key, value)| format!("{key}={value}")));
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = node.spawn().unwrap();
    let mut stderr = process.stderr.take().unwrap();
    let complaints = std::thread::spawn(move || {
        let mut said = String::new();
        let _whole = stderr.read_to_string(&mut said);
        said
    });
    let mut stdin = process.stdin.take().unwrap();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        match line.strip_prefix('!') {
            // A scenario that is gone fails by its exit code.
            Some(deed) => _ = writeln!(stdin, "{}", does(deed)),
            None => println!("{scenario}: {line}"),
        }
    }
    let ended = process.wait().unwrap();
    let complaints = complaints.join().unwrap();
    assert!(ended.success(), "scenario {scenario} ended with {ended}:\n{complaints}");
}

/// What a scenario is told that asks for something in a test where nobody does anything.
pub(crate) fn nothing(deed: &str) -> String {
    panic!("nobody is there to do {deed}")
}
