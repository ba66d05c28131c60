//! Hooks over a real journal and a real server: what is told, to whom, in what order, and what a crash, a refusal and an erasure change.

mod erasing;
mod failing;
mod receiver;
mod telling;

use std::path::Path;
use std::sync::Arc;

use loquat_contract::{
    BoxFuture, CancellationToken, ConversationId, Document, Entry, Event, Inbound, Journal, JournalError,
    MessageId, Part, PartState, Prepared, Sender, Sequence, Settlement, Step, testing,
};
use loquat_journal::EmbeddedJournal;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{Config, EventType, Signal, Signals, Webhooks};
use receiver::Receiver;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EARLIER: &str = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWNyZXQ=";

/// A reaction 👎 is feedback about entry 1, and `/human` asks for a person.
struct Told;

impl Signals for Told {
    fn signal<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Option<Signal>, JournalError>> {
        let signal = match &entry.inbound.event {
            Event::Reaction { .. } => Some(Signal::Feedback {
                reply: Sequence(1),
                verdict: Some("bad".into()),
                text: Some("out of date".into()),
            }),
            Event::Command { name, .. } if name == "human" => Some(Signal::Human),
            _ => None,
        };
        Box::pin(async { Ok(signal) })
    }
}

fn config(url: &str, events: &[EventType]) -> Config {
    Config {
        name: Some("crm".into()),
        url: url.into(),
        secret: SECRET.into(),
        previous_secret: Some(EARLIER.into()),
        events: events.to_vec(),
        text: true,
        timeout_secs: 5,
        give_up_hours: 24,
    }
}

/// A journal with hooks that follow it.
struct Bench {
    folder: TempDir,
    journal: EmbeddedJournal,
    receiver: Receiver,
    hooks: Arc<Webhooks>,
    running: Option<JoinHandle<()>>,
    config: Config,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        use EventType::{Answered, Erased, Failed, Feedback, Human};
        let receiver = Receiver::start().await;
        let mut config = config(&receiver.url, &[Answered, Failed, Feedback, Human, Erased]);
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(&folder.path().join("journal")).unwrap();
        let (hooks, running) = start(&config, folder.path(), &journal).await;
        let running = Some(running);
        Self { folder, journal, receiver, hooks, running, config }
    }

    /// Stops the hooks as a crash does, and starts them again.
    async fn restart(&mut self, between: impl AsyncFnOnce(&Self)) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _aborted = running.await;
        }
        between(self).await;
        let (hooks, running) = start(&self.config, self.folder.path(), &self.journal).await;
        (self.hooks, self.running) = (hooks, Some(running));
    }

    /// Waits until the hooks end by themselves.
    async fn ended(&mut self) {
        self.running.take().unwrap().await.unwrap();
    }

    async fn accept(&self, who: &str, id: &str, event: Event) -> Sequence {
        let inbound = Inbound { event, ..Inbound::message(place(), id, Sender::new(who), "") };
        match self.journal.accept(&inbound).await.unwrap() {
            loquat_contract::Accepted::New(sequence) => sequence,
            loquat_contract::Accepted::Duplicate(sequence) => panic!("{sequence} twice"),
        }
    }

    async fn ask(&self, who: &str, id: &str) -> Sequence {
        self.accept(who, id, Event::Message(format!("question {id}?").as_str().into())).await
    }

    async fn settle(&self, sequence: Sequence, settlement: Settlement) {
        self.journal.record(sequence, vec![Step::Settled(settlement)]).await.unwrap();
    }

    async fn answer(&self, sequence: Sequence) {
        let answer = format!("answer {sequence}");
        let part = Part { text: answer.clone(), document: Document::plain(&answer), ..Part::default() };
        let prepared = Prepared {
            reply: Some(Arc::new(testing::reply(&answer))),
            asked: Some(format!("question of {sequence}?")),
            parts: vec![part],
            ..Prepared::default()
        };
        let sent = PartState::Sent { id: Some(MessageId(format!("out-{sequence}"))) };
        let steps = vec![
            Step::Prepared(Box::new(prepared)),
            Step::Part { number: 1, state: sent },
            Step::Settled(Settlement::Delivered),
        ];
        self.journal.record(sequence, steps).await.unwrap();
    }
}

async fn start(config: &Config, folder: &Path, journal: &EmbeddedJournal) -> (Arc<Webhooks>, JoinHandle<()>) {
    let journal: Arc<dyn Journal> = Arc::new(journal.clone());
    let hooks = std::slice::from_ref(config);
    let hooks = Webhooks::open(hooks, &folder.join("webhooks"), journal, Arc::new(Told)).await.unwrap();
    let hooks = Arc::new(hooks);
    let running = hooks.clone();
    (hooks, tokio::spawn(async move { running.run(CancellationToken::new()).await }))
}

fn place() -> ConversationId {
    ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None }
}
