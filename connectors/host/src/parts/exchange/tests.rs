//! Models change while requests run. The models are fakes that say which they are; the engine is the real one.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use loquat_contract::testing::MemoryGraph;
use loquat_contract::{BoxStream, ConversationId, Finish, Logprob, ModelError, Policy, StopReason};
use loquat_dialogue::Bot;
use tempfile::TempDir;

use super::*;
use crate::config::ModelConfig;
use crate::parts::uses::History;

/// How a model goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    Silent,
    NoNumbers,
    Breaks,
}

/// Says its own name, after a while, word by word.
struct Named {
    identity: ModelIdentity,
    flaw: Flaw,
    open: Arc<AtomicUsize>,
}

impl Drop for Named {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl LanguageModel for Named {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn generate(&self, _: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        let name = self.identity.name.clone();
        let logprob = if self.flaw == Flaw::NoNumbers { f32::NAN } else { -0.5 };
        let chosen = Logprob { text: name.clone(), logprob };
        let mut items = vec![Ok(Token::Prompt(1))];
        match self.flaw {
            Flaw::Silent => {}
            Flaw::Breaks => items.push(Err(ModelError::Stopped)),
            Flaw::None | Flaw::NoNumbers => {
                items.push(Ok(Token::Logprob { chosen, likeliest: Vec::new() }));
                items.push(Ok(Token::Text(format!("Hello from {name}."))));
            }
        }
        items.push(Ok(Token::Finish(Finish { reason: StopReason::End, completion: 1 })));
        let slowly = |item| async {
            tokio::time::sleep(Duration::from_millis(3)).await;
            item
        };
        futures::stream::iter(items).then(slowly).boxed()
    }
}

/// A bot with one model, in a folder of its own.
struct Home {
    folder: TempDir,
    open: Arc<AtomicUsize>,
    /// Hashes of what lies in folders, where they are not what is usual.
    changed: Arc<Mutex<BTreeSet<String>>>,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), open: Arc::default(), changed: Arc::default() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("journal.models.json")
    }

    /// Opens what a path is called: `/silent`, `/no-numbers`, `/breaks` and `/missing` are what they say; once `/unkept` is open, nothing can be
    /// written any more.
    fn opener(&self) -> Open {
        let (open, changed, file) = (self.open.clone(), self.changed.clone(), self.file());
        Arc::new(move |source: &Source| {
            let path = source.config.path.clone().unwrap_or_default();
            let mut name = path.file_name().unwrap().to_string_lossy().into_owned();
            let flaw = match name.as_str() {
                "missing" => bail!("there is no model folder at {}", path.display()),
                "silent" => Flaw::Silent,
                "no-numbers" => Flaw::NoNumbers,
                "breaks" => Flaw::Breaks,
                "unkept" => {
                    std::fs::create_dir(&file)?;
                    Flaw::None
                }
                _ => Flaw::None,
            };
            let sha256 =
                if changed.lock().unwrap().contains(&name) { "f".repeat(64) } else { format!("{name:0>64}") };
            if let Some(adapter) = &source.config.adapter {
                name += &format!(" with {}", source.config.adapters[adapter].display());
            }
            open.fetch_add(1, Ordering::SeqCst);
            let identity = ModelIdentity { name, sha256 };
            Ok(Arc::new(Named { identity, flaw, open: open.clone() }) as Arc<dyn LanguageModel>)
        })
    }

    /// The bot, as it starts: with what the file says.
    fn start(&self) -> Arc<Exchange> {
        let own = own("/own");
        let uses = Uses::read(&self.file()).unwrap();
        let open = self.opener();
        let other = uses.replacing(&own).map(|other| open(&other).ok());
        let is_fallback = matches!(other, Some(None));
        let model = other.flatten().unwrap_or_else(|| open(&own).unwrap());
        let bot = Bot {
            name: "Loquat".into(),
            persona: String::new(),
            // What the models say is left as it is.
            policy: Policy::Open,
            languages: vec![Language::english(), Language::chinese()],
            sampling: Sampling::default(),
        };
        let graph = Arc::new(MemoryGraph::new(Vec::new()));
        let engine = Engine::new(bot.clone(), graph, vec![model.clone()]).unwrap();
        let place = ModelPlace { own, title: Some("own".to_owned()), model: Some(model), is_fallback };
        let places = vec![place];
        Arc::new(Exchange::new(self.file(), uses, bot.languages, Arc::new(engine), places, self.opener()))
    }

    /// Changes what the next bot to start will use; `path` is the config's own.
    async fn change_at_rest(&self, path: &str, change: Change) -> anyhow::Result<String> {
        change_at_rest(&self.file(), &own(path), &change, &[Language::english()], self.opener()).await
    }

    fn history(&self) -> History {
        Uses::read(&self.file()).unwrap().of("m")
    }
}

/// The config's model.
fn own(path: &str) -> Source {
    let config = ModelConfig { path: Some(path.into()), ..ModelConfig::default() };
    Source { name: "m".to_owned(), config }
}

fn request(change: Change) -> ModelRequest {
    ModelRequest { model: "m".to_owned(), change }
}

fn folder(path: &str) -> ModelRequest {
    request(Change::Folder(path.into()))
}

/// What a greeting is answered with, and which model the reply names.
async fn greet(exchange: &Exchange, channel: usize) -> (String, String) {
    let conversation =
        ConversationId { bot: "b".into(), platform: "p".into(), channel: channel.to_string(), thread: None };
    let reply = exchange.engine().answer(&conversation, "Hello!", &mut |_| ()).await.unwrap();
    (reply.answer, reply.model.name)
}

async fn name(exchange: &Exchange) -> String {
    greet(exchange, 0).await.1
}

/// Waits until only so many models are open.
async fn open(home: &Home, count: usize) {
    while home.open.load(Ordering::SeqCst) != count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn every_message_is_answered_by_exactly_one_model_however_often_they_change() {
    let home = Home::new();
    let exchange = home.start();
    let mut asked = tokio::task::JoinSet::new();
    for channel in 0..60 {
        let exchange = exchange.clone();
        asked.spawn(async move {
            tokio::time::sleep(Duration::from_millis(channel as u64)).await;
            greet(&exchange, channel).await
        });
    }
    for path in ["/a", "/b", "/c"] {
        let said = exchange.clone().change(folder(path)).await.unwrap();
        assert!(said.contains(&path[1..]), "{said}");
        assert_eq!(name(&exchange).await, path[1..], "the next message is the new model's");
    }
    let mut seen = BTreeSet::new();
    while let Some(answered) = asked.join_next().await {
        let (answer, model) = answered.unwrap();
        assert_eq!(
            answer,
            format!("Hello from {model}."),
            "the words are those of the model that the reply names"
        );
        seen.insert(model);
    }
    assert!(seen.len() > 1, "they changed meanwhile: {seen:?}");
    // Who is not in use and not asked any more is freed.
    open(&home, 1).await;
}

#[tokio::test]
async fn what_was_begun_ends_with_the_old_model_which_is_freed_then() {
    let home = Home::new();
    let exchange = home.start();
    let held = exchange.in_use().remove(0).model;
    exchange.clone().change(folder("/a")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(home.open.load(Ordering::SeqCst), 2, "somebody still has it");
    let words: Vec<_> = held.generate(GenerateRequest::default()).collect().await;
    assert!(words.iter().any(|word| matches!(word, Ok(Token::Text(text)) if text.contains("own"))));
    drop(held);
    open(&home, 1).await;
}

#[tokio::test]
async fn a_model_that_does_not_work_is_refused_and_the_old_one_goes_on() {
    let home = Home::new();
    let exchange = home.start();
    for (path, why) in [
        ("/missing", "no model folder"),
        ("/silent", "wrote nothing"),
        ("/no-numbers", "no numbers"),
        ("/breaks", "failed"),
    ] {
        let refused = format!("{:#}", exchange.clone().change(folder(path)).await.unwrap_err());
        assert!(refused.contains(why), "{path}: {refused}");
        assert_eq!((name(&exchange).await, home.history()), ("own".to_owned(), History::default()));
    }
    let unknown = ModelRequest { model: "n".to_owned(), ..folder("/a") };
    assert!(exchange.clone().change(unknown).await.unwrap_err().to_string().contains("it has m"));
    // Where it cannot be kept, it is not taken up either.
    let refused = format!("{:#}", exchange.clone().change(folder("/unkept")).await.unwrap_err());
    assert!(refused.contains("cannot be written"), "{refused}");
    assert_eq!(
        (name(&exchange).await, exchange.in_use()[0].model.identity().name.as_str()),
        ("own".to_owned(), "own")
    );
    open(&home, 1).await;
}

#[tokio::test]
async fn a_restart_keeps_what_is_in_use_and_a_rollback_goes_back() {
    let home = Home::new();
    let exchange = home.start();
    exchange.clone().change(folder("/a")).await.unwrap();
    exchange.clone().change(request(Change::Adapter("/x".into()))).await.unwrap();
    drop(exchange);
    let exchange = home.start();
    assert_eq!(name(&exchange).await, "a with /x");
    let shown = exchange.in_use().remove(0);
    assert_eq!((shown.name.as_str(), shown.before.unwrap().place().as_str()), ("m", "/a"));
    assert!(shown.earlier.contains(&"own".to_owned()), "{:?}", shown.earlier);

    exchange.clone().change(request(Change::Rollback)).await.unwrap();
    assert_eq!(name(&exchange).await, "a");
    exchange.clone().change(request(Change::Reset)).await.unwrap();
    assert_eq!(name(&exchange).await, "own");
    drop(exchange);
    assert_eq!(name(&home.start()).await, "own");
}

#[tokio::test]
async fn the_way_back_leads_past_what_is_not_there_any_more() {
    let home = Home::new();
    let exchange = home.start();
    for path in ["/a", "/b", "/b", "/c"] {
        exchange.clone().change(folder(path)).await.unwrap();
    }
    // Another model lies there now than the one that was used.
    home.changed.lock().unwrap().insert("b".to_owned());
    let said = exchange.clone().change(request(Change::Rollback)).await.unwrap();
    assert!(
        said.contains("is now a ") && said.matches("passed over /b (another model").count() == 2,
        "{said}"
    );
    assert_eq!((name(&exchange).await, home.history().uses.len()), ("a".to_owned(), 1));
    // What is taken up anew is not compared with what was there before.
    assert!(exchange.clone().change(folder("/b")).await.unwrap().contains("is now b "));

    home.changed.lock().unwrap().insert("a".to_owned());
    let said = home.change_at_rest("/own", Change::Rollback).await.unwrap();
    assert!(said.contains("is now own ") && said.contains("passed over /a"), "{said}");
    assert_eq!(home.history(), History::default());
    drop(exchange);
    open(&home, 0).await;
}

#[tokio::test]
async fn nothing_is_changed_where_nothing_can_be_gone_back_to() {
    let home = Home::new();
    let exchange = home.start();
    exchange.clone().change(folder("/a")).await.unwrap();
    exchange.clone().change(folder("/b")).await.unwrap();
    home.changed.lock().unwrap().insert("a".to_owned());
    let before = home.history();
    let refused = format!("{:#}", home.change_at_rest("/silent", Change::Rollback).await.unwrap_err());
    assert!(refused.contains("passed over /a") && refused.contains("wrote nothing"), "{refused}");
    assert_eq!(home.history(), before);
}

#[tokio::test]
async fn the_way_back_ends_at_what_is_there_and_does_not_work() {
    let home = Home::new();
    let silent = home.folder.path().join("silent");
    std::fs::create_dir(&silent).unwrap();
    let used = |path: PathBuf| Use { path: Some(path), ..Use::default() };
    let uses = History { uses: vec![used("/a".into()), used(silent.clone()), used("/b".into())] };
    Uses([("m".to_owned(), uses)].into()).write(&home.file()).unwrap();
    let before = home.history();
    let refused = format!("{:#}", home.change_at_rest("/own", Change::Rollback).await.unwrap_err());
    assert!(refused.contains("wrote nothing") && refused.contains("--reset"), "{refused}");
    assert_eq!(home.history(), before);
    // Once it is gone, it is passed over.
    std::fs::remove_dir(&silent).unwrap();
    let said = home.change_at_rest("/own", Change::Rollback).await.unwrap();
    assert!(said.contains("is now a ") && said.contains("passed over"), "{said}");
}

#[tokio::test]
async fn what_could_not_be_opened_is_not_shown_as_in_use() {
    let home = Home::new();
    let uses = History { uses: vec![Use { path: Some("/missing".into()), ..Use::default() }] };
    Uses([("m".to_owned(), uses)].into()).write(&home.file()).unwrap();
    let exchange = home.start();
    let shown = exchange.in_use().remove(0);
    assert_eq!((shown.model.identity().name.as_str(), shown.current, shown.before), ("own", None, None));
    exchange.clone().change(folder("/a")).await.unwrap();
    assert_eq!(exchange.in_use().remove(0).current.unwrap().place(), "/a");
}

#[tokio::test]
async fn a_bot_that_does_not_run_takes_up_what_was_chosen_once_it_starts() {
    let home = Home::new();
    let change = |path: &str| home.change_at_rest("/own", Change::Folder(path.into()));
    let refused = change("/silent").await;
    assert!(refused.unwrap_err().to_string().contains("wrote nothing") && !home.file().exists());
    let said = change("/a").await.unwrap();
    assert!(said.contains("no bot runs"), "{said}");
    let exchange = home.start();
    assert_eq!(name(&exchange).await, "a");
    // Who asks for the config's own by its name gets what has its place.
    assert!(exchange.in_use()[0].earlier.contains(&"own".to_owned()));
}
