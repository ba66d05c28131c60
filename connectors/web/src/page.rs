//! The chat's own files. In: a path. Out: the file under `page/`, built into the binary, packed, and kept by browsers for as long as
//! it is the same. Knows nothing of any conversation.
//!
//! | Path | What | How long it is kept |
//! |---|---|---|
//! | `/` | the full page | asked for again each time |
//! | `/widget.js` | the script that other sites name | asked for again each time |
//! | `/words/en.json` | the words of a language, to be translated | asked for again each time |
//! | `/assets/{version}/…` | the chat itself, and its words | for good: another content has another version |
//!
//! Which other sites may use them is the server's matter (`web.origins`).

mod files;
mod join;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::serve::{Site, problem};
use files::{File, Files};

const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

static FILES: LazyLock<Files> = LazyLock::new(Files::read);

/// A route for every file.
pub(crate) fn routes() -> Router<Arc<Site>> {
    let words =
        async |Path(name): Path<String>, headers: HeaderMap| named(&format!("words/{name}"), &headers);
    Router::new()
        .route("/", get(async |headers: HeaderMap| named("index.html", &headers)))
        .route("/widget.js", get(async |headers: HeaderMap| named("widget.js", &headers)))
        .route("/icon.svg", get(async |headers: HeaderMap| named("icon.svg", &headers)))
        .route("/words/{name}", get(words))
        .route("/assets/{version}/{*name}", get(asset))
}

/// A file that is asked for again each time.
fn named(name: &str, headers: &HeaderMap) -> Response {
    answer(name, ASK_AGAIN, headers)
}

/// A file of a version. One of another version, which an open page of before an update may ask for, is the one of now.
async fn asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    answer(&name, if version == FILES.version { FOR_GOOD } else { ASK_AGAIN }, &headers)
}

fn answer(name: &str, cache: &'static str, headers: &HeaderMap) -> Response {
    let Some(file) = FILES.find(name) else {
        return problem(StatusCode::NOT_FOUND, "not_found", "there is no such file");
    };
    let is_packed = takes_gzip(headers);
    let tag = if is_packed { &file.packed_tag } else { &file.tag };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { content(file, is_packed) };
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(tag).ok().map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // A script tag of another site loads the widget; what may be asked from there, `web.origins` says.
    if name != "index.html" {
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
    response
}

fn content(file: &'static File, is_packed: bool) -> Response {
    let kind = [(header::CONTENT_TYPE, file.kind)];
    match is_packed {
        true => (kind, [(header::CONTENT_ENCODING, "gzip")], file.packed.as_slice()).into_response(),
        false => (kind, file.content.as_slice()).into_response(),
    }
}

/// Whether the browser unpacks gzip: it names it, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

#[cfg(test)]
mod tests;
