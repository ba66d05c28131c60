//! A model whose words follow from the request: they tell what arrived. It keeps to stop texts, limits, seeds and constraints as far as
//! the tests look at them.
#![allow(clippy::unwrap_used, reason = "a lock that a failed test has poisoned fails the next")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use loquat_contract::{
    BoxStream, Constraint, Finish, GenerateRequest, LanguageModel, Logprob, ModelError, ModelIdentity,
    StopReason, Token,
};

/// The text that is written without an end.
pub(crate) const ENDLESS: &str = "count";

pub(crate) struct Writer {
    identity: ModelIdentity,
    pub(crate) requests: Mutex<Vec<GenerateRequest>>,
    /// How many answers were dropped before their end.
    pub(crate) dropped: Arc<AtomicUsize>,
}

impl Default for Writer {
    fn default() -> Self {
        let identity = ModelIdentity { name: "scripted".into(), sha256: "0123456789abcdef".repeat(4) };
        Self { identity, requests: Mutex::default(), dropped: Arc::default() }
    }
}

impl Writer {
    pub(crate) fn last(&self) -> GenerateRequest {
        self.requests.lock().unwrap().last().cloned().unwrap()
    }
}

struct Noticed {
    dropped: Arc<AtomicUsize>,
    has_ended: bool,
}

impl Drop for Noticed {
    fn drop(&mut self) {
        if !self.has_ended {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// What is written to a request.
fn text(request: &GenerateRequest) -> String {
    let last = request.messages.last().map_or("", |message| message.content.as_str());
    match &request.constraint {
        Some(Constraint::OneOf(names)) => names.last().cloned().unwrap_or_default(),
        Some(Constraint::JsonSchema(schema)) if schema.contains("\"city\"") => {
            r#"{"city": "Thimphu", "population": 114551}"#.to_owned()
        }
        Some(Constraint::JsonSchema(_)) => r#"{"any": true}"#.to_owned(),
        _ if last.contains("call it") => {
            r#"{"name": "weather", "arguments": {"city": "Thimphu"}}"#.to_owned()
        }
        _ if request.sampling.temperature > 0.0 => format!("seed {} says {last}", request.sampling.seed),
        _ => format!("you said {last}"),
    }
}

impl LanguageModel for Writer {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        self.requests.lock().unwrap().push(request.clone());
        let words = |text: &str| text.split_whitespace().count();
        let prompt: usize = request.messages.iter().map(|message| words(&message.content)).sum();
        if prompt > 1000 {
            let error = ModelError::ContextTooLong { prompt, context: 1000 };
            return stream::iter([Err(error)]).boxed();
        }
        let last = request.messages.last().map_or("", |message| message.content.as_str());
        match last {
            "refuse" => return stream::iter([Err(ModelError::Refused("no such token".into()))]).boxed(),
            "break" => {
                let error = ModelError::Runtime("a secret of the machine".into());
                return stream::iter([Err(error)]).boxed();
            }
            "break off" => {
                let items = [
                    Ok(Token::Prompt(2)),
                    Ok(Token::Text("so ".into())),
                    Err(ModelError::Runtime("a secret of the machine".into())),
                ];
                return stream::iter(items).boxed();
            }
            ENDLESS => return endless(self.dropped.clone()),
            _ => {}
        }
        let mut text = text(&request);
        if let Some(end) = request.stop.iter().filter_map(|stop| text.find(stop)).min() {
            text.truncate(end);
        }
        let pieces: Vec<&str> = text.split_inclusive(' ').collect();
        let kept = pieces.len().min(request.sampling.max_tokens);
        let reason = if kept < pieces.len() { StopReason::Length } else { StopReason::End };
        let mut items = vec![Ok(Token::Prompt(prompt))];
        for piece in &pieces[..kept] {
            if let Some(count) = request.logprobs {
                let likely = |text: &str| Logprob { text: text.to_owned(), logprob: -0.5 };
                let likeliest = (0..count).map(|rank| likely(&format!("{rank}\u{fffd}"))).collect();
                items.push(Ok(Token::Logprob { chosen: likely(piece), likeliest }));
            }
            items.push(Ok(Token::Text((*piece).to_owned())));
        }
        items.push(Ok(Token::Finish(Finish { reason, completion: kept })));
        stream::iter(items).boxed()
    }
}

/// Numbers, a few in a second, until nobody listens.
fn endless(dropped: Arc<AtomicUsize>) -> BoxStream<'static, Result<Token, ModelError>> {
    let state = (0_usize, Noticed { dropped, has_ended: false });
    let numbers = stream::unfold(state, |(number, noticed)| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok(Token::Text(format!("{number} "))), (number + 1, noticed)))
    });
    stream::iter([Ok(Token::Prompt(1))]).chain(numbers).boxed()
}
