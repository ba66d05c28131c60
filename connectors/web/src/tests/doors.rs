//! Who is let in: foreign sites, foreign names and wrong tokens are not.

use axum::http::{StatusCode, header};

use super::fakes::{ANN, FakeSink, ONE, ask, bearing, code, fixture, get, json, message, post, with};

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
async fn who_somebody_is_is_asked_for_everywhere_but_on_the_page() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    let one = format!("/api/conversations/{ONE}");
    for request in [
        get(&format!("{one}/events")),
        message(ONE, "1", "Hi"),
        ask("PUT", &format!("{one}/messages/1"), r#"{"text": "Hi"}"#),
        ask("DELETE", &format!("{one}/messages/1"), ""),
    ] {
        let refused = web.as_stranger(request).await;
        assert_eq!((refused.status(), code(refused).await.as_str()), (StatusCode::UNAUTHORIZED, "no_token"));
    }
    for path in ["/", "/health", "/api/bot"] {
        assert_eq!(web.as_stranger(get(path)).await.status(), StatusCode::OK, "{path}");
    }
    let wrong = bearing(message(ONE, "1", "Hi"), "sesam");
    assert_eq!(code(web.as_stranger(wrong).await).await, "wrong_token");
    assert!(sink.texts().is_empty());

    let session = json(web.as_stranger(post("/api/session", "{}")).await).await;
    assert!(session["person"]["id"].as_str().unwrap().starts_with("guest:"), "{session}");
    let token = session["token"].as_str().unwrap();
    let annes = format!("/api/conversations/{}/messages", web.id_of(ONE, ANN));
    let foreign = bearing(post(&annes, r#"{"id": "1", "text": "Hi"}"#), token);
    assert_eq!(code(web.as_stranger(foreign).await).await, "no_conversation");
    let right = bearing(message(ONE, "1", "Hi"), token);
    assert_eq!(web.as_stranger(right).await.status(), StatusCode::ACCEPTED);
    assert_eq!(sink.texts(), ["Hi"]);
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
