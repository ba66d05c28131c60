//! The web chat with a script instead of an engine: `cargo run -p loquat-web --example echo [FOLDER]`
//!
//! It cites the facts it is told below, and echoes what it has no fact for. Journal and files lie in the folder; without one, in a passing one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use loquat_contract::testing::MemoryGraph;
use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, Citation, ConversationId, Dialogue, DialogueError, Egress, Entity,
    Fact, Generation, Label, Language, Outcome, Predicate, Reply, Sentence, Value, Verdict, testing,
};
use loquat_dispatch::{Bot, Dispatch};
use loquat_journal::EmbeddedJournal;
use loquat_web::{Config, bind};

/// A word in the question, the sentence that answers it, and its fact.
const FACTS: [(&str, &str, [&str; 3]); 4] = [
    ("capital", "The capital of Bhutan is Thimphu.", ["Bhutan", "capital", "Thimphu"]),
    ("currenc", "It pays in the Bhutanese ngultrum.", ["Bhutan", "currency", "Bhutanese ngultrum"]),
    ("language", "Its language is Dzongkha.", ["Bhutan", "official language", "Dzongkha"]),
    ("首都", "不丹的首都是廷布。", ["不丹", "首都", "廷布"]),
];

struct Script;

impl Dialogue for Script {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(900)).await;
            if text.contains("fail") {
                return Err(DialogueError("the question asks for a failure".into()));
            }
            let reply = reply(text);
            for sentence in &reply.sentences {
                show(sentence);
                tokio::time::sleep(Duration::from_millis(600)).await;
            }
            Ok(reply)
        })
    }
}

fn id(number: usize) -> String {
    format!("f{number}")
}

fn reply(question: &str) -> Reply {
    let asked = question.to_lowercase();
    let (mut sentences, mut citations) = (Vec::new(), Vec::new());
    for (number, (word, text, fact)) in FACTS.iter().enumerate().filter(|(_, fact)| asked.contains(fact.0)) {
        let ([subject, predicate, object], fact) = (fact.map(str::to_owned), id(number).as_str().into());
        sentences.push(Sentence::new(*text, Verdict::Supported, vec![id(number).as_str().into()]));
        let (entity, source) = (subject.as_str().into(), format!("world.ttl#{word}").into());
        citations.push(Citation {
            id: fact,
            entity,
            subject,
            predicate,
            object,
            source,
            since: Generation(1),
        });
    }
    let outcome = if citations.is_empty() { Outcome::Abstained } else { Outcome::Answered };
    if citations.is_empty() {
        let text = format!("I have no fact about “{question}”, so I would rather not guess.");
        sentences.push(Sentence::line(text));
    }
    let answer = sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ");
    let language = if asked.is_ascii() { Language::english() } else { Language::chinese() };
    Reply { outcome, sentences, citations, language, ..testing::reply(&answer) }
}

/// The same facts to look around in.
fn graph() -> MemoryGraph {
    let entity = |name: &str| {
        Arc::new(Entity { id: name.into(), labels: vec![Label::plain(name)], ..Entity::default() })
    };
    let fact = |(number, (_, _, [subject, name, object])): (usize, &(&str, &str, [&str; 3]))| {
        let labels = vec![Label::plain(*name)];
        let predicate = Arc::new(Predicate { id: (*name).into(), labels, ..Predicate::default() });
        let object = Value::Entity(entity(object));
        Fact::new(id(number).as_str().into(), entity(subject), predicate, object, "world.ttl".into())
    };
    MemoryGraph::new(FACTS.iter().enumerate().map(fact).collect())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let passing = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or(passing.path().to_owned(), PathBuf::from);
    let bound = bind(&Config::default())?.keep_in(&folder)?.with_knowledge(Arc::new(graph()));
    eprintln!("{}", bound.link());
    let suggestions = ["What is the capital of Bhutan?", "Its currency and languages?", "不丹的首都是哪里？"]
        .map(String::from);
    let card = BotCard {
        name: "Loquat".to_owned(),
        greeting: "Hello! Ask me about the world’s countries.".to_owned(),
        suggestions: suggestions.to_vec(),
        languages: vec![Language::english(), Language::chinese()],
    };
    let (ingress, egress) = bound.connect(card.clone());
    let (journal, stop) = (EmbeddedJournal::open(&folder.join("journal"))?, CancellationToken::new());
    let egresses = HashMap::from([("web".to_owned(), Arc::new(egress) as Arc<dyn Egress>)]);
    let bot = Bot { card, max_message_chars: 4000, ..Bot::default() };
    let dispatch = Dispatch::new(bot, Arc::new(Script), Arc::new(journal), egresses, stop.clone());
    dispatch.resume().await?;
    let interrupted = tokio::signal::ctrl_c().map(|_| stop.cancel());
    tokio::join!(dispatch.run("web", Arc::new(ingress)), interrupted).0?;
    dispatch.drain().await;
    Ok(())
}
