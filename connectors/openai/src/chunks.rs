//! An answer as server-sent events. In: the pieces of its choices. Out: `data: {chat.completion.chunk}` … `data: [DONE]`.

use std::io::Write;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde_json::json;

use crate::chat::{Answer, unique};
use crate::delta::{Delta, Deltas};
use crate::error::ApiError;
use crate::wire::grounds::Grounds;
use crate::wire::response::{Called, ChunkChoice, Delta as Said, Logprobs, TokenLogprob, ToolCall, Usage};

/// How many pieces that are there at once go into one write.
const AT_ONCE: usize = 64;

/// The answer as a stream; with what it cost at its end, where that is wanted.
pub(crate) fn stream(answer: Answer, usage: bool, keep_alive: Duration) -> Response {
    let events = kept_alive(events(answer, usage), keep_alive).map(Ok::<_, std::convert::Infallible>);
    // The last header asks nginx not to hold the stream back.
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        ("x-accel-buffering", "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// Where nothing comes for so long, a comment, which clients pass over: no proxy takes the connection for dead.
fn kept_alive(
    events: impl Stream<Item = Bytes> + Send + 'static,
    patience: Duration,
) -> impl Stream<Item = Bytes> + Send + 'static {
    stream::unfold(Box::pin(events), move |mut events| async move {
        match tokio::time::timeout(patience, events.next()).await {
            Ok(event) => Some((event?, events)),
            Err(_) => Some((Bytes::from_static(b": still at it\n\n"), events)),
        }
    })
}

enum Step {
    Begin,
    Piece(usize, Result<Delta, ApiError>),
    End,
}

fn events(answer: Answer, usage: bool) -> impl Stream<Item = Bytes> + Send + 'static {
    let Answer { id, created, model, fingerprint, choices } = answer;
    let mut writer = Writer {
        head: head(&id, created, &model, fingerprint.as_deref()),
        tail: if usage { ",\"usage\":null}\n\n" } else { "}\n\n" },
        usage: usage.then(Usage::default),
        logprobs: choices.iter().map(|_| Vec::new()).collect(),
        grounds: None,
        has_failed: false,
    };
    let numbered =
        |(index, deltas): (usize, Deltas)| deltas.map(move |delta| Step::Piece(index, delta)).boxed();
    let mut pieces: Vec<_> = choices.into_iter().enumerate().map(numbered).collect();
    // Watching several takes time, and mostly there is one.
    let pieces = match pieces.pop() {
        Some(only) if pieces.is_empty() => only,
        last => stream::select_all(pieces.into_iter().chain(last)).boxed(),
    };
    stream::iter([Step::Begin]).chain(pieces).chain(stream::iter([Step::End])).ready_chunks(AT_ONCE).scan(
        (),
        move |(), steps| {
            // What comes behind an error is not told.
            let bytes = (!writer.has_failed).then(|| writer.write(steps));
            std::future::ready(bytes)
        },
    )
}

/// What every chunk begins with.
fn head(id: &str, created: u64, model: &str, fingerprint: Option<&str>) -> String {
    let fields = json!({
        "id": id, "object": "chat.completion.chunk", "created": created, "model": model,
        "service_tier": "default", "system_fingerprint": fingerprint,
    });
    let fields = fields.to_string();
    format!("data: {},\"choices\":[", fields.trim_end_matches('}'))
}

struct Writer {
    head: String,
    tail: &'static str,
    usage: Option<Usage>,
    /// The tokens of each choice whose text has not come yet.
    logprobs: Vec<Vec<TokenLogprob>>,
    /// What a grounded answer rests on, until its end.
    grounds: Option<Box<Grounds>>,
    has_failed: bool,
}

impl Writer {
    fn write(&mut self, steps: Vec<Step>) -> Bytes {
        let mut out = Vec::with_capacity(steps.len() * (self.head.len() + 128));
        for step in steps {
            match step {
                Step::Begin => (0..self.logprobs.len()).for_each(|index| {
                    let said = Said { role: Some("assistant"), content: Some(""), ..Said::default() };
                    self.chunk(&mut out, index, said, None);
                }),
                Step::Piece(index, Ok(delta)) => self.piece(&mut out, index, delta),
                Step::Piece(_, Err(error)) => {
                    self.has_failed = true;
                    event(&mut out, &error.envelope());
                    return out.into();
                }
                Step::End => self.end(&mut out),
            }
        }
        out.into()
    }

    fn piece(&mut self, out: &mut Vec<u8>, index: usize, delta: Delta) {
        match delta {
            Delta::Prompt(count) => {
                if let Some(usage) = &mut self.usage {
                    // The choices of a request share their prompt.
                    usage.prompt_tokens = usage.prompt_tokens.max(count);
                }
            }
            Delta::Text(text) if self.logprobs[index].is_empty() => self.text(out, index, &text),
            Delta::Text(text) => {
                self.chunk(out, index, Said { content: Some(&text), ..Said::default() }, None);
            }
            Delta::Logprob(token) => self.logprobs[index].push(*token),
            Delta::Call(name) => {
                let function = Called { name: Some(name), arguments: String::new() };
                let (id, kind) = (Some(unique("call_")), Some("function"));
                let call = ToolCall { index: Some(0), id, kind, function };
                self.chunk(out, index, Said { tool_calls: Some([call]), ..Said::default() }, None);
            }
            Delta::Arguments(arguments) => {
                let function = Called { name: None, arguments };
                let call = ToolCall { index: Some(0), id: None, kind: None, function };
                self.chunk(out, index, Said { tool_calls: Some([call]), ..Said::default() }, None);
            }
            Delta::Annotations(annotations) => {
                self.chunk(out, index, Said { annotations: Some(&annotations), ..Said::default() }, None);
            }
            // With the end, as clients look for a choice in every chunk.
            Delta::Grounds(grounds) => self.grounds = Some(grounds),
            Delta::Finish { reason, completion } => {
                if !self.logprobs[index].is_empty() {
                    self.chunk(out, index, Said { content: Some(""), ..Said::default() }, None);
                }
                self.chunk(out, index, Said::default(), Some(reason));
                if let Some(usage) = &mut self.usage {
                    usage.completion_tokens += completion;
                }
            }
        }
    }

    /// The chunk of which there are the most, written without looking at what it does not have.
    fn text(&self, out: &mut Vec<u8>, index: usize, text: &str) {
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(b"{\"index\":");
        json_to(out, &index);
        out.extend_from_slice(b",\"delta\":{\"content\":");
        json_to(out, text);
        out.extend_from_slice(b"},\"logprobs\":null,\"finish_reason\":null}]");
        out.extend_from_slice(self.tail.as_bytes());
    }

    fn chunk(&mut self, out: &mut Vec<u8>, index: usize, delta: Said<'_>, finish: Option<&'static str>) {
        let content = match delta.content {
            Some(_) => std::mem::take(&mut self.logprobs[index]),
            None => Vec::new(),
        };
        let logprobs = (!content.is_empty()).then_some(Logprobs { content, refusal: None });
        let choice = ChunkChoice { index, delta, logprobs: logprobs.as_ref(), finish_reason: finish };
        out.extend_from_slice(self.head.as_bytes());
        json_to(out, &choice);
        out.push(b']');
        if let Some(grounds) = self.grounds.take_if(|_| finish.is_some()) {
            out.extend_from_slice(b",\"loquat\":");
            json_to(out, &grounds);
        }
        out.extend_from_slice(self.tail.as_bytes());
    }

    fn end(&self, out: &mut Vec<u8>) {
        if let Some(usage) = self.usage {
            let usage = Usage::new(usage.prompt_tokens, usage.completion_tokens);
            out.extend_from_slice(self.head.as_bytes());
            out.extend_from_slice(b"],\"usage\":");
            json_to(out, &usage);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

fn event(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    out.extend_from_slice(b"data: ");
    json_to(out, value);
    out.extend_from_slice(b"\n\n");
}

fn json_to(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    // Nothing here has a map with keys that are no texts, so that this does not fail; and memory takes what is written.
    if serde_json::to_writer(&mut *out, value).is_err() {
        let _written_to_memory = out.write_all(b"null");
    }
}
