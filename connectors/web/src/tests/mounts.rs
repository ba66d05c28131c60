//! What the host serves beside the chat: who may ask, what is checked before it, and when the bot is ready.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{StatusCode, header};
use axum::routing::{get as on_get, post as on_post};
use axum::{Extension, Router};
use loquat_contract::Person;
use secrecy::{ExposeSecret, SecretString};

use super::fakes::{
    FakeSink, Fixture, ONE, bearing, code, fixture_on, fixture_with, get, json, message, over, post, with,
};
use crate::{Access, Bound, Config, Keys, Limits, Scope, WebError, bind};

fn router() -> Router {
    let whose = async |person: Option<Extension<Person>>| {
        person.map_or("nobody".to_owned(), |Extension(person)| person.to_string())
    };
    Router::new().route("/models", on_get(whose)).route("/chat", on_post(async |body: String| body))
}

fn mounted(config: Config, folder: &std::path::Path) -> Bound {
    let bound = bind(&Config { port: 0, ..config }).unwrap().keep_in(folder).unwrap();
    let bound = bound.mount("/v1", Access::Key(Scope::Chat), router()).unwrap();
    let bound = bound.mount("/admin/data", Access::Key(Scope::Operator), router()).unwrap();
    bound.mount("/admin", Access::Public, Router::new().route("/", on_get(async || "shell"))).unwrap()
}

fn key(folder: &std::path::Path, name: &str, scope: Scope) -> SecretString {
    Keys::kept_in(folder).make(name, BTreeSet::from([scope])).unwrap()
}

async fn status(web: &Fixture, path: &str, bearer: Option<&str>) -> StatusCode {
    let request = bearer.map_or(get(path), |bearer| bearing(get(path), bearer));
    web.as_stranger(request).await.status()
}

#[tokio::test]
async fn a_key_opens_what_its_scope_says() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { token: Some("sesame".into()), ..Config::default() };
    let web = fixture_on(FakeSink::willing(), mounted(config, folder.path()));
    let chat = key(folder.path(), "shop", Scope::Chat);
    let operator = key(folder.path(), "ann", Scope::Operator);
    let (chat, operator) = (chat.expose_secret(), operator.expose_secret());
    for (path, bearer, expected) in [
        ("/v1/models", None, StatusCode::UNAUTHORIZED),
        ("/v1/models", Some("sesame"), StatusCode::UNAUTHORIZED),
        ("/v1/models", Some("lq_wrong"), StatusCode::UNAUTHORIZED),
        ("/v1/models", Some(chat), StatusCode::OK),
        ("/v1/models", Some(operator), StatusCode::FORBIDDEN),
        ("/v1/models", Some(web.token.as_str()), StatusCode::FORBIDDEN),
        ("/admin/data/models", None, StatusCode::UNAUTHORIZED),
        ("/admin/data/models", Some(chat), StatusCode::FORBIDDEN),
        ("/admin/data/models", Some(web.token.as_str()), StatusCode::FORBIDDEN),
        ("/admin/data/models", Some(operator), StatusCode::OK),
        ("/admin/data/none", None, StatusCode::NOT_FOUND),
        ("/admin/data/none", Some(operator), StatusCode::NOT_FOUND),
        ("/admin", None, StatusCode::OK),
        ("/v1", None, StatusCode::NOT_FOUND),
    ] {
        assert_eq!(status(&web, path, bearer).await, expected, "{path}");
    }
    let whose = web.as_stranger(bearing(get("/v1/models"), chat)).await;
    let body = http_body_util::BodyExt::collect(whose.into_body()).await.unwrap().to_bytes();
    assert_eq!(body, "web:key:shop");
    Keys::kept_in(folder.path()).revoke("shop").unwrap();
    assert_eq!(status(&web, "/v1/models", Some(chat)).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_program_with_a_key_chats_without_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let sink = FakeSink::willing();
    let config = Config { token: Some("sesame".into()), max_message_chars: 20, ..Config::default() };
    let web = fixture_on(sink.clone(), mounted(config, folder.path()));
    let (chat, operator) =
        (key(folder.path(), "shop", Scope::Chat), key(folder.path(), "ann", Scope::Operator));
    let said = web.as_stranger(bearing(message(ONE, "1", "Hi"), chat.expose_secret())).await;
    assert_eq!(said.status(), StatusCode::ACCEPTED);
    let said = web.as_stranger(bearing(message(ONE, "2", "Hi"), operator.expose_secret())).await;
    assert_eq!(code(said).await, "wrong_scope");
    assert_eq!(sink.texts(), ["Hi"]);
}

#[tokio::test]
async fn on_this_machine_programs_need_no_key_where_nothing_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let start = |config: Config| fixture_on(FakeSink::willing(), mounted(config, folder.path()));
    let web = start(Config::default());
    for bearer in [None, Some("sk-anything"), Some("lq_wrong")] {
        assert_eq!(status(&web, "/v1/models", bearer).await, StatusCode::OK, "{bearer:?}");
        assert_eq!(status(&web, "/admin/data/models", bearer).await, StatusCode::UNAUTHORIZED, "{bearer:?}");
    }
    // Over a network, or through a proxy that nobody named, or by a name that somebody pointed here.
    let from = |address: &str| over(get("/v1/models"), address);
    assert_eq!(web.as_stranger(from("127.0.0.1")).await.status(), StatusCode::OK);
    for request in [
        from("198.51.100.7"),
        with(from("127.0.0.1"), "x-forwarded-for", "198.51.100.7"),
        with(from("127.0.0.1"), "forwarded", "for=127.0.0.1"),
        with(from("127.0.0.1"), header::HOST, "192.168.1.7:8080"),
    ] {
        assert_eq!(web.as_stranger(request).await.status(), StatusCode::UNAUTHORIZED);
    }
    for config in [
        Config { token: Some("sesame".into()), ..Config::default() },
        Config { public: true, ..Config::default() },
        Config { allowed_hosts: vec!["chat.example.org".into()], ..Config::default() },
        Config { trusted_proxies: vec!["127.0.0.1".into()], ..Config::default() },
        Config { origins: vec!["https://www.example.org".into()], ..Config::default() },
        Config { host: "0.0.0.0".parse().unwrap(), public: true, ..Config::default() },
    ] {
        assert_eq!(status(&start(config), "/v1/models", None).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn what_is_mounted_stands_behind_the_same_checks() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { body_bytes: 10, ..Limits::default() };
    let web = fixture_on(FakeSink::willing(), mounted(Config { limits, ..Config::default() }, folder.path()));
    let foreign = with(get("/v1/models"), header::HOST, "evil.example");
    assert_eq!(code(web.as_stranger(foreign).await).await, "foreign_host");
    let foreign = with(get("/v1/models"), header::ORIGIN, "https://evil.example");
    assert_eq!(code(web.as_stranger(foreign).await).await, "foreign_origin");
    assert_eq!(web.as_stranger(post("/v1/chat", "0123456789")).await.status(), StatusCode::OK);
    let large = web.as_stranger(post("/v1/chat", "0123456789a")).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(large.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[test]
fn what_is_no_path_is_refused() {
    for path in ["", "/", "v1", "/v1/", "//v1", "/{any}", "/a b"] {
        let bound = bind(&Config { port: 0, ..Config::default() }).unwrap();
        let refused = bound.mount(path, Access::Public, Router::new());
        assert!(matches!(refused, Err(WebError::MountPath(_))), "{path}");
    }
}

#[tokio::test]
async fn the_bot_is_ready_while_what_it_needs_is_there() {
    let works = Arc::new(AtomicBool::new(true));
    let check = works.clone();
    let bound = bind(&Config { port: 0, ..Config::default() }).unwrap().ready_if(
        "journal",
        Arc::new(move || match check.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err("/var/lib/secret/place is full".to_owned()),
        }),
    );
    let web = fixture_on(FakeSink::willing(), bound);
    assert_eq!(web.as_stranger(get("/ready")).await.status(), StatusCode::OK);
    works.store(false, Ordering::Relaxed);
    let ready = web.as_stranger(get("/ready")).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = json(ready).await;
    assert_eq!(body, serde_json::json!({ "status": "not ready", "failed": ["journal"] }));
    assert_eq!(web.as_stranger(get("/health")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_errors_of_paths_and_methods_have_the_form_of_all_others() {
    let web = fixture_with(FakeSink::willing(), Config::default());
    assert_eq!(code(web.as_stranger(get("/api/nothing")).await).await, "not_found");
    assert_eq!(code(web.as_stranger(get("/api/session")).await).await, "wrong_method");
}
