//! The page itself. In: nothing. Out: the files under `page/`, built into the binary.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;

use crate::serve::Site;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, content type and content of every file.
const FILES: [(&str, &str, &str); 12] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/style.css", CSS, include_str!("../page/style.css")),
    ("/icon.svg", SVG, include_str!("../page/icon.svg")),
    ("/answer.js", SCRIPT, include_str!("../page/answer.js")),
    ("/chat.js", SCRIPT, include_str!("../page/chat.js")),
    ("/composer.js", SCRIPT, include_str!("../page/composer.js")),
    ("/connection.js", SCRIPT, include_str!("../page/connection.js")),
    ("/element.js", SCRIPT, include_str!("../page/element.js")),
    ("/sources.js", SCRIPT, include_str!("../page/sources.js")),
    ("/transcript.js", SCRIPT, include_str!("../page/transcript.js")),
    ("/why.js", SCRIPT, include_str!("../page/why.js")),
    ("/words.js", SCRIPT, include_str!("../page/words.js")),
];

/// A route for every file.
pub(crate) fn routes() -> Router<Arc<Site>> {
    FILES.iter().fold(Router::new(), |router, (path, kind, content)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, *kind)], *content)))
    })
}
