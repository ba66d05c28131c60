//! The API as it goes over the wire: bodies in, bodies and statuses out. Clients of others judge it in `tests/clients`.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

#[path = "../fakes.rs"]
mod fakes;

mod embeddings;
mod grounded;
mod malformed;
mod options;
mod refusals;
mod streams;
mod tools;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use fakes::{Parts, service};
use http_body_util::BodyExt;
use loquat_openai::{Service, router};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The API and what is behind it.
struct Api {
    routes: axum::Router,
    parts: Parts,
}

impl Api {
    fn new() -> Self {
        Self::with(|service| service)
    }

    fn with(change: impl FnOnce(Service) -> Service) -> Self {
        let (service, parts) = service();
        Self { routes: axum::Router::new().nest("/v1", router(change(service))), parts }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(format!("/v1{path}"));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let (status, text) = self.send(Method::POST, path, body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let (status, text) = self.send(Method::GET, path, Body::empty()).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// A completion of one question, with further parameters.
    async fn chat(&self, model: &str, question: &str, further: Value) -> Value {
        let (status, answer) = self.try_chat(model, question, further).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    async fn try_chat(&self, model: &str, question: &str, further: Value) -> (StatusCode, Value) {
        let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": question }] });
        for (name, value) in further.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post("/chat/completions", &body).await
    }

    /// The events of a streamed completion.
    async fn stream(&self, model: &str, question: &str, further: Value) -> Vec<Value> {
        let mut body =
            json!({ "model": model, "stream": true, "messages": [{ "role": "user", "content": question }] });
        for (name, value) in further.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, text) = self.send(Method::POST, "/chat/completions", body.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let events = text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
        events
            .map(|event| if event == "[DONE]" { Value::Null } else { serde_json::from_str(event).unwrap() })
            .collect()
    }
}

/// The text of the first choice of chunks.
fn said(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

fn content(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().unwrap()
}
