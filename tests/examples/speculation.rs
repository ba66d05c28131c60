//! Whether guessing from the prompt pays: `cargo run --release -p loquat-tests --example speculation [ROUNDS]`. The same questions to the example
//! bots, each with a model that writes a token a run and with one that guesses (`decoding = "speculative"`), taking turns.
#![expect(clippy::print_stdout, reason = "what was measured is printed")]

use std::time::{Duration, Instant};

use loquat::config::load;
use loquat::parts::{Parts, assemble};
use loquat::progress::Screen;
use loquat_contract::ConversationId;
use loquat_tests::{questions, root};

/// A bot with one way of writing, and what its answers took.
struct Candidate {
    decoding: &'static str,
    parts: Parts,
    seconds: Duration,
    tokens: usize,
    texts: Vec<String>,
    _data: tempfile::TempDir,
}

fn open(name: &str, decoding: &'static str) -> anyhow::Result<Candidate> {
    let data = tempfile::tempdir()?;
    let file = root().join("examples").join(name).join("loquat.toml");
    let folder = |key: &str| (key.to_owned(), data.path().join(key).display().to_string());
    let set = |model: &str| (format!("models.{model}.decoding"), decoding.to_owned());
    let mut overrides = vec![folder("graph.store"), folder("journal.folder")];
    let named = load(Some(&file), std::iter::empty(), &overrides)?.config.models;
    overrides.extend(named.keys().map(|model| set(model)));
    let loaded = load(Some(&file), std::iter::empty(), &overrides)?;
    let parts = assemble(&loaded, &Screen::default())?;
    Ok(Candidate { decoding, parts, seconds: Duration::ZERO, tokens: 0, texts: Vec::new(), _data: data })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(2), |text| text.parse())?;
    for name in ["world", "shop"] {
        let mut candidates = [open(name, "batched")?, open(name, "speculative")?];
        for round in 0..=rounds {
            for question in questions(name)? {
                for candidate in &mut candidates {
                    let conversation = ConversationId {
                        bot: name.to_owned(),
                        platform: "benchmark".to_owned(),
                        channel: format!("{round} {}", question.dialogue),
                        thread: None,
                    };
                    let started = Instant::now();
                    let reply =
                        candidate.parts.engine.answer(&conversation, &question.text, &mut |_| ()).await?;
                    // The first round fills caches.
                    if round > 0 {
                        candidate.seconds += started.elapsed();
                        candidate.tokens += reply.tokens.completion;
                        candidate.texts.push(reply.answer.clone());
                    }
                }
            }
        }
        for candidate in &candidates {
            println!(
                "{name}, {:<12} {:>6.2} s, {} tokens written, {:.1} ms a token",
                candidate.decoding,
                candidate.seconds.as_secs_f64(),
                candidate.tokens,
                1000.0 * candidate.seconds.as_secs_f64() / candidate.tokens.max(1) as f64,
            );
            for model in &candidate.parts.models {
                let stats = model.stats();
                println!(
                    "    {}: {} runs for {} tokens, {} of {} guesses came true",
                    model.info().identity.name,
                    stats.steps,
                    stats.completion_tokens,
                    stats.accepted_tokens,
                    stats.drafted_tokens,
                );
            }
        }
        let [a, b] = &candidates;
        let alike = a.texts.iter().zip(&b.texts).filter(|(a, b)| a == b).count();
        println!(
            "{name}: {:.2} × as fast, {alike} of {} answers word for word the same",
            a.seconds.as_secs_f64() / b.seconds.as_secs_f64(),
            a.texts.len(),
        );
    }
    Ok(())
}
