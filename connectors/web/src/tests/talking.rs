//! One message and its answer, over the routes without a port.

use axum::http::StatusCode;
use futures::FutureExt;
use http_body_util::BodyExt;
use loquat_contract::{Egress, JournalError, Refusal};

use super::fakes::{FakeSink, ONE, TWO, address, error, fixture, get, message, post, reply, sentence};

#[tokio::test]
async fn received_is_said_only_once_the_sink_has_it() {
    let sink = FakeSink::after(0);
    let web = fixture(sink.clone(), None);
    let mut answer = Box::pin(web.ask(message(ONE, "1", "Hello")));
    for _ in 0..100 {
        assert!((&mut answer).now_or_never().is_none(), "answered before the sink had it");
        tokio::task::yield_now().await;
    }
    sink.allowed.add_permits(1);
    assert_eq!(answer.await.status(), StatusCode::ACCEPTED);
    let accepted = sink.accepted.lock().unwrap();
    assert_eq!(accepted[0].address(), address(ONE, "1"));
    assert_eq!(accepted[0].text, "Hello");
}

#[tokio::test]
async fn a_refusal_says_why() {
    let not_kept = || Refusal::NotKept(JournalError::Store("the disk is full".into()));
    let cases = [
        (Some(not_kept()), "Hello", StatusCode::SERVICE_UNAVAILABLE, "the disk is full"),
        (Some(Refusal::Stopping), "Hello", StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (
            Some(Refusal::TooLong { length: 9, limit: 5 }),
            "Hello",
            StatusCode::PAYLOAD_TOO_LARGE,
            "shorten it",
        ),
        (None, " \n ", StatusCode::UNPROCESSABLE_ENTITY, "empty"),
        (
            None,
            "二十一个字就太长了二十一个字就太长了二十一",
            StatusCode::PAYLOAD_TOO_LARGE,
            "has 21 characters",
        ),
    ];
    for (refusal, text, status, words) in cases {
        let sink = refusal.map_or_else(FakeSink::willing, FakeSink::refusing);
        let web = fixture(sink.clone(), None);
        let refused = web.ask(message(ONE, "1", text)).await;
        assert_eq!(refused.status(), status, "{text}");
        let said = error(refused).await;
        assert!(said.contains(words), "{said}");
        assert!(sink.texts().is_empty());
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    let path = format!("/api/conversations/{ONE}/messages");
    for (path, body) in [
        (path.as_str(), "{"),
        (path.as_str(), r#"{"text": "no id"}"#),
        (path.as_str(), r#"{"id": "a b", "text": "bad id"}"#),
        (path.as_str(), r#"{"id": "1", "text": "x", "more": 1}"#),
        ("/api/conversations/1/messages", r#"{"id": "1", "text": "guessable"}"#),
    ] {
        let refused = web.ask(post(path, body)).await;
        assert!(refused.status().is_client_error(), "{body}");
        assert!(!error(refused).await.is_empty());
    }
    let huge = format!(r#"{{"id": "1", "text": "{}"}}"#, "x".repeat(5000));
    assert_eq!(web.ask(post(&path, &huge)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(sink.texts().is_empty());
}

#[tokio::test]
async fn sentences_come_before_the_reply() {
    let web = fixture(FakeSink::willing(), None);
    let mut page = web.listen(ONE, None).await;
    let to = address(ONE, "1");
    web.egress.draft(&to, &sentence("Thimphu.")).await;
    let first = page.next().await.unwrap();
    assert_eq!((first.kind.as_str(), &first.data["sentence"]["text"]), ("sentence", &"Thimphu.".into()));
    web.egress.deliver(&to, &reply("Thimphu.\nReally.")).await.unwrap();
    let second = page.next().await.unwrap();
    assert_eq!((second.kind.as_str(), &second.data["in_reply_to"]), ("reply", &"1".into()));
    assert_eq!(second.data["reply"], serde_json::to_value(reply("Thimphu.\nReally.")).unwrap());
    web.egress.apologise(&address(ONE, "2"), "no model").await;
    let third = page.next().await.unwrap();
    assert_eq!((third.kind.as_str(), &third.data["reason"]), ("problem", &"no model".into()));
}

#[tokio::test]
async fn a_page_that_was_away_misses_nothing() {
    let web = fixture(FakeSink::willing(), None);
    let mut page = web.listen(ONE, None).await;
    web.egress.deliver(&address(ONE, "1"), &reply("one")).await.unwrap();
    let seen = page.next().await.unwrap().id;
    drop(page);
    web.egress.draft(&address(ONE, "2"), &sentence("two")).await;
    web.egress.deliver(&address(ONE, "2"), &reply("two")).await.unwrap();
    web.egress.draft(&address(ONE, "3"), &sentence("three")).await;

    let expected = [("reply", "2"), ("sentence", "3")];
    let mut again = web.listen(ONE, Some(&seen)).await;
    for (kind, id) in expected {
        let heard = again.next().await.unwrap();
        assert_eq!((heard.kind.as_str(), &heard.data["in_reply_to"]), (kind, &id.into()));
    }
    // A page that was loaded anew says it in the address, and an id from before a restart counts for nothing.
    let path = format!("/api/conversations/{ONE}/events");
    for (after, expected) in [(seen.as_str(), "2"), ("0-99", "1")] {
        let mut body = web.ask(get(&format!("{path}?after={after}"))).await.into_body();
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let heard = super::fakes::parse(std::str::from_utf8(&piece).unwrap());
        assert_eq!(heard.data["in_reply_to"], expected);
    }
}

#[tokio::test]
async fn a_mailbox_keeps_the_newest_events() {
    let web = fixture(FakeSink::willing(), None);
    for number in 1..=70 {
        web.egress.deliver(&address(ONE, &number.to_string()), &reply("x")).await.unwrap();
    }
    let mut page = web.listen(ONE, None).await;
    assert_eq!(page.next().await.unwrap().data["in_reply_to"], "7");
}

#[tokio::test]
async fn conversations_never_see_each_other() {
    let web = fixture(FakeSink::willing(), None);
    let (mut one, mut two) = (web.listen(ONE, None).await, web.listen(TWO, None).await);
    web.egress.deliver(&address(ONE, "1"), &reply("for one")).await.unwrap();
    web.egress.deliver(&address(TWO, "1"), &reply("for two")).await.unwrap();
    web.mailboxes.close();
    assert_eq!(one.next().await.unwrap().data["reply"]["answer"], "for one");
    assert!(one.next().await.is_none());
    assert_eq!(two.next().await.unwrap().data["reply"]["answer"], "for two");
    assert!(two.next().await.is_none());
}
