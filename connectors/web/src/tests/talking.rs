//! One message and its answer, over the routes without a port.

use std::time::Duration;

use axum::http::{StatusCode, header};
use futures::FutureExt;
use loquat_contract::{Capabilities, Egress, Idempotency, JournalError, Receipt, Refusal};

use super::fakes::{FakeSink, ONE, TWO, address, error, fixture, message, path, post, reply, sent};

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
    assert_eq!(accepted[0].text(), Some("Hello"));
    assert_eq!(accepted[0].person().to_string(), "web:guest:ann");
}

#[tokio::test]
async fn a_refusal_says_why() {
    let not_kept = || Refusal::NotKept(JournalError::Store("the disk is full".into()));
    let cases = [
        (Some(not_kept()), "Hello", StatusCode::SERVICE_UNAVAILABLE, "the disk is full"),
        (Some(Refusal::Stopping), "Hello", StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (Some(Refusal::NotAllowed), "Hello", StatusCode::FORBIDDEN, "pairing code"),
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
async fn who_is_too_fast_is_told_when_to_come_again() {
    for (wait, header) in [(2_500, "3"), (10, "1"), (60_000, "60")] {
        let refusal = Refusal::TooFast { after: Duration::from_millis(wait) };
        let web = fixture(FakeSink::refusing(refusal), None);
        let refused = web.ask(message(ONE, "1", "Hello")).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()[header::RETRY_AFTER], header);
        assert!(error(refused).await.contains("too fast"));
    }
}

#[tokio::test]
async fn a_page_that_leaves_in_between_does_not_stop_the_sink() {
    let sink = FakeSink::after(0);
    let web = fixture(sink.clone(), None);
    let left = tokio::time::timeout(Duration::from_millis(50), web.ask(message(ONE, "1", "Hello"))).await;
    assert!(left.is_err());
    sink.allowed.add_permits(1);
    while sink.texts().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(sink.texts(), ["Hello"]);
}

#[tokio::test]
async fn every_receipt_says_received_and_what_the_host_answers_is_shown() {
    for receipt in [Receipt::Accepted, Receipt::Duplicate, Receipt::Ignored] {
        let web = fixture(FakeSink::answering(receipt), None);
        assert_eq!(web.ask(message(ONE, "1", "Hello")).await.status(), StatusCode::ACCEPTED);
        assert!(web.listen(ONE, None).await.next().now_or_never().is_none(), "there is nothing to show");
    }
    let web = fixture(FakeSink::answering(Receipt::Answered("You are paired.".into())), None);
    assert_eq!(web.ask(message(ONE, "1", "/pair 1234")).await.status(), StatusCode::ACCEPTED);
    let heard = web.listen(ONE, None).await.next().await.unwrap();
    assert_eq!(heard.kind, "notice");
    assert_eq!(heard.data["in_reply_to"], "1");
    assert_eq!(heard.data["document"][0]["paragraph"][0]["text"], "You are paired.");
}

#[test]
fn what_the_platform_can_do_is_said() {
    let capabilities = fixture(FakeSink::willing(), None).egress.capabilities();
    let expected = Capabilities {
        drafts: true,
        drafts_grow: true,
        outlives_process: true,
        citations_apart: true,
        answers_changes: true,
        buttons: 25,
        idempotency: Idempotency::Key,
        ..Capabilities::default()
    };
    assert_eq!(capabilities, expected);
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    let path = path(ONE, "messages");
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
    for sentences in [&["Thimphu."][..], &["Thimphu.", "Really."]] {
        web.draft(&to, sentences).await;
        let heard = page.next().await.unwrap();
        assert_eq!((heard.kind.as_str(), &heard.data["in_reply_to"]), ("draft", &"1".into()));
        let drafted = heard.data["sentences"].as_array().unwrap();
        assert_eq!(drafted.iter().map(|sentence| &sentence["text"]).collect::<Vec<_>>(), sentences);
    }
    assert_eq!(web.deliver(&to, &reply("Thimphu.\nReally.")).await, sent(&to.in_reply_to.0));
    let second = page.next().await.unwrap();
    assert_eq!((second.kind.as_str(), &second.data["in_reply_to"]), ("reply", &"1".into()));
    assert_eq!(second.data["reply"], serde_json::to_value(reply("Thimphu.\nReally.")).unwrap());
    assert_eq!(web.apologise(&address(ONE, "2"), "no model").await, sent("2"));
    let third = page.next().await.unwrap();
    assert_eq!((third.kind.as_str(), &third.data["reason"]), ("problem", &"no model".into()));
}

#[tokio::test]
async fn what_an_answer_rests_on_is_a_notice_and_no_problem() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    assert_eq!(web.ask(message(ONE, "2", "/why")).await.status(), StatusCode::ACCEPTED);
    assert_eq!(sink.texts(), ["/why"], "the host has the answers that are asked about");
    let to = address(ONE, "2");
    assert_eq!(web.note(&to, "About answer #1:\n\n“Yes.”").await, sent(&to.in_reply_to.0));
    let heard = web.listen(ONE, None).await.next().await.unwrap();
    assert_eq!(heard.kind, "notice");
    assert_eq!(heard.data["document"][0]["paragraph"][0]["text"], "About answer #1:\n\n“Yes.”");
}

#[tokio::test]
async fn a_withdrawn_draft_is_gone_for_who_saw_it_and_never_there_for_who_did_not() {
    let web = fixture(FakeSink::willing(), None);
    let to = address(ONE, "1");
    let mut page = web.listen(ONE, None).await;
    web.draft(&to, &["Thimphu."]).await;
    assert_eq!(page.next().await.unwrap().kind, "draft");
    assert_eq!(
        web.listen(ONE, None).await.next().await.unwrap().kind,
        "draft",
        "also for who comes in between"
    );
    web.withdraw(&to).await;
    let heard = page.next().await.unwrap();
    assert_eq!((heard.kind.as_str(), &heard.data["in_reply_to"]), ("withdrawn", &"1".into()));
    assert!(web.listen(ONE, None).await.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_reply_that_is_delivered_again_comes_with_the_same_message() {
    let web = fixture(FakeSink::willing(), None);
    let to = address(ONE, "1");
    assert_eq!(web.apologise(&to, "no model").await, sent("1"));
    assert_eq!(web.deliver(&to, &reply("Thimphu.")).await, sent("1"));
    web.deliver(&address(ONE, "2"), &reply("Next.")).await;
    let mut page = web.listen(ONE, None).await;
    let (one, two) = (page.next().await.unwrap(), page.next().await.unwrap());
    assert_eq!((one.kind.as_str(), &one.data["reply"]["answer"]), ("reply", &"Thimphu.".into()));
    assert_eq!(two.data["reply"]["answer"], "Next.");
    assert!(page.next().now_or_never().is_none());
}

#[tokio::test]
async fn conversations_never_see_each_other() {
    let web = fixture(FakeSink::willing(), None);
    let (mut one, mut two) = (web.listen(ONE, None).await, web.listen(TWO, None).await);
    web.deliver(&address(ONE, "1"), &reply("for one")).await;
    web.deliver(&address(TWO, "1"), &reply("for two")).await;
    web.mailboxes.close();
    assert_eq!(one.next().await.unwrap().data["reply"]["answer"], "for one");
    assert!(one.next().await.is_none());
    assert_eq!(two.next().await.unwrap().data["reply"]["answer"], "for two");
    assert!(two.next().await.is_none());
}
