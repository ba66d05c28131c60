//! A platform that does as it is told, and a dispatch around it. In: outcomes of deliveries. Out: what was delivered, drafted, withdrawn.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use loquat_contract::testing::Echo;
use loquat_contract::{
    Accepted, Acknowledgement, Address, Administration, Backfill, BoxFuture, BoxStream, Button,
    CancellationToken, Capabilities, Change, CommandSpec, ConnectorError, ConversationId, Delivery, Draft,
    Drafts, Egress, Entry, Envelope, Erased, Event, Inbound, Interactions, Journal, JournalError, Memory,
    Message, MessageId, Person, Query, Receipt, Refusal, Sender, Sequence, Sink, Step, Timestamp,
};
use loquat_journal::EmbeddedJournal;
use tempfile::TempDir;

use crate::{Bot, Dispatch, Settings};

pub(super) fn conversation(channel: &str) -> ConversationId {
    ConversationId { bot: "b".into(), platform: "post".into(), channel: channel.into(), thread: None }
}

pub(super) fn message(channel: &str, id: &str, text: &str) -> Inbound {
    Inbound::message(conversation(channel), id, Sender::new("alice"), text)
}

pub(super) fn edit(channel: &str, id: &str, of: &str, text: &str) -> Inbound {
    let event = Event::Edit { message: MessageId(of.into()), now: Message::from(text) };
    Inbound { event, ..message(channel, id, "") }
}

pub(super) fn deletion(channel: &str, id: &str, of: &str) -> Inbound {
    let event = Event::Deletion { message: MessageId(of.into()) };
    Inbound { event, ..message(channel, id, "") }
}

/// Somebody presses a button.
pub(super) fn press(channel: &str, id: &str, who: &str, button: &str) -> Inbound {
    let event = Event::Button { message: MessageId("m".into()), id: button.into() };
    Inbound { event, sender: Sender::new(who), ..message(channel, id, "") }
}

/// Somebody uses a command of the platform.
pub(super) fn command(channel: &str, id: &str, name: &str, arguments: &str) -> Inbound {
    let event = Event::Command { name: name.into(), arguments: arguments.into() };
    Inbound { event, ..message(channel, id, "") }
}

pub(super) fn sent() -> Delivery {
    Delivery::Sent { id: None }
}

pub(super) fn retry(after: Option<Duration>) -> Delivery {
    Delivery::Retry { after, reason: "busy".into() }
}

pub(super) fn ambiguous() -> Delivery {
    Delivery::Ambiguous { reason: "the line went dead".into() }
}

/// One delivery as the platform got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) key: String,
    pub(super) to: String,
    pub(super) text: String,
    pub(super) at: tokio::time::Instant,
    /// The message whose place it took.
    pub(super) draft: Option<String>,
    pub(super) is_private: bool,
    /// Rows of buttons, as `id label`.
    pub(super) buttons: Vec<Vec<String>>,
}

/// A platform.
pub(super) struct Post {
    pub(super) capabilities: Mutex<Capabilities>,
    /// How the next deliveries end; then all are sent.
    pub(super) outcomes: Mutex<VecDeque<Delivery>>,
    /// Whether deliveries never end.
    pub(super) hangs: Mutex<bool>,
    pub(super) delivered: Mutex<Vec<Delivered>>,
    pub(super) drafted: Mutex<Vec<String>>,
    pub(super) withdrawn: Mutex<Vec<String>>,
    pub(super) typed: Mutex<usize>,
    pub(super) missed: Mutex<Vec<Inbound>>,
    /// Whether it says what was missed again and again, whatever is asked for.
    pub(super) repeats: Mutex<bool>,
    /// The message that shows drafts.
    pub(super) shows_as: Mutex<Option<MessageId>>,
    /// How presses and commands were acknowledged.
    pub(super) signs: Mutex<Vec<String>>,
    /// What acknowledging waits for.
    pub(super) hold_sign: Mutex<Option<CancellationToken>>,
    pub(super) menu: Mutex<Vec<CommandSpec>>,
    /// How often offering the menu fails first.
    pub(super) menu_failures: Mutex<usize>,
    /// What was left and removed.
    pub(super) administered: Mutex<Vec<String>>,
    pub(super) news: tokio::sync::Notify,
}

impl Default for Post {
    fn default() -> Self {
        let capabilities = Capabilities { outlives_process: true, drafts: true, ..Capabilities::default() };
        Self {
            capabilities: Mutex::new(capabilities),
            outcomes: Mutex::default(),
            hangs: Mutex::default(),
            delivered: Mutex::default(),
            drafted: Mutex::default(),
            withdrawn: Mutex::default(),
            typed: Mutex::default(),
            missed: Mutex::default(),
            repeats: Mutex::default(),
            shows_as: Mutex::default(),
            signs: Mutex::default(),
            hold_sign: Mutex::default(),
            menu: Mutex::default(),
            menu_failures: Mutex::default(),
            administered: Mutex::default(),
            news: tokio::sync::Notify::new(),
        }
    }
}

impl Post {
    pub(super) fn texts(&self) -> Vec<String> {
        self.delivered.lock().unwrap().iter().map(|delivered| delivered.text.clone()).collect()
    }

    pub(super) fn then(&self, outcomes: impl IntoIterator<Item = Delivery>) {
        self.outcomes.lock().unwrap().extend(outcomes);
    }
}

impl Egress for Post {
    fn capabilities(&self) -> Capabilities {
        *self.capabilities.lock().unwrap()
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let delivered = Delivered {
                key: envelope.key.0.clone(),
                to: envelope.to.in_reply_to.0.clone(),
                text: envelope.part.text.clone(),
                at: tokio::time::Instant::now(),
                draft: envelope.draft.as_ref().map(|draft| draft.0.clone()),
                is_private: envelope.is_private,
                buttons: envelope.part.buttons.iter().map(|row| row.iter().map(button).collect()).collect(),
            };
            self.delivered.lock().unwrap().push(delivered);
            self.news.notify_one();
            if *self.hangs.lock().unwrap() {
                std::future::pending::<()>().await;
            }
            // Time for a message that does not wait for its turn to overtake this one.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            self.outcomes.lock().unwrap().pop_front().unwrap_or_else(sent)
        })
    }

    fn signal_typing<'a>(&'a self, _: &'a ConversationId) -> BoxFuture<'a, ()> {
        Box::pin(async { *self.typed.lock().unwrap() += 1 })
    }

    fn drafts(&self) -> Option<&dyn Drafts> {
        Some(self)
    }

    fn backfill(&self) -> Option<&dyn Backfill> {
        Some(self)
    }

    fn interactions(&self) -> Option<&dyn Interactions> {
        Some(self)
    }

    fn administration(&self) -> Option<&dyn Administration> {
        Some(self)
    }
}

fn button(button: &Button) -> String {
    format!("{} {}", button.id, button.label)
}

impl Interactions for Post {
    fn acknowledge<'a>(
        &'a self,
        inbound: &'a Inbound,
        how: Acknowledgement<'a>,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        let how = match how {
            Acknowledgement::Working { is_private: true } => "working in private",
            Acknowledgement::Working { is_private: false } => "working",
            Acknowledgement::Done { notice } => notice.unwrap_or("done"),
        };
        let sign = format!("{} {how}", inbound.id.0);
        Box::pin(async move {
            let held = self.hold_sign.lock().unwrap().clone();
            if let Some(held) = held {
                held.cancelled().await;
            }
            self.signs.lock().unwrap().push(sign);
            Ok(())
        })
    }

    fn offer<'a>(&'a self, commands: &'a [CommandSpec]) -> BoxFuture<'a, Result<(), ConnectorError>> {
        let mut failures = self.menu_failures.lock().unwrap();
        let fails = *failures > 0;
        *failures = failures.saturating_sub(1);
        Box::pin(async move {
            if fails {
                return Err(ConnectorError::Lost("the menu is closed".into()));
            }
            *self.menu.lock().unwrap() = commands.to_vec();
            Ok(())
        })
    }
}

impl Administration for Post {
    fn leave<'a>(&'a self, conversation: &'a ConversationId) -> BoxFuture<'a, Result<(), ConnectorError>> {
        let delivered = self.delivered.lock().unwrap().len();
        let left = format!("left {} after {delivered}", conversation.channel);
        self.administered.lock().unwrap().push(left);
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(
        &'a self,
        _: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        self.administered.lock().unwrap().push(format!("removed {}", message.0));
        Box::pin(async { Ok(()) })
    }
}

impl Drafts for Post {
    fn draft<'a>(&'a self, draft: &'a Draft) -> BoxFuture<'a, Option<MessageId>> {
        let texts: Vec<&str> = draft.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
        self.drafted.lock().unwrap().push(format!("{} {}", draft.to.in_reply_to.0, texts.join(" ")));
        if let Some(message) = &draft.message {
            self.drafted.lock().unwrap().push(format!("over {}", message.0));
        }
        self.news.notify_one();
        Box::pin(async { self.shows_as.lock().unwrap().clone() })
    }

    fn withdraw<'a>(&'a self, to: &'a Address, message: Option<&'a MessageId>) -> BoxFuture<'a, ()> {
        let shown = message.map(|message| format!(" shown as {}", message.0));
        self.withdrawn.lock().unwrap().push(format!("{}{}", to.in_reply_to.0, shown.unwrap_or_default()));
        Box::pin(async {})
    }
}

impl Backfill for Post {
    fn missed<'a>(
        &'a self,
        _: &'a ConversationId,
        after: &'a MessageId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Inbound>, ConnectorError>> {
        let missed = self.missed.lock().unwrap();
        let repeats = *self.repeats.lock().unwrap();
        let later = missed.iter().filter(|inbound| repeats || inbound.id > *after);
        let later = later.take(limit).cloned().collect();
        Box::pin(async { Ok(later) })
    }
}

/// The real journal, which holds the runtime up while it works: a test's own time must not run on meanwhile.
pub(super) struct Inline(pub(super) EmbeddedJournal);

impl Journal for Inline {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        Box::pin(async move { block_on(self.0.accept(inbound)) })
    }

    fn record(&self, sequence: Sequence, steps: Vec<Step>) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(async move { block_on(self.0.record(sequence, steps)) })
    }

    fn owed(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(async move { block_on(self.0.owed()) })
    }

    fn entries(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        Box::pin(async move { block_on(self.0.entries(query)) })
    }

    fn knows<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Option<Sequence>, JournalError>> {
        Box::pin(async move { block_on(self.0.knows(inbound)) })
    }

    fn entry(&self, sequence: Sequence) -> BoxFuture<'_, Result<Entry, JournalError>> {
        Box::pin(async move { block_on(self.0.entry(sequence)) })
    }

    fn memory<'a>(
        &'a self,
        conversation: &'a ConversationId,
    ) -> BoxFuture<'a, Result<Option<Memory>, JournalError>> {
        Box::pin(async move { block_on(self.0.memory(conversation)) })
    }

    fn conversations<'a>(
        &'a self,
        platform: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<(ConversationId, MessageId)>, JournalError>> {
        Box::pin(async move { block_on(self.0.conversations(platform, since)) })
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.0.changes()
    }

    fn erase<'a>(&'a self, person: &'a Person) -> BoxFuture<'a, Result<Erased, JournalError>> {
        Box::pin(async move { block_on(self.0.erase(person)) })
    }
}

/// A dispatch with everything it talks to.
pub(super) struct Bench {
    pub(super) dispatch: Dispatch,
    pub(super) post: Arc<Post>,
    pub(super) echo: Arc<Echo>,
    pub(super) journal: Arc<Inline>,
    pub(super) stop: CancellationToken,
    pub(super) sink: Arc<dyn Sink>,
    bot: Bot,
    folder: Arc<TempDir>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self::of(Bot { max_message_chars: 400, settings, ..Bot::default() })
    }

    pub(super) fn of(mut bot: Bot) -> Self {
        (bot.access.messages_per_minute, bot.access.conversation_messages_per_minute) = (0, 0);
        Self::limited(bot)
    }

    /// With the limits that the bot says.
    pub(super) fn limited(bot: Bot) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::in_folder(bot, folder, Arc::default())
    }

    fn in_folder(bot: Bot, folder: Arc<TempDir>, post: Arc<Post>) -> Self {
        let journal = Arc::new(Inline(EmbeddedJournal::open(folder.path()).unwrap()));
        let (echo, stop) = (Arc::new(Echo::default()), CancellationToken::new());
        let egresses = HashMap::from([("post".to_owned(), post.clone() as Arc<dyn Egress>)]);
        let dispatch = Dispatch::new(bot.clone(), echo.clone(), journal.clone(), egresses, stop.clone());
        let sink = dispatch.sink("post").unwrap();
        Self { dispatch, post, echo, journal, stop, sink, bot, folder }
    }

    /// The next run with another journal, the platform as this run left it.
    pub(super) fn with_journal(self, journal: EmbeddedJournal) -> Self {
        let (journal, stop) = (Arc::new(Inline(journal)), CancellationToken::new());
        let egresses = HashMap::from([("post".to_owned(), self.post.clone() as Arc<dyn Egress>)]);
        let dispatch =
            Dispatch::new(self.bot.clone(), self.echo.clone(), journal.clone(), egresses, stop.clone());
        let sink = dispatch.sink("post").unwrap();
        Self { dispatch, journal, stop, sink, ..self }
    }

    /// The same with something else that answers.
    pub(super) fn answering_with(self, dialogue: Arc<dyn loquat_contract::Dialogue>) -> Self {
        let stop = CancellationToken::new();
        let egresses = HashMap::from([("post".to_owned(), self.post.clone() as Arc<dyn Egress>)]);
        let dispatch =
            Dispatch::new(self.bot.clone(), dialogue, self.journal.clone(), egresses, stop.clone());
        let sink = dispatch.sink("post").unwrap();
        Self { dispatch, stop, sink, ..self }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The next run: the platform and the journal as this run left them.
    pub(super) async fn restarted(self) -> Self {
        let Self { dispatch, post, journal, sink, bot, folder, .. } = self;
        drop((dispatch, sink));
        // Tasks that were cut off may still be letting go of it.
        let mut journal = journal;
        while Arc::get_mut(&mut journal).is_none() {
            tokio::task::yield_now().await;
        }
        drop(journal);
        Self::in_folder(bot, folder, post)
    }

    pub(super) async fn accept(&self, inbound: &Inbound) -> Result<Receipt, Refusal> {
        self.sink.accept(inbound.clone()).await
    }

    pub(super) async fn accept_all(&self, all: &[Inbound]) {
        for inbound in all {
            self.accept(inbound).await.unwrap();
        }
    }

    /// Waits until all that was accepted is handled.
    pub(super) async fn drain(&self) {
        tokio::time::timeout(Duration::from_secs(600), self.dispatch.drain()).await.unwrap();
    }

    /// Waits until all that was accepted is settled, and goes on accepting.
    pub(super) async fn settled(&self) {
        while self.dispatch.at_work() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(super) async fn entry(&self, sequence: u64) -> Entry {
        self.journal.entry(Sequence(sequence)).await.unwrap()
    }

    pub(super) async fn entries(&self) -> Vec<Entry> {
        self.journal.entries(Query::default()).await.unwrap()
    }
}
