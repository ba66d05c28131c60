//! Headers that fence every page in. In: a response. Out: the same, with what a browser may do with it, and a nonce that is good for this
//! response alone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Origins, Site};

/// The headers that every response carries.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// A year, as the preload list wants it.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// What a script or style of the page bears in its attribute `nonce`, to be let run. It is among the extensions of each `GET` request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nonce(pub(crate) String);

impl Nonce {
    fn new() -> Option<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        Some(Self(URL_SAFE_NO_PAD.encode(random)))
    }
}

/// What is the same for every response of a bot.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    pictures: &'static str,
    ancestors: String,
    has_origins: bool,
    tls: bool,
}

impl Fence {
    pub(crate) fn new(origins: &Origins, images: bool, tls: bool) -> Self {
        let ancestors: Vec<&str> = origins.iter().collect();
        let has_origins = !ancestors.is_empty();
        Self {
            pictures: if images { " https:" } else { "" },
            ancestors: if has_origins {
                format!("'self' {}", ancestors.join(" "))
            } else {
                "'none'".to_owned()
            },
            has_origins,
            tls,
        }
    }

    /// Nothing but this server's own files and what bears the nonce may run; nothing else is loaded or asked.
    fn policy(&self, nonce: Option<&Nonce>) -> String {
        let nonce = nonce.map_or(String::new(), |Nonce(nonce)| format!(" 'nonce-{nonce}'"));
        let Self { pictures, ancestors, .. } = self;
        format!(
            "default-src 'self'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data: blob:{pictures}; \
             media-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
             frame-ancestors {ancestors}"
        )
    }
}

/// Adds the headers, and keeps what is not said otherwise from being kept: a new binary means a new page.
pub(super) async fn secure(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let fence = &site.fence;
    let nonce = (*request.method() == Method::GET).then(Nonce::new).flatten();
    if let Some(nonce) = &nonce {
        request.extensions_mut().insert(nonce.clone());
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let strict = fence.tls && !super::access::is_here(host);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&fence.policy(nonce.as_ref())) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    // What is older than `frame-ancestors` knows no list of sites.
    if !fence.has_origins {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if strict {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(STRICT_TRANSPORT));
    }
    // The files of the widget say that they may be loaded by a script tag of another site.
    headers.entry(RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}
