//! cargo run --release -p loquat-inference --example generate -- LIBONNXRUNTIME MODEL_FOLDER "What is the capital of France?"
//!
//! Streams a reply and tells how fast it came. Settings: `TEMPERATURE`, `SEED`, `MAX_TOKENS`, `THREADS`, `REPEAT` (ask again,
//! to see what the cache saves), `SYSTEM`.

use std::io::Write;
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use loquat_contract::{ChatMessage, GenerateRequest, LanguageModel, Role, Sampling, Token};
use loquat_inference::{OnnxModel, OnnxModelOptions, Runtime};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, folder, question] = arguments.as_slice() else {
        bail!("give the path of libonnxruntime, a model folder and a question");
    };
    let runtime = Runtime::init(library)?;
    let mut options = OnnxModelOptions::new(folder);
    options.threads = setting("THREADS", 0)?;
    let model = OnnxModel::open(&runtime, options)?;
    let info = model.info();
    eprintln!(
        "{} ({}…) on {} in {:.2?}; {:?} cache, {} of {:?} tokens, vocabulary {}, ends with {:?}",
        info.identity.name,
        &info.identity.sha256[..12],
        info.provider.used,
        info.opened_in,
        info.cache,
        info.context,
        info.model_context,
        info.vocabulary,
        info.eos,
    );

    let mut messages = vec![ChatMessage::new(Role::User, question)];
    if let Ok(system) = std::env::var("SYSTEM") {
        messages.insert(0, ChatMessage::new(Role::System, system));
    }
    let sampling = Sampling {
        temperature: setting("TEMPERATURE", 0.0)?,
        seed: setting("SEED", 0)?,
        max_tokens: setting("MAX_TOKENS", 200)?,
        ..Sampling::default()
    };
    let request = GenerateRequest { messages, sampling, ..GenerateRequest::default() };
    for _ in 0..setting("REPEAT", 1)? {
        reply(&model, request.clone()).await?;
    }
    Ok(())
}

async fn reply(model: &OnnxModel, request: GenerateRequest) -> Result<()> {
    let started = Instant::now();
    let (mut prompt, mut first) = (0, None);
    let mut out = std::io::stdout();
    let mut stream = model.generate(request);
    while let Some(item) = stream.next().await {
        match item? {
            Token::Prompt(tokens) => prompt = tokens,
            Token::Text(text) => {
                first.get_or_insert_with(|| started.elapsed());
                write!(out, "{text}")?;
                out.flush()?;
            }
            Token::Logprob { .. } => {}
            Token::Finish(finish) => {
                let prefill = first.unwrap_or_else(|| started.elapsed());
                let decode = started.elapsed().saturating_sub(prefill);
                writeln!(out)?;
                eprintln!(
                    "{:?}: prefill {} tokens at {:.0}/s, decode {} tokens at {:.1}/s",
                    finish.reason,
                    prompt,
                    prompt as f64 / prefill.as_secs_f64(),
                    finish.completion,
                    finish.completion.saturating_sub(1) as f64 / decode.as_secs_f64(),
                );
            }
        }
    }
    Ok(())
}

fn setting<T>(name: &str, default: T) -> Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    std::env::var(name).map_or(Ok(default), |text| text.parse().with_context(|| name.to_owned()))
}
