//! Which requests are let in at all. In: the headers `Host` and `Origin`. Out: the request, or 403.
//!
//! A page of another site can make a browser send requests here. `Origin` gives such a request away, and where the other
//! site points its own name at this machine (DNS rebinding), `Host` does.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{Site, problem};

/// Refuses foreign hosts and origins.
pub(super) async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    // HTTP/2 carries the host in the URI instead of the header.
    let authority = request.uri().authority().map(|a| a.as_str());
    let host = text(request.headers(), header::HOST).or(authority).unwrap_or_default();
    if !is_own_host(host, &site.config.allowed_hosts) {
        return problem(
            StatusCode::FORBIDDEN,
            "foreign_host",
            "this name does not belong to the bot; add it to web.allowed_hosts if it should",
        );
    }
    match text(request.headers(), header::ORIGIN) {
        Some(origin) if !is_own_origin(origin, host) => {
            problem(StatusCode::FORBIDDEN, "foreign_origin", "requests from other sites are refused")
        }
        _ => next.run(request).await,
    }
}

/// A header as text; one that is not text is as foreign as can be, so it reads as empty.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// An IP address cannot be rebound, and neither can `localhost`; every other name has to be configured.
fn is_own_host(host: &str, allowed: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ip, _)) => return ip.parse::<Ipv6Addr>().is_ok(),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
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
    use super::{is_own_host, is_own_origin};

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
}
