//! Libraries that know nothing of this project find the signatures right: the receivers of docs/webhooks.md run as they stand there, on the
//! `standardwebhooks` packages for Python and Node.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    Accepted, BoxFuture, CancellationToken, ConversationId, Entry, Inbound, Journal, JournalError, Part,
    Prepared, Sender, Settlement, Step, testing,
};
use loquat_journal::EmbeddedJournal;
use loquat_packages::{Listed, Packages};
use loquat_webhook::{Config, EventType, Signal, Signals, Webhooks};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

/// The oldest Node that the receiver of the documentation runs on.
const OLDEST_NODE: u32 = 20;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_dGhlIHNlY3JldCBvZiBzb21lYm9keSBlbHNl";

#[tokio::test]
async fn python_finds_them_right() {
    let packages = packages().python(&here("tests/libraries/requirements.txt"), Listed::Wanted).unwrap();
    let mut command = Command::new("python3");
    command.arg(here("examples/receive.py")).env("PYTHONPATH", packages);
    judged(command).await;
}

#[tokio::test]
async fn node_finds_them_right() {
    let node = packages().node(&here("tests/libraries"), OLDEST_NODE).unwrap();
    judged(node.script(&here("examples/receive.mjs")).unwrap()).await;
}

#[test]
fn the_documentation_shows_what_runs_here() {
    let documented = std::fs::read_to_string(here("../../docs/webhooks.md")).unwrap();
    for example in ["receive.py", "receive.mjs"] {
        let example = std::fs::read_to_string(here("examples").join(example)).unwrap();
        assert!(documented.contains(example.trim_end()), "{example}");
    }
}

/// What is sent is taken by a receiver that has the secret, also as the earlier one, and refused by one that has another.
async fn judged(command: Command) {
    for (receivers, ours, earlier) in
        [(SECRET, SECRET, None), (SECRET, OTHER, Some(SECRET)), (SECRET, OTHER, None)]
    {
        let (mut receiver, port) = Receiver::start(&command, receivers).await;
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(&folder.path().join("journal")).unwrap();
        let config = Config {
            name: None,
            url: format!("http://127.0.0.1:{port}/"),
            secret: ours.into(),
            previous_secret: earlier.map(Into::into),
            events: vec![EventType::Answered],
            text: true,
            timeout_secs: 60,
            give_up_hours: 1,
        };
        let kept: Arc<dyn Journal> = Arc::new(journal.clone());
        let hooks = Webhooks::open(&[config], folder.path(), kept, Arc::new(Nothing)).await.unwrap();
        let running = tokio::spawn(async move { hooks.run(CancellationToken::new()).await });
        answer(&journal, "„Wo?“ 在哪里？").await;
        let said = receiver.next().await;
        if ours == receivers || earlier == Some(receivers) {
            assert_eq!(said, "message.answered p:ann");
        } else {
            assert!(said.starts_with("refused: No matching signature"), "{said}");
        }
        running.abort();
    }
}

async fn answer(journal: &EmbeddedJournal, text: &str) {
    let place = ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
    let inbound = Inbound::message(place, "1", Sender::new("ann"), text);
    let Ok(Accepted::New(sequence)) = journal.accept(&inbound).await else { panic!("it is new") };
    let prepared = Prepared {
        reply: Some(Arc::new(testing::reply(text))),
        parts: vec![Part::default()],
        ..Prepared::default()
    };
    let steps = vec![Step::Prepared(Box::new(prepared)), Step::Settled(Settlement::Delivered)];
    journal.record(sequence, steps).await.unwrap();
}

struct Nothing;

impl Signals for Nothing {
    fn signal<'a>(&'a self, _: &'a Entry) -> BoxFuture<'a, Result<Option<Signal>, JournalError>> {
        Box::pin(async { Ok(None) })
    }
}

struct Receiver {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Receiver {
    async fn start(command: &Command, secret: &str) -> (Self, u16) {
        let mut process = tokio::process::Command::new(command.get_program());
        process.args(command.get_args()).arg("0").kill_on_drop(true).stdout(Stdio::piped());
        process.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let mut process = process.env("LOQUAT_WEBHOOK_SECRET", secret).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut receiver = Self { _process: process, lines };
        let said = receiver.next().await;
        let port = said.strip_prefix("listening ").and_then(|port| port.parse().ok());
        (receiver, port.unwrap_or_else(|| panic!("{said}")))
    }

    async fn next(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(120), self.lines.next_line()).await;
        line.unwrap().unwrap().unwrap()
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn packages() -> Packages {
    Packages::new(env!("CARGO_TARGET_TMPDIR"), "webhook-libraries")
}
