//! Other sites: which may ask, what browsers are told, and what the page may do.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::get as on_get;
use axum::{Extension, Router};

use super::fakes::{FakeSink, Fixture, code, fixture, fixture_on, fixture_with, get, message, post, with};
use crate::serve::{Nonce, Origins};
use crate::{Access, Config, Scope, WebError, bind};

const SITE: &str = "https://www.example.org";

fn web() -> Fixture {
    fixture_with(FakeSink::willing(), Config { origins: vec![SITE.into()], ..Config::default() })
}

fn preflight(path: &str, origin: &str) -> Request<Body> {
    let request = Request::options(path)
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,last-event-id");
    request.body(Body::empty()).unwrap()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn a_named_site_may_ask_and_no_other() {
    let web = web();
    let asked = web.as_stranger(preflight("/api/session", SITE)).await;
    assert_eq!(asked.status(), StatusCode::OK);
    let headers = asked.headers();
    assert_eq!(text(headers, "access-control-allow-origin"), SITE);
    let allowed = text(headers, "access-control-allow-headers").to_lowercase();
    assert!(["authorization", "content-type", "last-event-id"].iter().all(|name| allowed.contains(name)));
    assert!(
        ["POST", "PUT", "DELETE"].iter().all(|m| text(headers, "access-control-allow-methods").contains(m))
    );
    assert!(headers.get("access-control-allow-credentials").is_none(), "there are no cookies");

    let said = web.ask(with(message(super::fakes::ONE, "1", "Hi"), header::ORIGIN, SITE)).await;
    assert_eq!(said.status(), StatusCode::ACCEPTED);
    assert_eq!(text(said.headers(), "access-control-allow-origin"), SITE);
    // A refusal is readable for the site's page, too.
    let refused = web.as_stranger(with(message(super::fakes::ONE, "1", "Hi"), header::ORIGIN, SITE)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(text(refused.headers(), "access-control-allow-origin"), SITE);

    for other in
        ["http://www.example.org", "https://example.org", "https://www.example.org.evil.example", "null"]
    {
        for request in
            [preflight("/api/session", other), with(post("/api/session", "{}"), header::ORIGIN, other)]
        {
            let refused = web.as_stranger(request).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{other}");
            assert!(refused.headers().get("access-control-allow-origin").is_none(), "{other}");
        }
    }
}

#[tokio::test]
async fn without_named_sites_nobody_else_asks_or_frames() {
    let web = fixture(FakeSink::willing(), None);
    assert_eq!(web.as_stranger(preflight("/api/session", SITE)).await.status(), StatusCode::FORBIDDEN);
    let page = web.as_stranger(get("/")).await;
    assert_eq!(text(page.headers(), "x-frame-options"), "DENY");
    assert!(text(page.headers(), "content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(text(page.headers(), "cross-origin-resource-policy"), "same-origin");
}

#[tokio::test]
async fn named_sites_may_frame_the_page() {
    let page = web().as_stranger(get("/")).await;
    let policy = text(page.headers(), "content-security-policy");
    assert!(policy.contains("frame-ancestors 'self' https://www.example.org"), "{policy}");
    assert!(page.headers().get("x-frame-options").is_none());
}

#[tokio::test]
async fn what_operators_see_is_for_no_other_site() {
    let bound = bind(&Config { port: 0, origins: vec![SITE.into()], ..Config::default() }).unwrap();
    let router = || Router::new().route("/", on_get(async || "seen"));
    let bound = bound.mount("/admin", Access::Public, router()).unwrap();
    let bound = bound.mount("/data", Access::Key(Scope::Operator), router()).unwrap();
    let bound = bound.mount("/v1", Access::Key(Scope::Chat), router()).unwrap();
    let web = fixture_on(FakeSink::willing(), bound);
    for (path, status) in
        [("/admin", StatusCode::FORBIDDEN), ("/data", StatusCode::FORBIDDEN), ("/v1", StatusCode::OK)]
    {
        let answered = web.as_stranger(preflight(path, SITE)).await;
        assert_eq!(answered.status(), status, "{path}");
    }
    let asked = web.as_stranger(with(get("/admin"), header::ORIGIN, SITE)).await;
    assert_eq!(code(asked).await, "foreign_origin");
}

#[tokio::test]
async fn each_response_has_a_nonce_of_its_own() {
    let bound = bind(&Config { port: 0, ..Config::default() }).unwrap();
    let router = Router::new().route("/", on_get(async |Extension(Nonce(nonce)): Extension<Nonce>| nonce));
    let web = fixture_on(FakeSink::willing(), bound.mount("/nonce", Access::Public, router).unwrap());
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = web.as_stranger(get("/nonce")).await;
        let policy = text(response.headers(), "content-security-policy").to_owned();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        let nonce = String::from_utf8(body.to_vec()).unwrap();
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        assert!(policy.contains(&format!("script-src 'self' 'nonce-{nonce}'")), "{policy}");
        assert!(!seen.contains(&nonce));
        seen.push(nonce);
    }
}

#[tokio::test]
async fn what_a_route_says_of_itself_stays() {
    let bound = bind(&Config { port: 0, ..Config::default() }).unwrap();
    let strict = [(header::CONTENT_SECURITY_POLICY, "sandbox"), (header::CACHE_CONTROL, "no-store")];
    let router = Router::new().route("/", on_get(async move || (strict, "file")));
    let web = fixture_on(FakeSink::willing(), bound.mount("/file", Access::Public, router).unwrap());
    let response = web.as_stranger(get("/file")).await;
    assert_eq!(text(response.headers(), "content-security-policy"), "sandbox");
    assert_eq!(text(response.headers(), "cache-control"), "no-store");
    assert_eq!(text(response.headers(), "x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn pictures_of_other_sites_are_shown_only_where_that_is_allowed() {
    let pictures = |images: bool| async move {
        let web = fixture_with(FakeSink::willing(), Config { images, ..Config::default() });
        let page = web.as_stranger(get("/")).await;
        let policy = text(page.headers(), "content-security-policy").to_owned();
        policy.split(';').find(|part| part.trim().starts_with("img-src")).unwrap().contains("https:")
    };
    assert!(!pictures(false).await);
    assert!(pictures(true).await);
}

#[test]
fn what_is_no_origin_stops_the_start() {
    for wrong in ["*", "www.example.org", "https://www.example.org/chat", "https://a.example; script-src *"] {
        let config = Config { port: 0, origins: vec![wrong.into()], ..Config::default() };
        assert!(matches!(bind(&config), Err(WebError::Origin(_))), "{wrong}");
        assert!(Origins::new(&[wrong.into()]).is_err());
    }
}
