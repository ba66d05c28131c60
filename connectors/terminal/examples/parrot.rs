//! The terminal chat with an echo instead of a bot: `cargo run -p loquat-terminal --example parrot`

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, Citation, Draft, Drafts, Egress, Envelope, Generation,
    IdempotencyKey, Inbound, Ingress, Language, ModelIdentity, Outcome, Part, Policy, Receipt, Refusal,
    Reply, Sentence, Sink, Timings, TokenCount, Verdict,
};
use loquat_terminal::{Config, TerminalEgress, connect};

#[derive(Default)]
struct Echo {
    egress: OnceLock<Arc<TerminalEgress>>,
}

impl Sink for Echo {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            if let Some(egress) = self.egress.get().cloned() {
                tokio::spawn(answer(egress, inbound));
            }
            Ok(Receipt::Accepted)
        })
    }
}

async fn answer(egress: Arc<TerminalEgress>, inbound: Inbound) {
    let to = inbound.address();
    let reply = reply(inbound.text().unwrap_or_default());
    for count in 1..=reply.sentences.len() {
        tokio::time::sleep(Duration::from_millis(700)).await;
        egress.draft(&Draft::new(to.clone(), reply.sentences[..count].to_vec())).await;
    }
    let (key, part) = (IdempotencyKey("0".repeat(24)), Part::default());
    // Where the terminal is gone, the receiving half has noticed too, and ends the program.
    let _ = egress.deliver(&Envelope { reply: Some(Arc::new(reply)), ..Envelope::new(key, to, part) }).await;
}

fn reply(text: &str) -> Reply {
    let said = Sentence::new(format!("You said “{text}”."), Verdict::Supported, vec!["f1".into()]);
    let guess = Sentence::new("It rhymes.", Verdict::Unsupported, Vec::new());
    let citation = Citation {
        id: "f1".into(),
        entity: "you".into(),
        subject: "you".into(),
        predicate: "said".into(),
        object: text.into(),
        source: "this terminal".into(),
        since: Generation(1),
    };
    Reply {
        answer: format!("{} {}", said.text, guess.text),
        language: Language::english(),
        outcome: Outcome::Answered,
        sentences: vec![said, guess],
        citations: vec![citation],
        entities: Vec::new(),
        values: Vec::new(),
        gaps: Vec::new(),
        choices: Vec::new(),
        policy: Policy::Hedged,
        model: ModelIdentity { name: "echo".into(), sha256: "0".repeat(64) },
        graph: Generation(1),
        seed: 0,
        timings: Timings::default(),
        tokens: TokenCount::default(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bot = BotCard { name: "Echo".to_owned(), greeting: "Hello!".to_owned(), ..BotCard::default() };
    let (ingress, egress) = connect(Config::default(), bot)?;
    let sink = Echo::default();
    let _ = sink.egress.set(Arc::new(egress));
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopped.cancel();
        }
    });
    Ok(ingress.run(Arc::new(sink), stop).await?)
}
