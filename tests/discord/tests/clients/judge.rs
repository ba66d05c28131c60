//! A client in a process of its own: what it says it saw, one line of JSON a step.

use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use loquat_fake_discord::{Discord, Options};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use tokio::sync::watch;

/// How long a client may take for a step.
const PATIENCE: Duration = Duration::from_secs(240);

/// A client and the server that it is tried out on.
pub(crate) struct Judge {
    pub(crate) discord: Discord,
    process: Child,
    input: Option<ChildStdin>,
    seen: Arc<Mutex<Vec<Value>>>,
    count: watch::Receiver<usize>,
    errors: Arc<Mutex<String>>,
    read: usize,
    complaining: Option<JoinHandle<()>>,
    has_ended: bool,
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // What it said last may still be on its way.
        if let Some(thread) = self.complaining.take() {
            let _ = thread.join();
        }
        if !self.has_ended {
            println!("{}", self.told());
        }
    }
}

impl Judge {
    /// Starts a server with this and the client.
    pub(crate) async fn start(
        mut client: Command,
        options: Options,
        prepare: impl FnOnce(&Discord) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let discord = Discord::start(options).await?;
        prepare(&discord)?;
        client.env("FAKE_URL", discord.url()).env("FAKE_TOKEN", discord.token());
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = client.spawn()?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("no output")?;
        let mut complaints = process.stderr.take().context("no errors")?;
        let (sender, count) = watch::channel(0);
        let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
        let errors: Arc<Mutex<String>> = Arc::default();
        let (kept, said) = (seen.clone(), errors.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(step) => kept.lock().unwrap().push(step),
                    Err(_) => said.lock().unwrap().push_str(&format!("{line}\n")),
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        let said = errors.clone();
        let complaining = Some(std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = complaints.read(&mut chunk) {
                said.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..read]));
            }
        }));
        Ok(Self { discord, process, input, seen, count, errors, read: 0, complaining, has_ended: false })
    }

    /// The next step of this name; those before it are passed over.
    pub(crate) async fn next(&mut self, step: &str) -> anyhow::Result<Value> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let found = {
                let seen = self.seen.lock().unwrap();
                seen.iter().skip(self.read).position(|line| line["step"] == step).map(|at| {
                    self.read += at + 1;
                    seen[self.read - 1].clone()
                })
            };
            if let Some(found) = found {
                if found.get("error").is_some() {
                    bail!("{step} failed: {found:#}");
                }
                return Ok(found);
            }
            if tokio::time::timeout_at(deadline, self.count.changed()).await.is_err() {
                bail!("the client did not come to {step}");
            }
            if self.count.has_changed().is_err()
                && !self.seen.lock().unwrap().iter().skip(self.read).any(|line| line["step"] == step)
            {
                bail!("the client ended before {step}");
            }
        }
    }

    /// Waits until the client gives up, and says what it complained of.
    pub(crate) async fn gives_up(mut self) -> anyhow::Result<String> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.process.try_wait()? {
                // What it said last may still be on its way.
                while self.complaining.as_ref().is_some_and(|thread| !thread.is_finished()) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                if status.success() {
                    bail!("the client ended as if all were well");
                }
                self.has_ended = true;
                return Ok(self.errors.lock().unwrap().clone());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the client did not give up")
    }

    /// Everything that the client printed and asked for: a test that fails shows it.
    fn told(&self) -> String {
        let steps: Vec<_> = self.seen.lock().unwrap().iter().map(Value::to_string).collect();
        let requests = self.discord.requests("*");
        let requests: Vec<_> =
            requests.iter().map(|request| format!("{:?} {}", request.status, request.route)).collect();
        format!(
            "Its steps:\n{}\nIts errors:\n{}\nIts requests:\n{}",
            steps.join("\n"),
            self.errors.lock().unwrap(),
            requests.join("\n")
        )
    }

    /// Ends it in its own way.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            match self.process.try_wait()? {
                Some(status) if status.success() => {
                    self.has_ended = true;
                    return Ok(());
                }
                Some(status) => bail!("the client ended with {status}"),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        bail!("the client did not end")
    }
}
