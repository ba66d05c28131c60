//! The parameters of a method as a client may send them: in the address, as a form, as JSON, or in several parts with files. In
//! goes an HTTP request; out comes [`Params`], where every value is text, as the real server keeps them.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::refusal::Refusal;

/// The largest request that is read: the Bot API takes files of up to 50 MB.
const LARGEST: usize = 52 << 20;

/// What a method was called with.
#[derive(Clone, Default)]
pub struct Params {
    /// The values by name; what is not text is there as JSON.
    pub values: BTreeMap<String, String>,
    /// The files by the name of their part.
    pub files: BTreeMap<String, Upload>,
}

/// A file that came with a request.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// Its MIME type, where the client says one.
    pub mime: Option<String>,
    /// What is in it.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.values.iter().filter(|(name, _)| *name != "secret_token");
        f.debug_map()
            .entries(shown)
            .entries(self.files.iter().map(|(name, file)| (name, &file.name)))
            .finish()
    }
}

impl Params {
    /// Reads them from a request.
    pub(crate) async fn read(request: Request<Body>) -> Result<Self, Refusal> {
        let mut params = Self::default();
        params.form(request.uri().query().unwrap_or_default());
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        // To its last byte, also where a form ends before: else the connection could not be used again.
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LARGEST)
            .await
            .map_err(|_| Refusal::new(413, "Request Entity Too Large"))?;
        if kind.starts_with("multipart/form-data") {
            params.parts(Request::from_parts(head, Body::from(body))).await?;
        } else if kind.starts_with("application/json") {
            params.json_body(&body)?;
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            params.form(&String::from_utf8_lossy(&body));
        }
        Ok(params)
    }

    /// The values of a JSON object, as a webhook's answer has them too.
    pub(crate) fn json_body(&mut self, body: &[u8]) -> Result<(), Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let Ok(Value::Object(values)) = serde_json::from_slice(body) else {
            return Err(Refusal::bad("can't parse JSON object"));
        };
        for (name, value) in values {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    self.values.insert(name, text);
                }
                other => {
                    self.values.insert(name, other.to_string());
                }
            }
        }
        Ok(())
    }

    fn form(&mut self, text: &str) {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.values.insert(decoded(name), decoded(value));
        }
    }

    async fn parts(&mut self, request: Request<Body>) -> Result<(), Refusal> {
        let broken = || Refusal::bad("failed to parse request");
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| broken())?;
        while let Some(part) = parts.next_field().await.map_err(|_| broken())? {
            let name = part.name().unwrap_or_default().to_owned();
            if let Some(file) = part.file_name().map(str::to_owned) {
                let mime = part.content_type().map(str::to_owned);
                let bytes = part.bytes().await.map_err(|_| broken())?;
                self.files.insert(name, Upload { name: file, mime, bytes });
            } else {
                self.values.insert(name, part.text().await.map_err(|_| broken())?);
            }
        }
        Ok(())
    }

    /// A value, unless it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.trim().parse().ok()
    }

    /// A flag; what is missing is not set.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "1"))
    }

    /// A value that is an object or a list.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match serde_json::from_str(text) {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Refusal::bad(format!("can't parse {} JSON object", name.replace('_', " ")))),
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}
