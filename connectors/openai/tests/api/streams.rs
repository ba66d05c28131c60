//! Streams: their chunks, and what becomes of answers that nobody reads to the end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use loquat_openai::Limits;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Api, said};

#[tokio::test]
async fn chunks_begin_with_the_role_and_end_with_the_reason() {
    let events = Api::new().stream("scripted", "hi", json!({})).await;
    let [role, first, .., finish, Value::Null] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(role["object"], "chat.completion.chunk");
    assert_eq!(role["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
    assert_eq!(
        first["choices"][0],
        json!({ "index": 0, "delta": { "content": "you " }, "logprobs": null, "finish_reason": null })
    );
    assert_eq!(finish["choices"][0]["delta"], json!({}));
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(said(&events), "you said hi");
    let same = |name: &str| events[..events.len() - 1].iter().all(|event| event[name] == role[name]);
    assert!(["id", "created", "model", "system_fingerprint"].into_iter().all(same), "{events:?}");
    // No chunk has no choice unless usage is asked for: clients look at the first.
    assert!(events[..events.len() - 1].iter().all(|event| event["choices"][0].is_object()), "{events:?}");
    assert!(events.iter().all(|event| event.get("usage").is_none()), "{events:?}");
}

#[tokio::test]
async fn usage_comes_last_where_it_is_asked_for() {
    let events = Api::new()
        .stream("scripted", "hi", json!({ "stream_options": { "include_usage": true }, "n": 2 }))
        .await;
    let [before @ .., usage, Value::Null] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"], json!({ "prompt_tokens": 1, "completion_tokens": 6, "total_tokens": 7 }));
    assert!(
        before.iter().all(|event| event["usage"].is_null() && event.get("usage").is_some()),
        "{before:?}"
    );
    let ends = before.iter().filter(|event| event["choices"][0]["finish_reason"] == "stop").count();
    assert_eq!(ends, 2);
}

#[tokio::test]
async fn logprobs_come_with_their_words() {
    let events = Api::new().stream("scripted", "hi", json!({ "logprobs": true })).await;
    let tokens =
        events.iter().filter_map(|event| event["choices"][0]["logprobs"]["content"].as_array()).flatten();
    let texts: String = tokens.filter_map(|token| token["token"].as_str()).collect();
    assert_eq!(texts, said(&events));
}

#[tokio::test]
async fn an_error_before_the_first_word_is_a_status_and_behind_it_an_event() {
    let api = Api::new();
    let (status, answer) = api.try_chat("scripted", "refuse", json!({ "stream": true })).await;
    assert_eq!((status.as_u16(), &answer["error"]["message"]), (400, &json!("no such token")));
    let events = api.stream("scripted", "break off", json!({})).await;
    let last = events.last().unwrap();
    assert_eq!(last["error"]["type"], "server_error");
    assert!(!last.to_string().contains("secret"), "{last}");
    let events = api.stream("Mira", "fail", json!({})).await;
    assert_eq!(events.last().unwrap()["error"]["code"], "server_error");
}

async fn until(condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_stopped() {
    let api = Api::new();
    let request = |model: &str, question: &str| {
        let body =
            json!({ "model": model, "stream": true, "messages": [{ "role": "user", "content": question }] });
        let request = Request::builder().method(Method::POST).uri("/v1/chat/completions");
        request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
    };
    for (model, question) in [("scripted", "count"), ("Mira", "think")] {
        let response = api.routes.clone().oneshot(request(model, question)).await.unwrap();
        let mut body = response.into_body();
        let mut read = String::new();
        while !read.contains("4 ") && !read.contains("Let me see.") {
            read.push_str(&String::from_utf8_lossy(body.frame().await.unwrap().unwrap().data_ref().unwrap()));
        }
        assert_eq!(
            api.parts.writer.dropped.load(Ordering::SeqCst) + api.parts.guide.dropped.load(Ordering::SeqCst),
            usize::from(model == "Mira")
        );
        drop(body);
    }
    until(|| api.parts.writer.dropped.load(Ordering::SeqCst) == 1).await;
    until(|| api.parts.guide.dropped.load(Ordering::SeqCst) == 1).await;
    assert!(api.parts.guide.about.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_stream_that_waits_shows_that_it_is_alive() {
    let limits = Limits { keep_alive: Duration::from_millis(20), ..Limits::default() };
    let api = Api::with(|service| service.with_limits(limits));
    let body =
        json!({ "model": "Mira", "stream": true, "messages": [{ "role": "user", "content": "think" }] });
    let request = Request::builder().method(Method::POST).uri("/v1/chat/completions");
    let request =
        request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap();
    let mut body = api.routes.clone().oneshot(request).await.unwrap().into_body();
    let mut frames = Vec::new();
    while frames.len() < 4 {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        frames.push(String::from_utf8(frame.to_vec()).unwrap());
    }
    let last = frames.last().unwrap();
    assert!(
        last.starts_with(": ") && last.ends_with("\n\n"),
        "a comment, which clients pass over: {frames:?}"
    );
    assert!(frames.concat().contains("Let me see."), "{frames:?}");
}
