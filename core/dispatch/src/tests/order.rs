//! Order, duplicates, refusals, and what a restart finds.

use std::sync::Arc;

use loquat_contract::testing::{BREAKDOWN, UNANSWERABLE};
use loquat_contract::{
    Dialogue, Event, Inbound, Journal, Memory, MessageId, Receipt, Refusal, Sequence, Settlement, State,
};

use super::fakes::{Bench, conversation, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_answered_in_order_and_others_at_the_same_time() {
    let bench = Bench::new();
    let held = bench.echo.hold("a 0");
    let mut all = Vec::new();
    for number in 0..5 {
        all.extend(
            ["a", "b"].map(|channel| message(channel, &number.to_string(), &format!("{channel} {number}"))),
        );
    }
    bench.accept_all(&all).await;
    while bench.post.texts().len() < 5 {
        bench.post.news.notified().await;
    }
    let of = |texts: &[String], channel: &str| -> Vec<String> {
        texts.iter().filter(|text| text.starts_with(channel)).cloned().collect()
    };
    let numbered = |channel: &str| (0..5).map(|number| format!("{channel} {number}")).collect::<Vec<_>>();
    assert_eq!(bench.post.texts(), numbered("b"), "b does not wait for a");
    held.cancel();
    bench.drain().await;
    assert_eq!(of(&bench.post.texts(), "a"), numbered("a"));
    assert!(bench.journal.owed().await.unwrap().is_empty());
    assert!(bench.entries().await.iter().all(|entry| entry.state() == State::Delivered));
    assert_eq!(bench.dispatch.at_work(), 0, "an idle conversation has no queue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_order_of_the_journal_is_the_order_of_the_answers() {
    let bench = Arc::new(Bench::new());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let bench = bench.clone();
        let text = number.to_string();
        tasks.spawn(async move { bench.accept(&message("a", &text, &text)).await.unwrap() });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    bench.drain().await;
    let kept: Vec<String> =
        bench.entries().await.iter().map(|entry| entry.inbound.text().unwrap().to_owned()).collect();
    assert_eq!(bench.post.texts(), kept);
}

fn apology() -> &'static str {
    crate::words::of(&loquat_contract::Language::english()).apology
}

#[tokio::test]
async fn a_message_that_comes_twice_is_answered_once() {
    let bench = Bench::new();
    let once = message("a", "1", "hello");
    assert_eq!(bench.accept(&once).await.unwrap(), Receipt::Accepted);
    assert_eq!(bench.accept(&once).await.unwrap(), Receipt::Duplicate);
    bench.drain().await;
    let bench = bench.restarted().await;
    assert_eq!(bench.accept(&once).await.unwrap(), Receipt::Duplicate);
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello"]);
}

#[tokio::test]
async fn what_is_refused_is_not_kept() {
    let bench = Bench::new();
    assert!(matches!(bench.accept(&message("a", "1", " \n")).await, Err(Refusal::Empty)));
    // The limit counts characters, not bytes.
    assert!(bench.accept(&message("a", "2", &"é".repeat(400))).await.is_ok());
    let refusal = bench.accept(&message("a", "3", &"é".repeat(401))).await;
    assert!(matches!(refusal, Err(Refusal::TooLong { length: 401, limit: 400 })));
    bench.stop.cancel();
    assert!(matches!(bench.accept(&message("a", "4", "hello")).await, Err(Refusal::Stopping)));
    bench.drain().await;
    assert_eq!(bench.entries().await.len(), 1);
}

#[tokio::test]
async fn what_calls_for_no_answer_is_noted() {
    let bench = Bench::new();
    let reaction = Event::Reaction { message: MessageId("1".into()), emoji: "👍".into(), removed: false };
    for (id, event) in [("r", reaction), ("j", Event::Join)] {
        bench.accept(&Inbound { event, ..message("a", id, "") }).await.unwrap();
    }
    bench.drain().await;
    assert!(bench.post.texts().is_empty());
    assert!(bench.entries().await.iter().all(|entry| entry.settled.as_ref().unwrap().0 == Settlement::Noted));
}

#[tokio::test]
async fn a_message_that_cannot_be_answered_gets_an_apology_and_is_a_dead_letter() {
    let bench = Bench::new();
    bench.accept_all(&[message("a", "1", UNANSWERABLE), message("a", "2", "hello")]).await;
    bench.drain().await;
    assert_eq!(bench.post.texts(), [apology(), "hello"], "the reason is none of the person's business");
    let entry = bench.entry(1).await;
    assert!(matches!(&entry.settled, Some((Settlement::Failed { reason }, _)) if reason.contains("failure")));
}

#[tokio::test]
async fn a_breakdown_costs_one_message() {
    let bench = Bench::new();
    bench.accept_all(&[message("a", "1", BREAKDOWN), message("a", "2", "hello")]).await;
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello"]);
    assert_eq!(bench.entry(1).await.state(), State::Failed);
}

#[tokio::test]
async fn what_a_stop_leaves_the_next_run_answers_in_order() {
    let bench = Bench::new();
    let held = bench.echo.hold("one");
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two"), message("b", "3", "three")]).await;
    while bench.post.texts().is_empty() {
        bench.post.news.notified().await;
    }
    bench.stop.cancel();
    tokio::time::pause();
    bench.drain().await;
    tokio::time::resume();
    drop(held);
    assert_eq!(bench.post.texts(), ["three"]);
    let bench = bench.restarted().await;
    assert_eq!(bench.dispatch.resume().await.unwrap(), 2);
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["three", "one", "two"]);
}

#[tokio::test]
async fn conversations_that_end_with_the_process_are_closed_and_others_wait() {
    let bench = Bench::new();
    let elsewhere = |mut inbound: Inbound| {
        inbound.conversation.platform = "elsewhere".into();
        inbound
    };
    bench.journal.accept(&message("a", "1", "one")).await.unwrap();
    bench.journal.accept(&elsewhere(message("a", "2", "two"))).await.unwrap();
    bench.post.capabilities.lock().unwrap().outlives_process = false;
    assert_eq!(bench.dispatch.resume().await.unwrap(), 0);
    assert_eq!(bench.entry(1).await.state(), State::Failed);
    assert_eq!(bench.entry(2).await.state(), State::Accepted, "its connector may be there again");
}

#[tokio::test]
async fn what_a_conversation_is_about_survives_a_restart_and_an_erasure_does_not() {
    let bench = Bench::new();
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two")]).await;
    bench.drain().await;
    let bench = bench.restarted().await;
    assert_eq!(bench.echo.memory(&conversation("a")), None);
    bench.accept(&message("a", "3", "three")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.echo.memory(&conversation("a")), Some(Memory("3".into())));
    assert_eq!(bench.dispatch.erase(&"post:alice".parse().unwrap()).await.unwrap(), 3);
    assert_eq!(bench.echo.memory(&conversation("a")), None);
    assert!(bench.entries().await.is_empty());
}

#[tokio::test]
async fn an_operator_retries_and_discards() {
    let bench = Bench::new();
    bench.accept(&message("a", "1", UNANSWERABLE)).await.unwrap();
    let held = bench.echo.hold("two");
    bench.accept_all(&[message("a", "2", "two"), message("a", "3", "three")]).await;
    let refused = bench.dispatch.retry(Sequence(2)).await.unwrap_err();
    assert!(refused.to_string().contains("on its way"), "{refused}");
    bench.dispatch.discard(Sequence(2)).await.unwrap();
    held.cancel();
    bench.drain().await;
    assert_eq!(bench.entry(2).await.settled.unwrap().0, Settlement::Discarded);
    assert!(bench.dispatch.discard(Sequence(2)).await.unwrap_err().to_string().contains("settled"));
    assert_eq!(bench.post.texts(), [apology(), "three"]);
    assert!(bench.dispatch.retry(Sequence(9)).await.is_err());
}

#[tokio::test]
async fn an_old_owner_sends_nothing_after_a_new_one_took_over() {
    let bench = Bench::new();
    let held = bench.echo.hold("one");
    bench.accept(&message("a", "1", "one")).await.unwrap();
    std::fs::remove_file(bench.folder().join("lock")).unwrap();
    let _new = loquat_journal::EmbeddedJournal::open(bench.folder()).unwrap();
    held.cancel();
    bench.drain().await;
    assert!(bench.post.texts().is_empty());
    assert!(bench.stop.is_cancelled(), "it stops by itself");
}

#[tokio::test]
async fn what_is_answered_while_somebody_is_erased_leaves_no_memory() {
    let bench = Bench::new();
    let held = bench.echo.hold("two");
    let mut other = message("a", "2", "two");
    other.sender.id = "bob".into();
    bench.accept(&message("a", "1", "one")).await.unwrap();
    bench.accept(&other).await.unwrap();
    while bench.post.texts().is_empty() {
        bench.post.news.notified().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.dispatch.erase(&"post:alice".parse().unwrap()).await.unwrap(), 1);
    held.cancel();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["one", "two"]);
    assert_eq!(bench.journal.memory(&conversation("a")).await.unwrap(), None);
    assert_eq!(bench.echo.memory(&conversation("a")), None);
}
