//! A mailbox that was made anew, after a restart or a sweep: what was said before is still there, once and in order.

use std::time::Duration;

use axum::http::StatusCode;
use futures::FutureExt;
use loquat_contract::{Part, Said};
use tokio::sync::Semaphore;

use super::fakes::{FakeSink, Fixture, Listener, ONE, TWO, address, error, fixture, get, reply, said_reply};

/// What a page hears until nothing more comes: messages and answers.
async fn hears(page: &mut Listener) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(30), page.next()).await {
        let field = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        heard.push((field(&event.data["in_reply_to"]), field(&event.data["reply"]["answer"])));
    }
    heard
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn after_a_restart_the_last_replies_are_there_with_and_without_a_last_id() {
    for last in [None, Some("0-99")] {
        let sink = FakeSink::remembering(ONE, &[("1", "one"), ("2", "two")]);
        let web = fixture(sink, None);
        let mut page = web.listen(ONE, last).await;
        assert_eq!(hears(&mut page).await, pairs(&[("1", "one"), ("2", "two")]), "{last:?}");
        web.deliver(&address(ONE, "3"), &reply("three")).await;
        assert_eq!(hears(&mut page).await, pairs(&[("3", "three")]));
        assert!(hears(&mut web.listen(TWO, last).await).await.is_empty(), "another conversation's are not");
    }
}

#[tokio::test]
async fn a_reply_that_is_delivered_again_after_a_restart_is_there_once() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one"), ("2", "two"), ("3", "three")]), None);
    web.deliver(&address(ONE, "2"), &reply("two")).await;
    let mut page = web.listen(ONE, None).await;
    assert_eq!(hears(&mut page).await, pairs(&[("1", "one"), ("2", "two"), ("3", "three")]));
    web.deliver(&address(ONE, "3"), &reply("three")).await;
    assert!(hears(&mut page).await.is_empty());
    assert_eq!(hears(&mut web.listen(ONE, None).await).await.len(), 3);
}

#[tokio::test]
async fn a_mailbox_is_filled_once() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    let web = fixture(sink.clone(), None);
    let mut page = web.listen(ONE, None).await;
    assert_eq!(hears(&mut page).await.len(), 1);
    sink.may_read.forget_permits(Semaphore::MAX_PERMITS);
    let again = web.listen(ONE, None).now_or_never();
    assert_eq!(hears(&mut again.expect("the journal is not asked again")).await.len(), 1);
}

#[tokio::test]
async fn a_mailbox_that_was_swept_away_is_filled_again() {
    let sink = FakeSink::willing();
    let web = fixture(sink.clone(), None);
    let mut page = web.listen(ONE, None).await;
    web.deliver(&address(ONE, "1"), &reply("one")).await;
    let seen = page.next().await.unwrap().id;
    drop(page);
    web.deliver(&address(ONE, "2"), &reply("two")).await;
    web.mailboxes.sweep_idle(Duration::ZERO);
    let said = [("1", "one"), ("2", "two")].map(|(id, text)| said_reply(&address(ONE, id), text));
    *sink.said.lock().unwrap() = Ok(said.to_vec());
    web.deliver(&address(ONE, "3"), &reply("three")).await;
    // The page gets the first again rather than miss the second, and knows the first by its message.
    let heard = hears(&mut web.listen(ONE, Some(&seen)).await).await;
    assert_eq!(heard, pairs(&[("1", "one"), ("2", "two"), ("3", "three")]));
}

/// A page that asks for its events while the journal is being read, after `meanwhile`.
async fn while_it_is_filled(web: &Fixture, sink: &FakeSink, meanwhile: impl AsyncFnOnce()) -> Listener {
    let mut listening = Box::pin(web.listen(ONE, None));
    assert!((&mut listening).now_or_never().is_none(), "nothing is streamed before it is filled");
    meanwhile().await;
    assert!((&mut listening).now_or_never().is_none());
    sink.may_read.add_permits(1);
    listening.await
}

#[tokio::test]
async fn a_reply_that_is_posted_while_it_is_filled_is_there_once_and_in_order() {
    let sink = FakeSink::remembering(ONE, &[("1", "one"), ("2", "two"), ("3", "three")]);
    sink.may_read.forget_permits(Semaphore::MAX_PERMITS);
    let web = fixture(sink.clone(), None);
    let mut page = while_it_is_filled(&web, &sink, async || {
        // One that the journal has too, and one that came after it was read.
        web.deliver(&address(ONE, "3"), &reply("three")).await;
        web.draft(&address(ONE, "4"), &["four"]).await;
        web.deliver(&address(ONE, "4"), &reply("four")).await;
    })
    .await;
    let expected = pairs(&[("1", "one"), ("2", "two"), ("3", "three"), ("4", "four")]);
    assert_eq!(hears(&mut page).await, expected);
    assert_eq!(hears(&mut web.listen(ONE, None).await).await, expected);
}

#[tokio::test]
async fn a_page_that_leaves_while_it_is_filled_does_not_keep_others_waiting() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    sink.may_read.forget_permits(Semaphore::MAX_PERMITS);
    let web = fixture(sink.clone(), None);
    let mut first = Box::pin(web.listen(ONE, None));
    let mut second = Box::pin(web.listen(ONE, None));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    drop(first);
    sink.may_read.add_permits(1);
    assert_eq!(hears(&mut second.await).await, pairs(&[("1", "one")]));
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_asked_again() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    let said = std::mem::replace(&mut *sink.said.lock().unwrap(), Err("the disk is gone"));
    let web = fixture(sink.clone(), None);
    let refused = web.ask(get(&format!("/api/conversations/{ONE}/events"))).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(error(refused).await.contains("the disk is gone"));
    *sink.said.lock().unwrap() = said;
    assert_eq!(hears(&mut web.listen(ONE, None).await).await, pairs(&[("1", "one")]));
}

#[tokio::test]
async fn an_apology_from_before_a_restart_is_there_too() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    let part = Part { text: "no model".into(), is_apology: true, ..Part::default() };
    let apology = Said { to: address(ONE, "2"), parts: vec![part], reply: None };
    sink.said.lock().unwrap().as_mut().unwrap().push(apology);
    let web = fixture(sink, None);
    let mut page = web.listen(ONE, None).await;
    assert_eq!(page.next().await.unwrap().kind, "reply");
    let heard = page.next().await.unwrap();
    assert_eq!(heard.kind, "problem");
    assert_eq!(heard.data, serde_json::json!({ "in_reply_to": "2", "reason": "no model" }));
}
