//! cargo run --release -p loquat-inference --example throughput -- LIBONNXRUNTIME MODEL_FOLDER cuda 1,16,64 [LIBRARY_FOLDER …]
//!
//! How fast a provider writes for several people at once. Out: a line of JSON for each number of sequences. Settings: `DEVICE`, `TOKENS`
//! (new ones each, 128), `PROMPT` (words, 64), `ROUNDS` (3), `CONTEXT` (1024), `THREADS`. The provider is used or the run fails. Must not know: what the
//! numbers are compared with.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use futures::future::try_join_all;
use loquat_contract::{ChatMessage, GenerateRequest, LanguageModel, Role, Sampling, Token};
use loquat_inference::{OnnxModel, OnnxModelOptions, Provider, Runtime};
use serde_json::json;

/// One reply.
struct Reply {
    prompt: usize,
    completion: usize,
    first: Duration,
    whole: Duration,
    text: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, folder, provider, batches, libraries @ ..] = arguments.as_slice() else {
        bail!("give the path of libonnxruntime, a model folder, a provider and numbers of sequences");
    };
    let device = i32::try_from(setting("DEVICE", 0)?)?;
    let provider = match provider.as_str() {
        "tensorrt" => Provider::TensorRt { device },
        "cuda" => Provider::Cuda { device },
        "cpu" => Provider::Cpu,
        other => bail!("`{other}` is no provider; tensorrt, cuda and cpu are"),
    };
    let runtime = Runtime::init(library)?;
    let mut options = OnnxModelOptions::new(folder);
    options.providers = vec![provider];
    options.provider_options.cuda.libraries = libraries.iter().map(Into::into).collect();
    options.threads = setting("THREADS", 0)?;
    options.max_context = setting("CONTEXT", 1024)?;
    options.queue = 256;
    // Those that are to run at once do run at once.
    options.sequences = batches.split(',').filter_map(|batch| batch.parse().ok()).max().unwrap_or(1);
    let model = OnnxModel::open(&runtime, options)?;
    let (tokens, words, rounds) = (setting("TOKENS", 128)?, setting("PROMPT", 64)?, setting("ROUNDS", 3)?);

    // Once for whatever the first run allocates and compiles.
    reply(&model, 0, words, tokens.min(8)).await?;
    let mut out = std::io::stdout();
    let mut number = 1;
    for batch in batches.split(',') {
        let batch: usize = batch.parse().context("numbers of sequences have commas between them")?;
        for _ in 0..rounds {
            let started = Instant::now();
            // Every prompt is another, so that no cached prefix helps.
            let running = (number..number + batch).map(|number| reply(&model, number, words, tokens));
            let replies = try_join_all(running).await?;
            let seconds = started.elapsed().as_secs_f64();
            number += batch;
            let written: usize = replies.iter().map(|reply| reply.completion).sum();
            let decode: Vec<f64> = replies
                .iter()
                .map(|reply| {
                    reply.completion.saturating_sub(1) as f64 / (reply.whole - reply.first).as_secs_f64()
                })
                .collect();
            let line = json!({
                "provider": model.info().provider.used.to_string(),
                "sequences": batch,
                "prompt": replies.iter().map(|reply| reply.prompt).sum::<usize>() / batch.max(1),
                "written": written,
                "seconds": seconds,
                "tokens_a_second": written as f64 / seconds,
                "decode_of_one": decode.first(),
                "first_token_s": replies.first().map(|reply| reply.first.as_secs_f64()),
                "text": replies.first().map(|reply| reply.text.clone()),
            });
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

async fn reply(model: &OnnxModel, number: usize, words: usize, tokens: usize) -> Result<Reply> {
    let question: Vec<String> = (0..words).map(|at| (number * 31 + at * 7).to_string()).collect();
    let sampling = Sampling { max_tokens: tokens, ..Sampling::default() };
    let messages = vec![ChatMessage::new(Role::User, question.join(" "))];
    let started = Instant::now();
    let mut stream = model.generate(GenerateRequest { messages, sampling, ..GenerateRequest::default() });
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
    let whole = started.elapsed();
    Ok(Reply { prompt, completion, first: first.unwrap_or(whole), whole, text: reply })
}

fn setting(name: &str, default: usize) -> Result<usize> {
    std::env::var(name).map_or(Ok(default), |text| text.parse().with_context(|| name.to_owned()))
}
