//! Which requests are let in at all. In: the headers `Host` and `Origin`. Out: the request, or 403.
//!
//! A page of another site can make a browser send requests here. `Origin` gives such a request away, and where the other
//! site points its own name at this machine (DNS rebinding), `Host` does.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{Origins, Site, problem};

/// How long a browser need not ask again whether it may ask.
const PREFLIGHT: Duration = Duration::from_secs(3600);

/// Refuses foreign hosts and origins.
pub(super) async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    match foreign(&site, &request) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

fn foreign(site: &Site, request: &Request) -> Option<Response> {
    let host = host(request);
    if !is_own_host(host, &site.config.allowed_hosts) {
        let words = "this name does not belong to the bot; add it to web.allowed_hosts if it should";
        return Some(problem(StatusCode::FORBIDDEN, "foreign_host", words));
    }
    let origin = text(request.headers(), header::ORIGIN)?;
    if is_own_origin(origin, host) || site.origins.has(origin) && !site.is_private(request.uri().path()) {
        return None;
    }
    let words = "requests from other sites are refused; add the site to web.origins if it may ask";
    Some(problem(StatusCode::FORBIDDEN, "foreign_origin", words))
}

/// Lets pages of those sites read what is answered. They bear no cookies, because there are none.
pub(super) fn cross_origin(origins: &Origins) -> CorsLayer {
    let list = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(list))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([header::RETRY_AFTER])
        .max_age(PREFLIGHT)
}

/// The name by which the bot was asked. HTTP/2 carries it in the URI instead of the header.
pub(super) fn host(request: &Request) -> &str {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    text(request.headers(), header::HOST).or(authority).unwrap_or_default()
}

/// A header as text; one that is not text is as foreign as can be, so it reads as empty.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// A name without its port.
fn name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ip, _)) => ip,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether this machine was asked by a name that only means itself.
pub(super) fn is_here(host: &str) -> bool {
    let name = name(host);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// An IP address cannot be rebound, and neither can `localhost`; every other name has to be configured.
fn is_own_host(host: &str, allowed: &[String]) -> bool {
    let name = name(host);
    if host.starts_with('[') {
        return name.parse::<Ipv6Addr>().is_ok();
    }
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok()
        || allowed.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Whether the page that asks was served from `host`.
fn is_own_origin(origin: &str, host: &str) -> bool {
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::{is_here, is_own_host, is_own_origin};

    #[test]
    fn names_are_foreign_until_configured() {
        let allowed = vec!["chat.example.org".to_owned()];
        for host in
            ["localhost:8080", "LOCALHOST", "127.0.0.1:8080", "192.168.1.7", "[::1]:8080", "chat.example.org"]
        {
            assert!(is_own_host(host, &allowed), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example:8080", "[evil]", "example.org"] {
            assert!(!is_own_host(host, &allowed), "{host}");
        }
    }

    #[test]
    fn an_origin_must_name_the_same_host_and_port() {
        assert!(is_own_origin("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(is_own_origin("https://chat.example.org", "chat.example.org"));
        for origin in ["null", "http://127.0.0.1:9090", "http://evil.example", "file://127.0.0.1:8080", ""] {
            assert!(!is_own_origin(origin, "127.0.0.1:8080"), "{origin}");
        }
    }

    #[test]
    fn only_loopback_names_mean_this_machine() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.8.8.8", "[::1]:80"] {
            assert!(is_here(host), "{host}");
        }
        for host in ["", "192.168.1.7", "localhost.evil.example", "[2001:db8::1]", "chat.example.org"] {
            assert!(!is_here(host), "{host}");
        }
    }
}
