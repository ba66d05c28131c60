//! Installs the clients once, runs a script with one of them, and reads what it saw.
#![expect(clippy::unwrap_used, reason = "what cannot be started or read fails the test")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use loquat_fake_telegram::Telegram;
use loquat_packages::{Listed, Packages};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long a script may take for one step on a slow machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// The folder with the clients.
fn clients() -> PathBuf {
    let packages = Packages::new(env!("CARGO_TARGET_TMPDIR"), "telegram-clients");
    packages.python(&scripts().join("requirements.txt"), Listed::Wanted).unwrap()
}

/// A running script.
pub(crate) struct Judge {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    complaints: tokio::task::JoinHandle<String>,
}

impl Judge {
    /// Starts a script against a server.
    pub(crate) fn start(script: &str, telegram: &Telegram, more: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .arg(scripts().join(script))
            .arg(telegram.url())
            .arg(telegram.token())
            .args(more)
            .env("PYTHONPATH", clients())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // Only this machine is meant to be reached.
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stderr = child.stderr.take().unwrap();
        let complaints = tokio::spawn(async move {
            let mut all = Vec::new();
            // What was read until it broke is shown all the same.
            let _ = stderr.read_to_end(&mut all).await;
            String::from_utf8_lossy(&all).into_owned()
        });
        Self { child, lines, complaints }
    }

    /// The next thing that the script saw, which has to be this step.
    pub(crate) async fn saw(&mut self, step: &str) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let seen: Option<Value> =
            line.ok().and_then(Result::ok).flatten().and_then(|line| serde_json::from_str(&line).ok());
        match seen {
            Some(seen) if seen["step"] == step => seen,
            other => {
                let _ = self.child.kill().await;
                let why = (&mut self.complaints).await.unwrap();
                panic!("instead of \"{step}\" the client saw {other:?}; it says:\n{why}");
            }
        }
    }

    /// Waits for the script's end; returns what it wrote to stderr.
    pub(crate) async fn end(mut self) -> String {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        if status.is_err() {
            let _ = self.child.kill().await;
        }
        let why = self.complaints.await.unwrap();
        assert!(status.is_ok_and(|status| status.unwrap().success()), "the script did not end well:\n{why}");
        why
    }
}
