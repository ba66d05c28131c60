//! Ten thousand requests that are wrong in every way that a few lines of code can think of: none makes a panic or a 5xx, and each refusal has
//! OpenAI's shape.

use axum::http::Method;
use serde_json::{Value, json};

use super::Api;

/// Numbers that look random and are the same each time (Steele, Lea and Flood 2014: SplitMix).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end.max(1) as u64) as usize
    }
}

/// Requests that are right, with every parameter that there is.
fn seeds() -> Vec<(&'static str, Value)> {
    let tool = json!({ "type": "function", "function": { "name": "look", "description": "d", "parameters": { "type": "object" } } });
    let raw = json!({
        "model": "scripted", "messages": [
            { "role": "system", "content": "a" },
            { "role": "assistant", "content": null, "tool_calls": [{ "id": "1", "type": "function", "function": { "name": "look", "arguments": "{}" } }] },
            { "role": "tool", "tool_call_id": "1", "content": [{ "type": "text", "text": "b" }] },
            { "role": "user", "content": "c" },
        ],
        "stream": true, "stream_options": { "include_usage": true }, "n": 2, "temperature": 0.5, "top_p": 1,
        "presence_penalty": 0, "frequency_penalty": 0, "logit_bias": { "1": 1 }, "seed": 1, "stop": ["x"], "max_tokens": 5,
        "max_completion_tokens": 5, "top_k": 1, "min_p": 0, "repetition_penalty": 1, "logprobs": true, "top_logprobs": 1,
        "response_format": { "type": "json_schema", "json_schema": { "name": "x", "schema": { "type": "object" } } },
        "tools": [tool], "tool_choice": { "type": "function", "function": { "name": "look" } }, "store": false,
        "modalities": ["text"], "grounding": false,
    });
    let grounded = json!({
        "model": "Mira", "messages": [
            { "role": "user", "content": "What is the capital of Bhutan?" }, { "role": "assistant", "content": "Thimphu." },
            { "role": "user", "content": [{ "type": "text", "text": "And its currency?" }] },
        ],
        "stream": false, "tools": [tool], "tool_choice": "auto", "stop": "x", "grounding": true,
    });
    let embedding =
        json!({ "model": "hashed", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 8 });
    vec![("/chat/completions", raw), ("/chat/completions", grounded), ("/embeddings", embedding)]
}

/// Puts something else somewhere into the value.
fn spoil(value: &mut Value, draw: &mut Draw) {
    let goes_in = draw.below(4) > 0;
    match value {
        Value::Array(items) if goes_in && !items.is_empty() => {
            let at = draw.below(items.len());
            match draw.below(6) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => spoil(&mut items[at], draw),
            }
        }
        Value::Object(fields) if goes_in && !fields.is_empty() => {
            let name = fields.keys().nth(draw.below(fields.len())).unwrap().clone();
            match draw.below(8) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(format!("{name}\u{0}"), json!(1))),
                _ => spoil(&mut fields[&name], draw),
            }
        }
        _ => {
            let others = [
                json!(null),
                json!(true),
                json!(0),
                json!(-1),
                json!(1e308),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(0.1),
                json!(""),
                json!("\u{0}\u{202e}\u{10ffff}"),
                json!("x".repeat(5000)),
                json!([]),
                json!({}),
                json!([[]]),
                json!(["", 1, null]),
                json!({ "type": "image_url" }),
                json!({ "a": { "b": [] } }),
                json!("none"),
                json!("required"),
                json!("user"),
            ];
            *value = others[draw.below(others.len())].clone();
        }
    }
}

#[tokio::test]
async fn ten_thousand_malformed_requests_make_no_panic_and_no_server_error() {
    let api = Api::new();
    let (seeds, mut draw) = (seeds(), Draw(8));
    let (mut taken, mut refused) = (0, 0);
    for number in 0..10_000 {
        let (path, seed) = &seeds[number % seeds.len()];
        let mut body = seed.clone();
        for _ in 0..=draw.below(3) {
            spoil(&mut body, &mut draw);
        }
        let mut bytes = body.to_string().into_bytes();
        if draw.below(5) == 0 {
            // Not even JSON, and at times not even UTF-8.
            let at = draw.below(bytes.len());
            match draw.below(3) {
                0 => bytes.truncate(at),
                1 => bytes[at] = draw.below(256) as u8,
                _ => bytes.insert(at, b"{}[]\"\\,:\xff\0"[draw.below(10)]),
            }
        }
        let (status, text) = api.send(Method::POST, path, bytes.clone()).await;
        let asked = String::from_utf8_lossy(&bytes);
        assert!(!status.is_server_error(), "{status} {text} to {asked}");
        if status.is_success() {
            assert!(!text.contains("\"error\""), "{text} to {asked}");
            taken += 1;
        } else {
            let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} to {asked}"));
            assert!(
                answer["error"]["message"].is_string() && answer["error"]["type"] == "invalid_request_error",
                "{text}"
            );
            refused += 1;
        }
    }
    assert!(taken > 500 && refused > 5000, "both are tried: {taken} were taken, {refused} refused");
}
