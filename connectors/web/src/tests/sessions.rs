//! How somebody becomes known, and stays the same: guests, the bot's own token, renewal, and tokens that are none.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json as object};

use super::fakes::{
    FakeSink, Fixture, ONE, bearing, code, fixture, fixture_on, json, message, post, token_of,
};
use crate::serve::{Guests, Person, Secret, now};
use crate::{Config, bind};

async fn session(web: &Fixture, body: &str) -> Result<Value, String> {
    let response = web.as_stranger(post("/api/session", body)).await;
    match response.status() {
        StatusCode::OK => Ok(json(response).await),
        _ => Err(code(response).await),
    }
}

async fn says(web: &Fixture, token: &str) -> String {
    let said = web.as_stranger(bearing(message(ONE, "1", "Hi"), token)).await;
    if said.status() == StatusCode::ACCEPTED { "accepted".to_owned() } else { code(said).await }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[tokio::test]
async fn on_this_machine_anybody_is_a_guest_of_their_own() {
    let web = fixture(FakeSink::willing(), None);
    let (ann, bob) = (session(&web, "{}").await.unwrap(), session(&web, "{}").await.unwrap());
    assert_ne!(ann["person"]["id"], bob["person"]["id"]);
    let ends: jiff::Timestamp = text(&ann, "expires_at").parse().unwrap();
    let days = (ends.as_second() - i64::try_from(now()).unwrap()) as f64 / 86_400.0;
    assert!((29.9..30.1).contains(&days), "{days}");
    assert_eq!(says(&web, text(&ann, "token")).await, "accepted");
}

#[tokio::test]
async fn a_renewed_session_is_the_same_persons() {
    let web = fixture(FakeSink::willing(), None);
    let first = session(&web, "{}").await.unwrap();
    let body = object!({ "renew": first["token"] }).to_string();
    let second = session(&web, &body).await.unwrap();
    assert_eq!(first["person"], second["person"]);
    assert_eq!(session(&web, r#"{"renew": "x.y.z"}"#).await.unwrap_err(), "wrong_token");
}

#[tokio::test]
async fn what_is_over_is_never_taken_again() {
    let bound = bind(&Config { port: 0, ..Config::default() }).unwrap().with_secret(Secret::known());
    let web = fixture_on(FakeSink::willing(), bound);
    let guests = Guests::new(&Secret::known(), None);
    let ann = Person { id: "guest:ann".to_owned(), name: None };
    assert_eq!(says(&web, &guests.issue(&ann, now() + 60).unwrap()).await, "accepted");
    for seconds in [0, 1, 30, 61, 100_000] {
        let over = guests.issue(&ann, now() - seconds).unwrap();
        assert_eq!(says(&web, &over).await, "expired_token", "{seconds}");
        let renewal = object!({ "renew": over }).to_string();
        assert_eq!(session(&web, &renewal).await.unwrap_err(), "expired_token");
    }
}

#[tokio::test]
async fn a_bot_with_a_token_asks_for_it_once() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), Some("sesame"));
    assert_eq!(session(&web, "{}").await.unwrap_err(), "token_wanted");
    assert_eq!(session(&web, r#"{"token": "sesam"}"#).await.unwrap_err(), "wrong_token");
    assert_eq!(says(&web, "sesame").await, "wrong_token", "it opens no conversation by itself");
    let right = session(&web, r#"{"token": "sesame"}"#).await.unwrap();
    assert_eq!(says(&web, text(&right, "token")).await, "accepted");
    let renewal = object!({ "renew": right["token"] }).to_string();
    assert_eq!(session(&web, &renewal).await.unwrap()["person"], right["person"], "and not again");
    assert!(!right.to_string().contains("sesame"));
}

#[tokio::test]
async fn another_token_of_the_bot_is_asked_for_again() {
    let fixture = |token: Option<&str>| {
        let config = Config { port: 0, token: token.map(Into::into), ..Config::default() };
        fixture_on(FakeSink::willing(), bind(&config).unwrap().with_secret(Secret::known()))
    };
    let (open, old, new) = (fixture(None), fixture(Some("sesame")), fixture(Some("simsim")));
    let of_old = session(&old, r#"{"token": "sesame"}"#).await.unwrap();
    let of_open = session(&open, "{}").await.unwrap();
    assert_eq!(says(&old, text(&of_old, "token")).await, "accepted");
    assert_eq!(says(&new, text(&of_old, "token")).await, "wrong_token");
    assert_eq!(says(&old, text(&of_open, "token")).await, "wrong_token");
    let renewal = object!({ "renew": of_old["token"] }).to_string();
    assert_eq!(session(&new, &renewal).await.unwrap_err(), "wrong_token");
}

#[tokio::test]
async fn guests_are_known_after_a_restart_where_the_secret_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let bound = bind(&Config { port: 0, ..Config::default() }).unwrap();
        fixture_on(FakeSink::willing(), bound.keep_in(folder.path()).unwrap())
    };
    let token = start().token;
    assert_eq!(says(&start(), &token).await, "accepted");
    let path = folder.path().join("secret");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(says(&start(), &token).await, "wrong_token");
    std::fs::write(&path, "short").unwrap();
    let refused = bind(&Config { port: 0, ..Config::default() }).unwrap().keep_in(folder.path());
    assert!(matches!(refused, Err(crate::WebError::Secret { .. })));
}

#[tokio::test]
async fn forged_tokens_are_none() {
    let web = fixture(FakeSink::willing(), None);
    let claims = object!({ "iss": "loquat-web", "sub": "guest:ann", "iat": 0, "exp": now() + 60 });
    let unsigned = |algorithm: &str| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(&object!({ "alg": algorithm, "typ": "JWT" })), part(&claims))
    };
    let of_others = EncodingKey::from_secret(&[1; 32]);
    let signed = |algorithm| jsonwebtoken::encode(&Header::new(algorithm), &claims, &of_others);
    let good = token_of(&Guests::new(&Secret::known(), None), "guest:ann");
    let mut forged = vec![
        format!("{}.", unsigned("none")),
        format!("{}.", unsigned("None")),
        format!("{}.AAAA", unsigned("HS256")),
        format!("{}.AAAA", unsigned("RS256")),
        format!("{}.AAAA", unsigned("HS512")),
        signed(Algorithm::HS256).unwrap(),
        good,
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c.d".to_owned(),
        "é.é.é".to_owned(),
        "x".repeat(10_000),
    ];
    // The signature of one with the claims of another.
    let (ann, bob) = (session(&web, "{}").await.unwrap(), session(&web, "{}").await.unwrap());
    let part = |session: &Value, at: usize| text(session, "token").split('.').nth(at).unwrap().to_owned();
    forged.push(format!("{}.{}.{}", part(&ann, 0), part(&bob, 1), part(&ann, 2)));
    let mut cut = text(&ann, "token").to_owned();
    cut.pop();
    forged.push(cut);
    for token in forged {
        // A header that is no text says nothing; an empty one neither.
        let refused = says(&web, &token).await;
        assert!(["wrong_token", "no_token"].contains(&refused.as_str()), "{token}: {refused}");
    }
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_in_the_same_form() {
    let web = fixture(FakeSink::willing(), None);
    for body in ["", "[]", "{\"tokn\": \"x\"}", "{\"token\": 1}", "{"] {
        assert_eq!(session(&web, body).await.unwrap_err(), "bad_request", "{body}");
    }
}

#[tokio::test]
async fn who_came_in_while_everybody_might_is_out_once_the_bot_is_for_some() {
    let secret = "a secret that both sides know, of 32 bytes at least";
    let identity = crate::Identity {
        secret: Some(secret.into()),
        audience: Some("loquat".into()),
        ..Default::default()
    };
    let closed = Config { port: 0, identity, ..Config::default() };
    let open = Config { port: 0, ..Config::default() };
    let [ann, site] = ["guest:ann", "user:ann"].map(|id| Person { id: id.to_owned(), name: None });
    let guests = Guests::new(&Secret::known(), None);
    let [ann, site] = [ann, site].map(|person| guests.issue(&person, now() + 60).unwrap());
    for (config, guest, named) in [(open, "accepted", "expired_token"), (closed, "expired_token", "accepted")]
    {
        let web = fixture_on(FakeSink::willing(), bind(&config).unwrap().with_secret(Secret::known()));
        assert_eq!((says(&web, &ann).await.as_str(), says(&web, &site).await.as_str()), (guest, named));
        let renewed = session(&web, &object!({ "renew": ann }).to_string()).await;
        assert_eq!(renewed.is_ok(), guest == "accepted");
    }
}
