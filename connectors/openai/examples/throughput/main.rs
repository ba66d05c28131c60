//! How many chat completions a second the API answers, against a bare axum handler that reads the same JSON and returns the same bytes.
//!
//! Run it: `cargo run --release -p loquat-openai --example throughput`
//!
//! Model and bot are scripted: they answer at once, so that what is measured is the API alone. One process serves both handlers on one
//! thread, another one asks over kept connections; rounds alternate, and medians are told.
#![expect(clippy::print_stdout, reason = "it is run for what it prints")]

mod load;
mod scripted;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use loquat_openai::{Service, router};
use serde_json::{Value, json};

use scripted::Scripted;

/// Rounds of each handler, and how long one is.
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1000);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        // The other process.
        Some("load") => {
            let [_, _, address, path, body, length] = arguments.as_slice() else {
                anyhow::bail!("{arguments:?}")
            };
            let length = Duration::from_millis(length.parse()?);
            println!("{}", load::run(address, path, body, length)?);
            Ok(())
        }
        _ => measure(),
    }
}

fn measure() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    println!("{:<22} {:>12} {:>12} {:>8}", "", "API, req/s", "bare, req/s", "ratio");
    for (name, model, streams) in [
        ("a model's, whole", "scripted", false),
        ("a model's, streamed", "scripted", true),
        ("grounded, whole", "loquat", false),
        ("grounded, streamed", "loquat", true),
    ] {
        let question = json!({
            "model": model, "stream": streams, "temperature": 0.0, "max_tokens": 64,
            "messages": [
                { "role": "system", "content": "You are a helpful assistant who answers in a few sentences." },
                { "role": "user", "content": "What is the capital of Bhutan, and how large is it?" },
            ],
        });
        let question = question.to_string();
        let scripted = Arc::new(Scripted::default());
        let service = Service::new("Loquat", scripted.clone()).with_model("scripted", scripted);
        let api = Router::new().nest("/v1", router(service));
        let address = runtime.block_on(serve(api.clone()))?;
        let answer = load::once(&address, "/v1/chat/completions", &question)?;
        let bare = Router::new()
            .route("/bare", post(async move |body: Json<Value>| answer_with(body, &answer, streams)));
        let both = runtime.block_on(serve(api.merge(bare)))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(ask(&both, "/v1/chat/completions", &question)?);
            theirs.push(ask(&both, "/bare", &question)?);
        }
        let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        println!("{name:<22} {:>12.0} {:>12.0} {:>8.2}", median(ours), median(theirs), median(ratios));
    }
    Ok(())
}

/// The bare handler: it reads JSON and gives bytes that are there already.
fn answer_with(Json(question): Json<Value>, answer: &Bytes, streams: bool) -> impl IntoResponse + use<> {
    let is_question = question["messages"].is_array();
    let answer = if is_question { answer.clone() } else { Bytes::new() };
    match streams {
        false => ([(header::CONTENT_TYPE, "application/json")], Body::from(answer)),
        true => {
            let events = futures::stream::iter([Ok::<_, std::convert::Infallible>(answer)]);
            ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::from_stream(events))
        }
    }
}

async fn serve(routes: Router) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

/// Requests a second of one round, counted by the other process.
fn ask(address: &str, path: &str, body: &str) -> anyhow::Result<f64> {
    let length = ROUND.as_millis().to_string();
    let mut command = Command::new(std::env::current_exe()?);
    let ran = command.args(["load", address, path, body, &length]).stderr(Stdio::inherit()).output()?;
    ensure!(ran.status.success(), "the load ended with {}", ran.status);
    String::from_utf8(ran.stdout)?.trim().parse().context("the load counted nothing")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
