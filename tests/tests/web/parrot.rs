//! A bot that says whatever is said to it, wherever a bot can say anything. In: a text. Out: the same text as the words of the model, as every
//! literal of the facts that it cites, as choices, as what is missing, and as the whole graph around it. On the real journal, dispatch and
//! web chat.

use std::collections::HashMap;
use std::sync::Arc;

use loquat_contract::testing::reply;
use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, Choice, Citation, ConversationId, Dialogue, DialogueError, Egress,
    Entity, EntityId, Fact, FactId, Gap, Generation, Knowledge, KnowledgeError, Label, Mention,
    ModelIdentity, Outcome, Policy, Predicate, Reply, Schema, Sentence, Span, Value, Verdict,
};
use loquat_dispatch::access::Access;
use loquat_dispatch::{Bot, Dispatch, Settings};
use loquat_journal::EmbeddedJournal;
use loquat_web::{Config, bind};
use tempfile::TempDir;

/// What the ids of its graph begin with; what was said stands behind it.
const SAID: &str = "said:";

/// The bot's voice and its graph.
struct Parrot;

impl Dialogue for Parrot {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            let id = FactId::from("0123456789abcdef");
            let supported = Sentence {
                spans: vec![Span { fact: id.clone(), start: 0, end: text.len() }],
                ..Sentence::new(text, Verdict::Supported, vec![id.clone()])
            };
            let sentences = vec![supported, Sentence::new(text, Verdict::Unsupported, Vec::new())];
            sentences.iter().for_each(&mut *show);
            let citation = Citation {
                id,
                entity: EntityId::from(format!("{SAID}{text}").as_str()),
                subject: text.to_owned(),
                predicate: text.to_owned(),
                object: text.to_owned(),
                source: text.into(),
                since: Generation(1),
            };
            let gap = Gap {
                question: text.to_owned(),
                entity: None,
                name: text.to_owned(),
                predicate: None,
                asked: text.to_owned(),
            };
            Ok(Reply {
                outcome: Outcome::Answered,
                policy: Policy::Hedged,
                sentences,
                citations: vec![citation],
                gaps: vec![gap],
                values: vec![text.to_owned()],
                choices: vec![Choice { label: text.to_owned(), value: text.to_owned() }],
                model: ModelIdentity { name: text.to_owned(), sha256: "0".repeat(64) },
                ..reply(text)
            })
        })
    }
}

fn thing(text: &str) -> Arc<Entity> {
    let said = vec![Label::plain(text)];
    Arc::new(Entity {
        id: EntityId::from(format!("{SAID}{text}").as_str()),
        labels: said.clone(),
        descriptions: said,
        ..Entity::default()
    })
}

impl Knowledge for Parrot {
    fn link<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn facts<'a>(
        &'a self,
        entity: &'a EntityId,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        Box::pin(async move {
            let Some(text) = entity.as_str().strip_prefix(SAID) else { return Ok(Vec::new()) };
            let subject = thing(text);
            let predicate = Arc::new(Predicate {
                id: text.into(),
                labels: vec![Label::plain(text)],
                ..Predicate::default()
            });
            let values = [
                Value::Text(Label::plain(text)),
                Value::Url(text.to_owned()),
                Value::Entity(thing(text)),
                Value::Date(text.to_owned()),
            ];
            let fact = |(number, object): (usize, Value)| {
                let id = FactId::from(number.to_string().as_str());
                Fact::new(id, subject.clone(), predicate.clone(), object, text.into())
            };
            Ok(values.into_iter().enumerate().map(fact).collect())
        })
    }

    fn schema(&self) -> Arc<Schema> {
        Arc::default()
    }
}

/// The bot at work, with a journal that goes away with it.
pub(crate) struct Running {
    /// Where it is.
    pub(crate) link: String,
    stop: CancellationToken,
    runtime: Option<tokio::runtime::Runtime>,
    _folder: TempDir,
}

impl Running {
    /// Starts it; pages of `origin` may hold its widget.
    pub(crate) fn start(origin: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let guard = runtime.enter();
        let mut config = Config { port: 0, origins: vec![origin.to_owned()], ..Config::default() };
        (config.limits.messages_per_minute, config.limits.streams) = (0, 0);
        let bound = bind(&config).unwrap().keep_in(folder.path()).unwrap().with_knowledge(Arc::new(Parrot));
        let link = bound.link();
        let (ingress, egress) = bound.connect(BotCard { name: "Parrot".to_owned(), ..BotCard::default() });
        let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).unwrap());
        let access =
            Access { messages_per_minute: 0, conversation_messages_per_minute: 0, ..Access::default() };
        let bot = Bot { max_message_chars: 4000, settings: Settings::default(), access, ..Bot::default() };
        let egresses = HashMap::from([("web".to_owned(), Arc::new(egress) as Arc<dyn Egress>)]);
        let dispatch = Dispatch::new(bot, Arc::new(Parrot), journal, egresses, stop.clone());
        runtime.spawn(async move { dispatch.run("web", Arc::new(ingress)).await });
        drop(guard);
        Self { link, stop, runtime: Some(runtime), _folder: folder }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        }
    }
}
