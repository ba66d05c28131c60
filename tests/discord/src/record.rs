//! What was asked for, to look at afterwards.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;

use crate::Discord;
use crate::faults::{self, Fault};

/// A request to the API.
#[derive(Clone)]
pub struct Request {
    /// Method and path without `/api/v10`: `POST /channels/12/messages`.
    pub route: String,
    /// What stood behind `?`.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it was.
    pub body: Bytes,
    /// Its body's JSON, also where that was one part among files; `Null` where there is none.
    pub json: Value,
    /// When it came.
    pub at: Instant,
    /// What went wrong with it by a test's order.
    pub fault: Option<Fault>,
    /// What it was answered with, once it is.
    pub status: Option<u16>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the headers: the token is one.
        let mut shown = f.debug_struct("Request");
        shown.field("route", &self.route).field("query", &self.query).field("json", &self.json);
        shown.field("fault", &self.fault).field("status", &self.status).finish_non_exhaustive()
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Requests(Mutex<Vec<Request>>);

impl Requests {
    /// Keeps one; the number is for its answer.
    pub(crate) fn keep(&self, request: Request) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(request);
        all.len() - 1
    }

    pub(crate) fn answered(&self, number: usize, status: u16) {
        if let Some(request) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(number) {
            request.status = Some(status);
        }
    }
}

/// The JSON in a body.
pub(crate) fn json_of(headers: &HeaderMap, body: &[u8]) -> Value {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some((_, boundary)) = kind.split_once("boundary=").filter(|_| kind.starts_with("multipart/")) else {
        return serde_json::from_slice(body).unwrap_or_default();
    };
    let mark = format!("--{}", boundary.trim_matches('"'));
    let text = String::from_utf8_lossy(body);
    let part = text
        .split(&mark)
        .find(|part| part.contains("name=\"payload_json\"") || part.contains("name=payload_json"));
    let json = part.and_then(|part| part.split_once("\r\n\r\n")).map(|(_, json)| json.trim());
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

impl Discord {
    /// The requests of a route so far, in order. A route is a method and a path without `/api/v10`, in which `*` stands for
    /// anything.
    pub fn requests(&self, route: &str) -> Vec<Request> {
        let all = self.shared.requests.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|request| faults::matches(route, &request.route)).cloned().collect()
    }
}
