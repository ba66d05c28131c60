//! Messages that are changed or taken back.

use axum::http::StatusCode;
use futures::FutureExt;
use loquat_contract::{Event, MessageId, Refusal};

use super::fakes::{self, FakeSink, ONE, address, ask, error, fixture, message, reply};

fn path(message: &str) -> String {
    fakes::path(ONE, &format!("messages/{message}"))
}

#[tokio::test]
async fn a_message_that_is_changed_says_something_else_from_then_on() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    for body in [
        r#"{"text": "Hi"}"#,
        r#"{"text": "Hi"}"#,
        r#"{"text": "Hello"}"#,
        r#"{"text": "Hi", "id": "2"}"#,
        r#"{"text": "Hi", "id": "3"}"#,
    ] {
        assert_eq!(web.ask(ask("PUT", &path("m-1"), body)).await.status(), StatusCode::ACCEPTED, "{body}");
    }
    let accepted = sink.accepted.lock().unwrap();
    let expected = Event::Edit { message: MessageId("m-1".into()), now: "Hi".into() };
    assert_eq!(accepted[0].event, expected);
    let ids: Vec<&str> = accepted.iter().map(|inbound| inbound.id.0.as_str()).collect();
    // The same text is the same change, unless its page says otherwise.
    assert_eq!(ids, ["m-1~e3639efcd08abb273", ids[0], "m-1~e185f8db32271fe25", "m-1~e2", "m-1~e3"]);
}

#[tokio::test]
async fn a_message_that_is_taken_back_is_not_waited_for() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    web.ask(message(ONE, "1", "Hello")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_none());
    assert_eq!(web.ask(ask("DELETE", &path("1"), "")).await.status(), StatusCode::ACCEPTED);
    assert!(web.mailboxes.all_answered().now_or_never().is_some());
    web.ask(ask("DELETE", &format!("{}?id=b", path("1")), "")).await;

    let accepted = sink.accepted.lock().unwrap();
    assert_eq!(accepted[1].event, Event::Deletion { message: MessageId("1".into()) });
    assert_eq!(accepted[1].conversation, accepted[0].conversation);
    let ids: Vec<&str> = accepted.iter().map(|inbound| inbound.id.0.as_str()).collect();
    assert_eq!(ids, ["1", "1~d", "1~db"]);
}

#[tokio::test]
async fn a_deletion_that_is_refused_leaves_the_message_owed() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    web.ask(message(ONE, "1", "Hello")).await;
    *sink.refusal.lock().unwrap() = Some(Refusal::Stopping);
    let refused = web.ask(ask("DELETE", &path("1"), "")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(web.mailboxes.all_answered().now_or_never().is_none());
}

#[tokio::test]
async fn the_answer_to_a_change_is_the_answer_to_its_message() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    web.ask(message(ONE, "1", "Hello")).await;
    web.ask(ask("PUT", &path("1"), r#"{"text": "Hi", "id": "a"}"#)).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_none());
    // The host answers it at the message's address.
    let edit = sink.accepted.lock().unwrap()[1].address();
    assert_eq!(edit, address(ONE, "1"));
    web.deliver(&edit, &reply("Hi.")).await;
    assert!(web.mailboxes.all_answered().now_or_never().is_some());
}

#[tokio::test]
async fn what_is_no_change_is_refused() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    let guessable = "/api/conversations/1/messages/1".to_owned();
    for (method, path, body) in [
        ("PUT", path("1"), "{"),
        ("PUT", path("1"), r#"{"id": "a"}"#),
        ("PUT", path("1"), r#"{"text": "x", "more": 1}"#),
        ("PUT", path("1"), r#"{"text": " "}"#),
        ("PUT", path("1"), r#"{"text": "longer than twenty characters"}"#),
        ("PUT", path("1"), r#"{"text": "x", "id": "a~b"}"#),
        ("PUT", path("1~d"), r#"{"text": "x"}"#),
        ("PUT", guessable.clone(), r#"{"text": "x"}"#),
        ("DELETE", path("1~d"), ""),
        ("DELETE", path(&"a".repeat(65)), ""),
        ("DELETE", path("1?id=a~b"), ""),
        ("DELETE", path("1?more=1"), ""),
        ("DELETE", guessable, ""),
    ] {
        let refused = web.ask(ask(method, &path, body)).await;
        assert!(refused.status().is_client_error(), "{method} {path} {body}: {}", refused.status());
        assert!(!error(refused).await.is_empty());
    }
    assert!(sink.accepted.lock().unwrap().is_empty());
}
