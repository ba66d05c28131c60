//! Streams that end and begin again: nothing that was said is missed, however much it was, and the watermark says where to go on.

use std::time::Duration;

use axum::http::StatusCode;
use futures::FutureExt;
use loquat_contract::{Event, Inbound, MessageId, Sender, Settlement};
use tokio::sync::Semaphore;

use super::fakes::{
    ANN, FakeSink, Listener, ONE, TWO, address, envelope, error, fixture, get, message, path, post, reply,
};

/// What a page hears until nothing more comes: kinds and messages.
async fn hears(page: &mut Listener) -> Vec<String> {
    let mut heard = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(300), page.next_of_all()).await {
        let about = if event.kind == "message" { &event.data["id"] } else { &event.data["in_reply_to"] };
        heard.push(format!("{} {}", event.kind, about.as_str().unwrap_or_default()));
    }
    heard
}

#[tokio::test]
async fn a_new_page_gets_what_was_said_and_where_to_go_on() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one"), ("2", "two")]), None);
    let mut page = web.listen(ONE, None).await;
    assert_eq!(hears(&mut page).await, ["message 1", "reply 1", "message 2", "reply 2"]);
    assert_eq!(page.mark.as_deref(), Some("2"));
    web.ask(message(ONE, "3", "Hello")).await;
    web.deliver(&address(ONE, "3"), &reply("three")).await;
    assert_eq!(hears(&mut page).await, ["message 3", "reply 3"]);
    assert_eq!(page.mark.as_deref(), Some("3"), "a little later, by itself");
    assert!(hears(&mut web.listen(TWO, None).await).await.is_empty(), "another conversation's are not");
    assert_eq!(hears(&mut web.listen(ONE, Some("2")).await).await, ["message 3", "reply 3"]);
    assert!(hears(&mut web.listen(ONE, Some("3")).await).await.is_empty());
}

#[tokio::test]
async fn however_much_was_missed_comes_in_order() {
    let ids: Vec<String> = (1..=200).map(|id| id.to_string()).collect();
    let said: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "x")).collect();
    let web = fixture(FakeSink::remembering(ONE, &said), None);
    let all = |from: usize| -> Vec<String> {
        (from..=200).flat_map(|id| [format!("message {id}"), format!("reply {id}")]).collect()
    };
    let mut page = web.listen(ONE, Some("0")).await;
    assert_eq!(hears(&mut page).await, all(1));
    assert_eq!(page.mark.as_deref(), Some("200"));
    assert_eq!(hears(&mut web.listen(ONE, Some("73")).await).await, all(74));
    assert_eq!(hears(&mut web.listen(ONE, None).await).await, all(151), "who has none gets the newest 50");
}

#[tokio::test]
async fn a_page_that_does_not_keep_up_reads_the_journal_and_misses_nothing() {
    let web = fixture(FakeSink::willing(), None);
    let mut page = web.listen(ONE, None).await;
    for id in 1..=100 {
        web.deliver(&address(ONE, &id.to_string()), &reply("x")).await;
    }
    let heard = hears(&mut page).await;
    let mut replies: Vec<&String> = Vec::new();
    for reply in heard.iter().filter(|event| event.starts_with("reply")) {
        // Some come twice: what it had heard when it fell behind, and then read.
        if !replies.contains(&reply) {
            replies.push(reply);
        }
    }
    let expected: Vec<String> = (1..=100).map(|id| format!("reply {id}")).collect();
    assert_eq!(replies, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_watermark_waits_for_what_is_not_over() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    let web = fixture(sink.clone(), None);
    web.ask(message(ONE, "2", "Slow")).await;
    web.ask(message(ONE, "3", "Fast")).await;
    web.deliver(&address(ONE, "3"), &reply("three")).await;
    let mut page = web.listen(ONE, None).await;
    assert_eq!(hears(&mut page).await, ["message 1", "reply 1", "message 2", "message 3", "reply 3"]);
    assert_eq!(page.mark.as_deref(), Some("1"));
    web.deliver(&address(ONE, "2"), &reply("two")).await;
    assert_eq!(hears(&mut page).await, ["reply 2"]);
    assert_eq!(page.mark.as_deref(), Some("3"));
    // What came with a watermark that lags comes twice.
    let again = hears(&mut web.listen(ONE, Some("1")).await).await;
    assert_eq!(again, ["message 2", "reply 2", "message 3", "reply 3"]);
}

#[tokio::test]
async fn a_page_that_comes_in_the_middle_of_an_answer_sees_its_draft() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one")]), None);
    web.ask(message(ONE, "2", "Hello")).await;
    web.draft(&address(ONE, "2"), &["First."]).await;
    web.draft(&address(ONE, "2"), &["First.", "Second."]).await;
    let mut page = web.listen(ONE, Some("1")).await;
    assert_eq!(page.next_of_all().await.unwrap().data["id"], "2");
    let draft = page.next_of_all().await.unwrap();
    assert_eq!((draft.kind.as_str(), draft.data["sentences"].as_array().unwrap().len()), ("draft", 2));
    web.deliver(&address(ONE, "2"), &reply("two")).await;
    assert_eq!(hears(&mut page).await, ["reply 2"]);
    assert_eq!(
        hears(&mut web.listen(ONE, Some("1")).await).await,
        ["message 2", "reply 2"],
        "no draft any more"
    );
}

/// The sentences of a draft, as a page has them that has heard no more than this.
async fn drafted(page: &mut Listener, sentences: &mut Vec<String>) -> Vec<u64> {
    let mut froms = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(300), page.next()).await {
        assert_eq!(event.kind, "draft");
        let from = event.data["from"].as_u64().unwrap();
        assert!(from <= sentences.len() as u64, "what comes before {from} is missing");
        sentences.truncate(from as usize);
        let new = event.data["sentences"].as_array().unwrap().iter();
        sentences.extend(new.map(|sentence| sentence["text"].as_str().unwrap().to_owned()));
        froms.push(from);
    }
    froms
}

#[tokio::test]
async fn a_draft_brings_what_is_new_and_all_of_it_to_who_comes_later() {
    let web = fixture(FakeSink::willing(), None);
    let (to, mut early, mut late) = (address(ONE, "1"), Vec::new(), Vec::new());
    let mut page = web.listen(ONE, None).await;
    web.draft_on(&to, 0, "One.").await;
    web.draft_on(&to, 1, "Two.").await;
    assert_eq!(drafted(&mut page, &mut early).await, [0, 1]);
    let mut other = web.listen(ONE, None).await;
    web.draft_on(&to, 2, "Three.").await;
    assert_eq!(drafted(&mut page, &mut early).await, [2]);
    assert_eq!(drafted(&mut other, &mut late).await, [0, 1, 2]);
    assert_eq!((&early, &late), (&late, &vec!["One.".to_owned(), "Two.".to_owned(), "Three.".to_owned()]));
    // It is begun again: whoever hears both needs the second alone.
    web.draft_on(&to, 3, "Four.").await;
    web.draft_on(&to, 0, "Again.").await;
    assert_eq!(drafted(&mut page, &mut early).await, [0]);
    assert_eq!(early, ["Again."]);
}

#[tokio::test]
async fn a_page_that_does_not_keep_up_with_a_draft_has_all_of_it_in_the_end() {
    let web = fixture(FakeSink::willing(), None);
    let (to, mut sentences) = (address(ONE, "1"), Vec::new());
    let mut page = web.listen(ONE, None).await;
    for number in 0..100 {
        web.draft_on(&to, number, &number.to_string()).await;
    }
    drafted(&mut page, &mut sentences).await;
    web.draft_on(&to, 100, "100").await;
    drafted(&mut page, &mut sentences).await;
    let expected: Vec<String> = (0..=100).map(|number| number.to_string()).collect();
    assert_eq!(sentences, expected);
}

#[tokio::test]
async fn what_goes_on_with_nothing_is_not_told() {
    let web = fixture(FakeSink::willing(), None);
    let (to, mut page) = (address(ONE, "1"), web.listen(ONE, None).await);
    web.draft_on(&to, 0, "One.").await;
    web.withdraw(&to).await;
    web.draft_on(&to, 1, "Two.").await;
    assert_eq!(hears(&mut page).await, ["withdrawn 1"]);
    assert!(hears(&mut web.listen(ONE, None).await).await.is_empty());
}

#[tokio::test]
async fn a_second_tab_sees_the_question_before_the_answer() {
    let web = fixture(FakeSink::willing(), None);
    let (mut one, mut two) = (web.listen(ONE, None).await, web.listen(ONE, None).await);
    web.sink.keep(Inbound::message(address(ONE, "1").conversation, "1", Sender::new(ANN), "Hello"));
    web.draft(&address(ONE, "1"), &["Hi."]).await;
    web.deliver(&address(ONE, "1"), &reply("Hi.")).await;
    for page in [&mut one, &mut two] {
        assert_eq!(hears(page).await, ["message 1", "reply 1"], "nobody needs the draft any more");
    }
}

#[tokio::test]
async fn what_ends_without_an_answer_is_told() {
    let web = fixture(FakeSink::willing(), None);
    let mut page = web.listen(ONE, None).await;
    web.ask(message(ONE, "1", "Hello")).await;
    assert_eq!(hears(&mut page).await, ["message 1"]);
    web.sink.end("1", Settlement::Expired { reason: "it was 9 s old".into() });
    web.mailboxes.sweep().await;
    let told = page.next().await.unwrap();
    assert_eq!(told.kind, "problem");
    assert!(told.data["reason"].as_str().unwrap().contains("send it again"), "{}", told.data);
    let again = web.listen(ONE, None).await.next().await.unwrap();
    assert_eq!((again.kind, again.data), (told.kind, told.data));
}

#[tokio::test]
async fn what_nobody_has_to_see_moves_the_watermark_alone() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one")]), None);
    let conversation = address(ONE, "1").conversation;
    let event = Event::Deletion { message: MessageId("1".into()) };
    web.sink.keep(Inbound { event, ..Inbound::message(conversation, "d1", Sender::new(ANN), "") });
    web.sink.end("d1", Settlement::Noted);
    let mut page = web.listen(ONE, Some("1")).await;
    assert!(hears(&mut page).await.is_empty());
    assert_eq!(page.mark.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_press_that_is_noted_is_told_once_it_is_and_again_after_a_reload() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one")]), None);
    let mut other_tab = web.listen(ONE, None).await;
    hears(&mut other_tab).await;
    let press = |id: &str| {
        post(&path(ONE, "messages/1/presses"), &format!(r#"{{"id": "{id}", "button": "good.1"}}"#))
    };
    assert_eq!(web.ask(press("p1")).await.status(), StatusCode::ACCEPTED);
    assert!(hears(&mut other_tab).await.is_empty(), "nobody knows yet whether it is answered");
    web.sink.end("p1", Settlement::Noted);
    let told = tokio::time::timeout(Duration::from_secs(30), other_tab.next_of_all()).await.unwrap().unwrap();
    assert_eq!((told.kind.as_str(), &told.data["id"]), ("message", &serde_json::json!("p1")));
    for reloaded in [None, Some("1")] {
        let mut page = web.listen(ONE, reloaded).await;
        let mut last = page.next_of_all().await.unwrap();
        while last.data["id"] != "p1" {
            last = page.next_of_all().await.unwrap();
        }
        let said = [&last.data["about"], &last.data["button"], &last.data["state"]];
        assert_eq!(said, ["1", "good.1", "told"]);
    }
}

#[tokio::test]
async fn a_watermark_of_which_nothing_is_left_forgets_everything() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one")]), None);
    web.sink.entries.lock().unwrap().clear();
    let mut page = web.listen(ONE, Some("1")).await;
    assert_eq!(page.next().await.unwrap().kind, "erased");
}

#[tokio::test]
async fn a_watermark_of_another_journal_is_as_none() {
    // The journal was put back from a copy that knows less.
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one"), ("2", "two")]), None);
    let mut page = web.listen(ONE, Some("9")).await;
    assert_eq!(hears(&mut page).await, ["message 1", "reply 1", "message 2", "reply 2"]);
    assert_eq!(page.mark.as_deref(), Some("2"), "so what gets the number 3 is not missed");
    web.ask(message(ONE, "3", "Hello")).await;
    assert_eq!(hears(&mut page).await, ["message 3"]);
}

#[tokio::test]
async fn a_draft_of_before_is_not_shown_over_the_answer() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    let web = fixture(sink.clone(), None);
    let to = address(ONE, "2");
    sink.keep(Inbound::message(to.conversation.clone(), "2", Sender::new(ANN), "Hello"));
    web.draft(&to, &["First."]).await;
    sink.may_read.forget_permits(Semaphore::MAX_PERMITS);
    let mut listening = Box::pin(web.listen(ONE, Some("1")));
    assert!((&mut listening).now_or_never().is_none(), "it waits for the journal");
    let answer = envelope(&to, &reply("two"));
    sink.settle(&answer);
    web.mailboxes
        .post(&to.conversation, crate::encode::Event::answer(&crate::encode::Answer::delivered(&answer)));
    // So much that the page falls behind, and never hears of the answer but out of the journal.
    for id in 100..150 {
        let withdrawn = crate::encode::Event::withdrawn(&MessageId(id.to_string()));
        web.mailboxes.post(&to.conversation, withdrawn);
    }
    sink.may_read.add_permits(1000);
    let heard = hears(&mut listening.await).await;
    let about: Vec<_> = heard.iter().filter(|event| event.ends_with(" 2")).collect();
    assert_eq!(about, ["message 2", "reply 2"]);
}

#[tokio::test]
async fn a_stream_that_does_not_wait_ends_and_bad_watermarks_are_refused() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one")]), None);
    let body = web.ask(get(&path(ONE, "events?wait=false"))).await.into_body();
    let all = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&all).contains("id: 1\nevent: reply\n"));
    for bad in ["x", "-1", "1.5", "999999999999999999999"] {
        let mut request = get(&path(ONE, "events"));
        request.headers_mut().insert("last-event-id", bad.parse().unwrap());
        assert_eq!(web.ask(request).await.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(web.ask(get(&path(ONE, "events?wait=maybe"))).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_asked_again() {
    let web = fixture(FakeSink::remembering(ONE, &[("1", "one")]), None);
    *web.sink.broken.lock().unwrap() = Some("the disk is gone");
    let refused = web.ask(get(&path(ONE, "events"))).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(error(refused).await.contains("the disk is gone"));
    *web.sink.broken.lock().unwrap() = None;
    assert_eq!(hears(&mut web.listen(ONE, None).await).await, ["message 1", "reply 1"]);
}

#[tokio::test]
async fn a_reply_that_is_posted_while_the_journal_is_read_is_not_missed() {
    let sink = FakeSink::remembering(ONE, &[("1", "one")]);
    sink.may_read.forget_permits(Semaphore::MAX_PERMITS);
    let web = fixture(sink.clone(), None);
    let mut listening = Box::pin(web.listen(ONE, None));
    assert!((&mut listening).now_or_never().is_none(), "nothing is streamed before the journal is read");
    sink.keep(Inbound::message(address(ONE, "2").conversation, "2", Sender::new(ANN), "Hello"));
    let answer = envelope(&address(ONE, "2"), &reply("two"));
    let mut delivering = Box::pin(web.deliver_whole(&answer));
    assert!((&mut delivering).now_or_never().is_none());
    sink.may_read.add_permits(1000);
    delivering.await;
    let mut page = listening.await;
    assert!(hears(&mut page).await.contains(&"reply 2".to_owned()));
}
