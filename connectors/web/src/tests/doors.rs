//! Who is let in: foreign sites, foreign names and wrong tokens are not.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::fakes::{FakeSink, ONE, ask, error, fixture, get, message, post};

fn with(mut request: Request<Body>, name: header::HeaderName, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test]
async fn another_sites_page_may_not_ask() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    for (name, value) in [
        (header::ORIGIN, "http://evil.example"),
        (header::ORIGIN, "http://127.0.0.1:9090"),
        (header::ORIGIN, "null"),
        (header::HOST, "evil.example"),
    ] {
        let refused = web.ask(with(message(ONE, "1", "Hi"), name, value)).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{value}");
    }
    for method in ["PUT", "DELETE"] {
        let change = ask(method, &format!("/api/conversations/{ONE}/messages/1"), r#"{"text": "Hi"}"#);
        let refused = web.ask(with(change, header::ORIGIN, "http://evil.example")).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{method}");
    }
    let form = with(message(ONE, "1", "Hi"), header::CONTENT_TYPE, "text/plain");
    assert_eq!(web.ask(form).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let events =
        with(get(&format!("/api/conversations/{ONE}/events")), header::ORIGIN, "http://evil.example");
    assert_eq!(web.ask(events).await.status(), StatusCode::FORBIDDEN);
    assert!(sink.texts().is_empty());
}

#[tokio::test]
async fn a_token_is_asked_for_everywhere_but_on_the_page() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), Some("sesame"));
    let one = format!("/api/conversations/{ONE}");
    for request in [
        get("/api/bot"),
        get(&format!("{one}/events")),
        message(ONE, "1", "Hi"),
        ask("PUT", &format!("{one}/messages/1"), r#"{"text": "Hi"}"#),
        ask("DELETE", &format!("{one}/messages/1"), ""),
    ] {
        assert_eq!(web.ask(request).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(web.ask(get("/")).await.status(), StatusCode::OK);
    assert_eq!(web.ask(get("/health")).await.status(), StatusCode::OK);

    let wrong = with(message(ONE, "1", "Hi"), header::AUTHORIZATION, "Bearer sesam");
    assert_eq!(web.ask(wrong).await.status(), StatusCode::UNAUTHORIZED);
    assert!(sink.texts().is_empty());
    let right = with(message(ONE, "1", "Hi"), header::AUTHORIZATION, "Bearer sesame");
    assert_eq!(web.ask(right).await.status(), StatusCode::ACCEPTED);
    assert_eq!(sink.texts(), ["Hi"]);
}

#[tokio::test]
async fn a_page_that_knows_the_token_gets_a_cookie() {
    let web = fixture(FakeSink::willing(), Some("sesame"));
    let refused = web.ask(post("/api/login", r#"{"token": "open"}"#)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(error(refused).await, "this is not the token");

    let login = web.ask(post("/api/login", r#"{"token": "sesame"}"#)).await;
    assert_eq!(login.status(), StatusCode::NO_CONTENT);
    let cookie = login.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("sesame"));
    let pair = cookie.split(';').next().unwrap();
    let events = with(get(&format!("/api/conversations/{ONE}/events")), header::COOKIE, pair);
    assert_eq!(web.ask(events).await.status(), StatusCode::OK);

    // The cookie of another token does not open this door.
    let other = fixture(FakeSink::willing(), Some("simsim"));
    let bot = with(get("/api/bot"), header::COOKIE, pair);
    assert_eq!(other.ask(bot).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_response_is_fenced_in() {
    let web = fixture(FakeSink::willing(), None);
    for path in ["/", "/chat.js", "/style.css", "/api/bot", "/nothing"] {
        let response = web.ask(get(path)).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
