//! The page itself. In: nothing. Out: the files under `page/`, built into the binary, and headers that fence them in.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;

use super::Site;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, content type and content of every file.
const FILES: [(&str, &str, &str); 12] = [
    ("/", HTML, include_str!("../../page/index.html")),
    ("/style.css", CSS, include_str!("../../page/style.css")),
    ("/icon.svg", SVG, include_str!("../../page/icon.svg")),
    ("/answer.js", SCRIPT, include_str!("../../page/answer.js")),
    ("/chat.js", SCRIPT, include_str!("../../page/chat.js")),
    ("/composer.js", SCRIPT, include_str!("../../page/composer.js")),
    ("/connection.js", SCRIPT, include_str!("../../page/connection.js")),
    ("/element.js", SCRIPT, include_str!("../../page/element.js")),
    ("/sources.js", SCRIPT, include_str!("../../page/sources.js")),
    ("/transcript.js", SCRIPT, include_str!("../../page/transcript.js")),
    ("/why.js", SCRIPT, include_str!("../../page/why.js")),
    ("/words.js", SCRIPT, include_str!("../../page/words.js")),
];

/// A route for every file.
pub(super) fn routes() -> Router<Arc<Site>> {
    FILES.iter().fold(Router::new(), |router, (path, kind, content)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, *kind)], *content)))
    })
}

/// Nothing but this server's own files may run, load or be asked, and no other page may frame this one.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The headers that every response carries.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds the headers, and keeps what is not said otherwise from being kept: a new binary means a new page.
pub(super) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
