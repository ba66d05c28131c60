//! cargo run --release -p loquat-inference --example constrained -- LIBONNXRUNTIME MODEL_FOLDER "What is the capital of France?"
//!
//! Asks the same under several constraints, and tells what each token cost. Settings: `THREADS`, `PIECES` (how many), `TEMPERATURE`.

use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use loquat_contract::{ChatMessage, Constraint, GenerateRequest, LanguageModel, Role, Sampling, Token};
use loquat_inference::{OnnxModel, OnnxModelOptions, Runtime};

const SCHEMA: &str = r#"{"type": "object", "properties": {"answer": {"type": "string", "maxLength": 40},
    "sure": {"type": "boolean"}}, "required": ["answer", "sure"], "additionalProperties": false}"#;

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
    let words =
        "The the capital of is a city in France Paris London Berlin largest , and it has people".split(' ');
    let mut pieces: Vec<String> = words.map(|word| format!(" {word}")).collect();
    pieces.extend((pieces.len()..setting("PIECES", 500)?).map(|number| format!(" {number}")));
    pieces.push("The".to_owned());
    let ends = vec![".".to_owned(), "!".to_owned()];
    for (name, constraint) in [
        ("free", None),
        ("free again", None),
        ("one of", Some(Constraint::OneOf(["London", "Paris", "巴黎"].map(str::to_owned).into()))),
        ("pieces", Some(Constraint::Pieces { pieces, ends })),
        ("pattern", Some(Constraint::Regex("[A-Z][a-z]+( [a-z]+){3,9}\\.".to_owned()))),
        ("JSON", Some(Constraint::JsonSchema(SCHEMA.to_owned()))),
        ("grammar", Some(Constraint::Lark("start: \"It is \" /[A-Z][a-z]+/ (\".\" | \"!\")".to_owned()))),
    ] {
        let request = GenerateRequest {
            messages: vec![ChatMessage::new(Role::User, question)],
            sampling: Sampling {
                max_tokens: 60,
                temperature: setting("TEMPERATURE", 0.0)?,
                ..Sampling::default()
            },
            constraint,
            ..GenerateRequest::default()
        };
        ask(&model, name, request).await?;
    }
    Ok(())
}

async fn ask(model: &OnnxModel, name: &str, request: GenerateRequest) -> Result<()> {
    let (started, mut reply, mut first) = (Instant::now(), String::new(), None);
    let mut stream = model.generate(request);
    while let Some(item) = stream.next().await {
        match item? {
            Token::Text(text) => {
                first.get_or_insert_with(Instant::now);
                reply.push_str(&text);
            }
            Token::Finish(finish) => {
                let decode = first.unwrap_or(started).elapsed();
                let each = decode / u32::try_from(finish.completion.saturating_sub(1).max(1))?;
                let begun = first.unwrap_or(started) - started;
                eprintln!(
                    "{name}: {reply:?} ({:?}, first text after {begun:.2?}, then {each:.2?} a token)",
                    finish.reason
                );
            }
            _ => {}
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
