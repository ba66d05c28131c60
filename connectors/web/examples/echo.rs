//! The web chat with a script instead of a bot: `cargo run -p loquat-web --example echo`
//!
//! It cites the facts it is told below, and echoes what it has no fact for.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, Draft, Drafts, Egress, Envelope, IdempotencyKey, Inbound, Ingress,
    Part, Receipt, Refusal, Reply, Sink,
};
use loquat_web::{Config, WebEgress, bind};
use serde_json::{Value, json};

/// Words in the question, the sentence that answers it, and its fact.
const FACTS: [(&str, &str, [&str; 3]); 4] = [
    ("capital", "The capital of Bhutan is Thimphu.", ["Bhutan", "capital", "Thimphu"]),
    ("currenc", "It pays in the Bhutanese ngultrum.", ["Bhutan", "currency", "Bhutanese ngultrum"]),
    ("language", "Its language is Dzongkha.", ["Bhutan", "official language", "Dzongkha"]),
    ("首都", "不丹的首都是廷布。", ["不丹", "首都", "廷布"]),
];

#[derive(Default)]
struct Script {
    egress: OnceLock<Arc<WebEgress>>,
}

impl Sink for Script {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            self.egress.get().cloned().map(|egress| tokio::spawn(answer(egress, inbound)));
            Ok(Receipt::Accepted)
        })
    }
}

async fn answer(egress: Arc<WebEgress>, inbound: Inbound) {
    let (to, text) = (inbound.address(), inbound.text().unwrap_or_default());
    tokio::time::sleep(Duration::from_millis(900)).await;
    let reply = if text.contains("fail") { None } else { serde_json::from_value::<Reply>(reply(text)).ok() };
    let sentences = reply.as_ref().map_or(&[][..], |reply| &reply.sentences);
    for count in 1..=sentences.len() {
        egress.draft(&Draft::new(to.clone(), sentences[..count].to_vec())).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let text = "The model stopped while it was answering.".to_owned();
    let part = Part { text, is_apology: reply.is_none(), ..Part::default() };
    let key = IdempotencyKey("0".repeat(24));
    // The mailbox takes everything until the server has closed; then nobody is left to answer.
    let _ = egress.deliver(&Envelope { reply: reply.map(Arc::new), ..Envelope::new(key, to, part) }).await;
}

fn reply(question: &str) -> Value {
    let asked = question.to_lowercase();
    let found = FACTS.iter().filter(|(word, ..)| asked.contains(word));
    let (mut sentences, mut citations) = (Vec::new(), Vec::new());
    for (_, text, [subject, predicate, object]) in found {
        let id = format!("f{:016x}", text.len() * 0x9e37_79b9_7f4a);
        sentences.push(json!({ "text": text, "verdict": "supported", "facts": [id] }));
        citations.push(json!({
            "id": id, "subject": subject, "predicate": predicate, "object": object, "source": "world.ttl",
        }));
    }
    let outcome = if citations.is_empty() { "abstained" } else { "answered" };
    if citations.is_empty() {
        let text = format!("I have no fact about “{question}”, so I would rather not guess.");
        sentences.push(json!({ "text": text, "verdict": "no_claim", "facts": [] }));
    } else if asked.contains("hedge") {
        let text = "Its flag shows a white dragon.";
        sentences.push(json!({ "text": text, "verdict": "unsupported", "facts": [] }));
    }
    json!({
        "answer": sentences.iter().filter_map(|s| s["text"].as_str()).collect::<Vec<_>>().join(" "),
        "language": if asked.is_ascii() { "en" } else { "zh" },
        "outcome": outcome, "sentences": sentences, "citations": citations, "entities": [], "policy": "hedged",
        "model": { "name": "script", "sha256": "0".repeat(64) }, "graph": 1, "seed": 0,
        "timings_ms": { "link": 0.1, "ground": 0.4, "first_token": 300.0, "total": 1840.0 },
        "tokens": { "prompt": 0, "completion": 0 },
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bound = bind(&Config::default())?;
    eprintln!("{}", bound.link());
    let (ingress, egress) = bound.connect(BotCard {
        name: "Loquat".to_owned(),
        greeting: "Hello! Ask me about the world’s countries.".to_owned(),
        suggestions: ["What is the capital of Bhutan?", "Its currency and languages?", "不丹的首都是哪里？"]
            .map(String::from)
            .to_vec(),
        languages: vec!["en".to_owned().into(), "zh".to_owned().into()],
    });
    let (sink, stop) = (Script::default(), CancellationToken::new());
    let _ = sink.egress.set(Arc::new(egress));
    let run = ingress.run(Arc::new(sink), stop.clone());
    let interrupted = tokio::signal::ctrl_c().map(|_| stop.cancel());
    Ok(tokio::join!(run, interrupted).0?)
}
