//! The page itself. In: nothing. Out: the files under `page/`, built into the binary, with what a browser may do with them. It has no data in
//! it, so anybody may have it.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, content type and content of every file.
const FILES: [(&str, &str, &str); 15] = [
    ("/", HTML, include_str!("../page/index.html")),
    ("/style.css", CSS, include_str!("../page/style.css")),
    ("/icon.svg", SVG, include_str!("../page/icon.svg")),
    ("/admin.js", SCRIPT, include_str!("../page/admin.js")),
    ("/api.js", SCRIPT, include_str!("../page/api.js")),
    ("/element.js", SCRIPT, include_str!("../page/element.js")),
    ("/words.js", SCRIPT, include_str!("../page/words.js")),
    ("/overview.js", SCRIPT, include_str!("../page/overview.js")),
    ("/plot.js", SCRIPT, include_str!("../page/plot.js")),
    ("/ledger.js", SCRIPT, include_str!("../page/ledger.js")),
    ("/entry.js", SCRIPT, include_str!("../page/entry.js")),
    ("/conversations.js", SCRIPT, include_str!("../page/conversations.js")),
    ("/feedback.js", SCRIPT, include_str!("../page/feedback.js")),
    ("/gaps.js", SCRIPT, include_str!("../page/gaps.js")),
    ("/system.js", SCRIPT, include_str!("../page/system.js")),
];

/// Only these files run, nothing inline does, text cannot become markup, and no page may frame this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// The page, to be mounted at `/admin` for everybody.
pub fn page() -> Router {
    let routes = FILES.iter().fold(Router::new(), |router, (path, kind, content)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, *kind)], *content)))
    });
    routes.layer(middleware::map_response(async |mut response: Response| {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (header::CACHE_CONTROL, "no-cache"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }))
}
