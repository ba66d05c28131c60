//! `POST /v1/embeddings`.

use std::sync::Arc;

use base64::Engine;
use loquat_contract::testing::Echo;
use loquat_openai::{Service, router};
use serde_json::{Value, json};

use super::Api;

fn numbers(vector: &Value) -> Vec<f32> {
    vector.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

#[tokio::test]
async fn texts_become_vectors_in_either_form() {
    let api = Api::new();
    let (status, one) = api.post("/embeddings", &json!({ "model": "hashed", "input": "a" })).await;
    assert_eq!(status.as_u16(), 200, "{one}");
    let body = json!({ "model": "hashed", "input": ["b", "a"], "encoding_format": "base64", "dimensions": 8, "user": "ann" });
    let (_, two) = api.post("/embeddings", &body).await;
    assert_eq!((&two["object"], &two["data"][1]["index"]), (&json!("list"), &json!(1)));
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(two["data"][1]["embedding"].as_str().unwrap())
        .unwrap();
    let read: Vec<f32> =
        bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    let vector = numbers(&one["data"][0]["embedding"]);
    assert_eq!((read.len(), &read), (8, &vector));
    assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    assert_eq!(one["usage"], json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 }));
}

#[tokio::test]
async fn what_cannot_be_embedded_is_refused() {
    let api = Api::new();
    let requests = [
        (400, "input", json!({ "input": [1, 2] })),
        (400, "input", json!({ "input": [[1, 2], [3]] })),
        (400, "input", json!({ "input": [] })),
        (400, "input", json!({ "input": ["a", ""] })),
        (400, "input", json!({ "input": {} })),
        (400, "input", json!({})),
        (400, "dimensions", json!({ "input": "a", "dimensions": 4 })),
        (400, "encoding_format", json!({ "input": "a", "encoding_format": "int8" })),
        (404, "model", json!({ "input": "a", "model": "scripted" })),
    ];
    for (expected, param, request) in requests {
        let mut body = json!({ "model": "hashed" });
        for (name, value) in request.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, answer) = api.post("/embeddings", &body).await;
        assert_eq!((status.as_u16(), &answer["error"]["param"]), (expected, &json!(param)), "{answer}");
    }
}

#[tokio::test]
async fn a_bot_without_embedders_says_what_to_set() {
    let mut api = Api::new();
    let service = Service::new("Mira", Arc::new(Echo::default()));
    api.routes = axum::Router::new().nest("/v1", router(service));
    let (status, answer) =
        api.post("/embeddings", &json!({ "model": "all-MiniLM-L6-v2", "input": "a" })).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (404, &json!("model_not_found")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("graph.embeddings"), "{answer}");
    let (status, answer) = api.try_chat("Mira", "x", json!({ "grounding": false })).await;
    assert_eq!((status.as_u16(), &answer["error"]["param"]), (400, &json!("grounding")));
}
