//! cargo run --release -p loquat-inference --example peer -- LIBONNXRUNTIME MODEL_FOLDER
//!
//! The engine as one of the peers of `benchmarks/inference`. In: jobs on standard input, a line of JSON each: conversations
//! that go on at the same time, each with its turns one after another. Out: what came of each turn and when, a line of JSON
//! a job. Settings: `THREADS`, `CONTEXT`. It must not know what the numbers are for.

use std::io::{BufRead, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::future::try_join_all;
use loquat_contract::{ChatMessage, GenerateRequest, LanguageModel, Role, Sampling, Token};
use loquat_inference::{OnnxModel, OnnxModelOptions, Runtime};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Job {
    conversations: Vec<Conversation>,
    /// New tokens a turn.
    tokens: usize,
}

#[derive(Deserialize)]
struct Conversation {
    #[serde(default)]
    system: Option<String>,
    turns: Vec<String>,
}

#[derive(Serialize)]
struct Turn {
    conversation: usize,
    turn: usize,
    prompt: usize,
    completion: usize,
    /// Seconds from the question to the first text.
    first: f64,
    /// Seconds from the question to the end.
    seconds: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, folder] = arguments.as_slice() else {
        bail!("give the path of libonnxruntime and a model folder");
    };
    let runtime = Runtime::init(library)?;
    let mut options = OnnxModelOptions::new(folder);
    options.threads = number("THREADS", options.threads)?;
    options.max_context = number("CONTEXT", options.max_context)?;
    let model = OnnxModel::open(&runtime, options)?;
    let info = model.info();
    let ready = serde_json::json!({
        "ready": info.identity.name,
        "context": info.context,
        "cache_bytes": info.cache_bytes,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        let started = Instant::now();
        let running = job.conversations.iter().enumerate().map(|(at, one)| talk(&model, at, one, job.tokens));
        let turns: Vec<Turn> = try_join_all(running).await?.into_iter().flatten().collect();
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "{}", serde_json::json!({ "seconds": seconds, "turns": turns }))?;
    }
    Ok(())
}

async fn talk(model: &OnnxModel, at: usize, conversation: &Conversation, tokens: usize) -> Result<Vec<Turn>> {
    let mut messages: Vec<ChatMessage> =
        conversation.system.iter().map(|text| ChatMessage::new(Role::System, text)).collect();
    let mut turns = Vec::new();
    for (turn, question) in conversation.turns.iter().enumerate() {
        messages.push(ChatMessage::new(Role::User, question));
        let sampling = Sampling { max_tokens: tokens, ..Sampling::default() };
        let request = GenerateRequest { messages: messages.clone(), sampling, ..GenerateRequest::default() };
        let started = Instant::now();
        let mut stream = model.generate(request);
        let (mut prompt, mut completion, mut first, mut reply) = (0, 0, None, String::new());
        while let Some(item) = stream.next().await {
            match item? {
                Token::Prompt(count) => prompt = count,
                Token::Text(text) => {
                    first.get_or_insert_with(|| started.elapsed());
                    reply.push_str(&text);
                }
                Token::Logprob { .. } => {}
                Token::Finish(finish) => completion = finish.completion,
            }
        }
        let seconds = started.elapsed();
        let first = first.unwrap_or(seconds).as_secs_f64();
        turns.push(Turn {
            conversation: at,
            turn,
            prompt,
            completion,
            first,
            seconds: seconds.as_secs_f64(),
        });
        messages.push(ChatMessage::new(Role::Assistant, reply));
    }
    Ok(turns)
}

fn number(name: &str, default: usize) -> Result<usize> {
    std::env::var(name).map_or(Ok(default), |text| text.parse().with_context(|| name.to_owned()))
}
