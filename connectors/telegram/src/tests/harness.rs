//! A bot for tests: the connector on the Telegram for tests, and a sink that writes down what it is handed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, CommandSpec, ConnectorError, ConversationId, Delivery,
    Document, Egress, Envelope, Format, IdempotencyKey, Inbound, Ingress, Interactions, JournalError,
    Language, Localised, MessageId, Part, Receipt, Refusal, Sink,
};
use loquat_fake_telegram::Telegram;
use tokio::task::JoinHandle;

use super::conformance::quick;
use crate::place::Place;
use crate::{Config, TelegramEgress, TelegramIngress, connect};

/// Waits until something holds; a test that waits for ever is ended by this.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("this did not happen within a minute: {what}");
}

/// What a sink answers, by what it is handed.
type Answer = dyn Fn(&Inbound) -> Result<Receipt, Refusal> + Send + Sync;

/// A sink that writes down what it is handed.
pub(super) struct Notes {
    pub(super) accepted: Mutex<Vec<Inbound>>,
    pub(super) reconnected: AtomicUsize,
    pub(super) alive: AtomicUsize,
    answer: Box<Answer>,
}

impl Notes {
    pub(super) fn new(answer: Box<Answer>) -> Arc<Self> {
        Arc::new(Self {
            accepted: Mutex::default(),
            reconnected: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
            answer,
        })
    }

    /// What was accepted, once there are so many.
    pub(super) async fn after(&self, count: usize) -> Vec<Inbound> {
        until(&format!("{count} events"), || self.accepted.lock().unwrap().len() >= count).await;
        self.accepted.lock().unwrap().clone()
    }
}

impl Sink for Notes {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        let answer = (self.answer)(&inbound);
        if answer.is_ok() {
            self.accepted.lock().unwrap().push(inbound);
        }
        Box::pin(async { answer })
    }

    fn alive(&self) {
        self.alive.fetch_add(1, Ordering::SeqCst);
    }

    fn reconnected(&self) -> BoxFuture<'_, ()> {
        self.reconnected.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {})
    }
}

/// A refusal that is not final.
pub(super) fn not_kept() -> Refusal {
    Refusal::NotKept(JournalError::Unusable("the disk is full".into()))
}

/// The connector at work.
pub(super) struct Bot {
    pub(super) ingress: Arc<TelegramIngress>,
    pub(super) egress: TelegramEgress,
    pub(super) notes: Arc<Notes>,
    pub(super) stop: CancellationToken,
    pub(super) running: JoinHandle<Result<(), ConnectorError>>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Bot {
    /// A bot with a menu, which accepts everything.
    pub(super) async fn start(telegram: &Telegram) -> Self {
        Self::with(telegram, |config| config).await
    }

    pub(super) async fn with(telegram: &Telegram, change: impl FnOnce(Config) -> Config) -> Self {
        Self::answering(telegram, change, |_| Ok(Receipt::Accepted)).await
    }

    pub(super) async fn answering(
        telegram: &Telegram,
        change: impl FnOnce(Config) -> Config,
        answer: impl Fn(&Inbound) -> Result<Receipt, Refusal> + Send + Sync + 'static,
    ) -> Self {
        let config = change(quick(&telegram.url(), &telegram.token()));
        let card = BotCard { name: "Test".into(), ..BotCard::default() };
        let (ingress, egress) = connect(config, card).unwrap();
        let _offered = egress.offer(&menu()).await;
        let (ingress, notes) = (Arc::new(ingress), Notes::new(Box::new(answer)));
        let stop = CancellationToken::new();
        let running = run(&ingress, &notes, &stop);
        Self { ingress, egress, notes, stop, running }
    }

    /// Runs it again, as the host does.
    pub(super) fn again(&mut self) {
        self.running = run(&self.ingress, &self.notes, &self.stop);
    }

    pub(super) async fn ended(&mut self) -> Result<(), ConnectorError> {
        (&mut self.running).await.unwrap()
    }

    /// Delivers words as the only part of an answer.
    pub(super) async fn deliver(&self, to: &Address, text: &str) -> Delivery {
        self.egress.deliver(&envelope(to, part(text))).await
    }
}

fn run(
    ingress: &Arc<TelegramIngress>,
    notes: &Arc<Notes>,
    stop: &CancellationToken,
) -> JoinHandle<Result<(), ConnectorError>> {
    let (ingress, notes, stop) = (ingress.clone(), notes.clone(), stop.clone());
    tokio::spawn(async move { ingress.run(notes, stop).await })
}

/// The commands of these tests.
pub(super) fn menu() -> Vec<CommandSpec> {
    let words = |english: &str, chinese: &str| {
        Localised(vec![(Language::english(), english.to_owned()), (Language::chinese(), chinese.to_owned())])
    };
    let command = |name: &str, description: Localised, is_for_operators: bool| CommandSpec {
        name: name.to_owned(),
        description,
        argument: None,
        is_for_operators,
    };
    vec![
        command("ask", words("Ask a question", "提问"), false),
        command("why", words("Why was that said?", "为什么这么说？"), false),
        command("ledger", words("What is owed", "账本"), true),
    ]
}

/// The address of a message in a chat.
pub(super) fn to(chat: i64, topic: Option<i32>, message: impl ToString) -> Address {
    Address {
        conversation: Place { chat, topic }.conversation("Test"),
        in_reply_to: MessageId(message.to_string()),
    }
}

pub(super) fn conversation(chat: i64) -> ConversationId {
    Place { chat, topic: None }.conversation("Test")
}

/// A part of Markdown.
pub(super) fn part(markdown: &str) -> Part {
    let document = Document::from_markdown(markdown);
    Part { text: document.render(Format::Plain), document, ..Part::default() }
}

pub(super) fn envelope(to: &Address, part: Part) -> Envelope {
    Envelope {
        key: IdempotencyKey("0123456789abcdef01234567".into()),
        to: to.clone(),
        ticket: None,
        draft: None,
        is_private: false,
        number: 1,
        of: 1,
        part,
        reply: None,
    }
}
