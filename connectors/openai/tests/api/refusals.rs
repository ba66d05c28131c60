//! What is refused, with which status, and in OpenAI's shape.

use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Api;

/// Whether an error has all four fields and their types.
fn check(answer: &Value) {
    let error = answer["error"].as_object().unwrap();
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    assert!(error["type"].is_string(), "{answer}");
    assert!(error["param"].is_string() || error["param"].is_null(), "{answer}");
    assert!(error["code"].is_string() || error["code"].is_null(), "{answer}");
}

#[tokio::test]
async fn parameters_out_of_range_are_named() {
    let api = Api::new();
    let requests = [
        ("temperature", json!(2.5)),
        ("temperature", json!(-1)),
        ("temperature", json!("hot")),
        ("top_p", json!(1.1)),
        ("presence_penalty", json!(3)),
        ("frequency_penalty", json!(-3)),
        ("logit_bias", json!({ "five": 1 })),
        ("logit_bias", json!({ "5": 101 })),
        ("max_tokens", json!(0)),
        ("max_completion_tokens", json!(-1)),
        ("n", json!(0)),
        ("n", json!(5)),
        ("n", json!("two")),
        ("stop", json!(["a", "b", "c", "d", "e"])),
        ("stop", json!({})),
        ("top_logprobs", json!(3)),
        ("response_format.type", json!({ "response_format": { "type": "xml" } })),
        ("stream_options", json!({ "include_usage": true })),
        ("store", json!(true)),
        ("modalities", json!(["text", "audio"])),
        ("functions", json!([])),
        ("messages", json!([])),
        ("messages", json!("hello")),
        ("seed", json!("x")),
        ("grounding", json!(true)),
    ];
    for (param, value) in requests {
        let further = match param.split_once('.') {
            Some(_) => value,
            None => json!({ param: value }),
        };
        let (status, answer) = api.try_chat("scripted", "x", further).await;
        assert_eq!(status.as_u16(), 400, "{param}: {answer}");
        assert_eq!(answer["error"]["param"], param, "{answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error");
        check(&answer);
    }
}

#[tokio::test]
async fn parts_that_are_no_text_are_refused_by_their_place() {
    let api = Api::new();
    let image = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } });
    let audio = json!({ "type": "input_audio", "input_audio": { "data": "", "format": "wav" } });
    for part in [image, audio] {
        for model in ["scripted", "Mira"] {
            let content = json!([{ "type": "text", "text": "what is it?" }, part]);
            let body = json!({ "model": model, "messages": [{ "role": "user", "content": content }] });
            let (status, answer) = api.post("/chat/completions", &body).await;
            assert_eq!(
                (status.as_u16(), &answer["error"]["param"]),
                (400, &json!("messages[0].content[1].type"))
            );
            assert_eq!(answer["error"]["code"], "unsupported_value");
        }
    }
    let messages = [
        ("messages[0].role", json!({ "content": "x" })),
        ("messages[0].role", json!({ "role": "poet", "content": "x" })),
        ("messages[0].content", json!({ "role": "user" })),
        ("messages[0].content", json!({ "role": "user", "content": 1 })),
        ("messages[0].content[0].text", json!({ "role": "user", "content": [{ "type": "text" }] })),
    ];
    for (param, message) in messages {
        let (status, answer) =
            api.post("/chat/completions", &json!({ "model": "scripted", "messages": [message] })).await;
        assert_eq!((status.as_u16(), &answer["error"]["param"]), (400, &json!(param)), "{answer}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let api = Api::new();
    let (status, answer) = api.try_chat("gpt-5", "x", json!({})).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (404, &json!("model_not_found")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("`scripted`"), "{answer}");
    for path in ["/models/gpt-5", "/models/a/b", "/files"] {
        let (status, answer) = api.get(path).await;
        assert_eq!(status.as_u16(), 404, "{path}");
        check(&answer);
    }
    let (status, answer) = api.post("/completions", &json!({ "model": "scripted", "prompt": "x" })).await;
    assert_eq!(status.as_u16(), 404, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("/v1/chat/completions"), "{answer}");
    let (status, answer) = api.get("/chat/completions").await;
    assert_eq!(status.as_u16(), 405, "{answer}");
    check(&answer);
}

#[tokio::test]
async fn bodies_that_are_none_are_told_from_servers_that_fail() {
    let api = Api::new();
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    for body in
        ["", "{", "null", "[]", "{\"model\": \"scripted\"} more", "\u{0}", "{\"model\": 1}", deep.as_str()]
    {
        let (status, text) = api.send(Method::POST, "/chat/completions", body.to_owned()).await;
        assert_eq!(status.as_u16(), 400, "{body:.40} {text}");
        check(&serde_json::from_str(&text).unwrap());
    }
    let (status, text) = api.send(Method::POST, "/chat/completions", vec![b' '; 3 << 20]).await;
    assert_eq!(status.as_u16(), 413, "{text}");
    let request = Request::post("/v1/chat/completions").body(Body::from("{}")).unwrap();
    let response = api.routes.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status().as_u16(), 415);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    check(&serde_json::from_slice(&bytes).unwrap());

    let (status, answer) = api.try_chat("scripted", &"word ".repeat(1001), json!({})).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &json!("context_length_exceeded")));
    for (model, question) in [("scripted", "break"), ("Mira", "fail")] {
        let (status, answer) = api.try_chat(model, question, json!({})).await;
        assert_eq!((status.as_u16(), &answer["error"]["type"]), (500, &json!("server_error")));
        assert!(!answer.to_string().contains("secret"), "what failed is for the log: {answer}");
    }
}
