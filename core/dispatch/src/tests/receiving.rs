//! Connections that break or go silent, and what was said meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_contract::{
    BoxFuture, CancellationToken, ConnectorError, Ingress, Query, Sequence, Sink, Timestamp,
};

use super::fakes::{Bench, message};

/// An ingress that receives nothing.
pub(super) struct Idle;

impl Ingress for Idle {
    fn run<'a>(
        &'a self,
        _: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            stop.cancelled().await;
            Ok(())
        })
    }
}

/// An ingress that ends in these ways, and then goes silent.
struct Flaky {
    runs: AtomicUsize,
    ends: Mutex<Vec<ConnectorError>>,
    /// How often it says that it is alive, once a second, before it falls silent.
    beats: usize,
}

impl Ingress for Flaky {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            self.runs.fetch_add(1, Ordering::Relaxed);
            if let Some(end) = self.ends.lock().unwrap().pop() {
                return Err(end);
            }
            for _ in 0..self.beats {
                tokio::time::sleep(Duration::from_secs(1)).await;
                sink.alive();
            }
            stop.cancelled().await;
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_made_again_until_a_person_has_to_act() {
    let bench = Bench::new();
    let ends = vec![
        ConnectorError::Stop("wrong password".into()),
        ConnectorError::Lost("reset".into()),
        ConnectorError::Lost("reset".into()),
    ];
    let flaky = Arc::new(Flaky { runs: AtomicUsize::new(0), ends: Mutex::new(ends), beats: 0 });
    let ended = bench.dispatch.run("post", flaky.clone()).await.unwrap_err();
    assert!(ended.to_string().contains("wrong password"));
    assert_eq!(flaky.runs.load(Ordering::Relaxed), 3);
    assert!(bench.dispatch.run("nowhere", flaky).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_goes_silent_is_made_again() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().silence = Some(Duration::from_secs(30));
    let flaky = Arc::new(Flaky { runs: AtomicUsize::new(0), ends: Mutex::default(), beats: 100 });
    let running = tokio::spawn({
        let (dispatch, flaky) = (bench.dispatch.clone(), flaky.clone());
        async move { dispatch.run("post", flaky).await }
    });
    tokio::time::sleep(Duration::from_secs(125)).await;
    assert_eq!(flaky.runs.load(Ordering::Relaxed), 1, "it beat for 100 s and may be silent for 30");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(flaky.runs.load(Ordering::Relaxed), 2);
    bench.stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_missed_is_caught_up_and_what_is_too_old_expires_on_record() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().backfill = true;
    bench.accept(&message("a", "1", "one")).await.unwrap();
    bench.drain().await;
    let mut old = message("a", "2", "two");
    old.sent_at = Some(Timestamp(Timestamp::now().0 - 2 * 86_400_000));
    *bench.post.missed.lock().unwrap() = vec![message("a", "1", "one"), old, message("a", "3", "three")];
    let bench = bench.restarted().await;
    let running = tokio::spawn({
        let dispatch = bench.dispatch.clone();
        async move { dispatch.run("post", Arc::new(Idle)).await }
    });
    while bench.post.texts().len() < 2 {
        bench.post.news.notified().await;
    }
    // After a connection is made again.
    bench.post.missed.lock().unwrap().push(message("a", "4", "four"));
    bench.sink.reconnected().await;
    bench.stop.cancel();
    running.await.unwrap().unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["one", "three", "four"]);
    assert_eq!(bench.entry(2).await.state(), loquat_contract::State::Expired);
}

#[tokio::test]
async fn what_was_said_is_read_back_for_platforms_that_keep_nothing() {
    let bench = Bench::new();
    bench.accept_all(&[message("a", "1", "one"), message("b", "2", "two"), message("a", "3", "three")]).await;
    bench.drain().await;
    let of = |name: &str| Query { conversation: Some(super::fakes::conversation(name)), ..Query::default() };
    let answers = |entries: Vec<loquat_contract::Entry>| -> Vec<String> {
        let replies = entries.into_iter().filter_map(|entry| entry.prepared?.reply);
        replies.map(|reply| reply.answer.clone()).collect()
    };
    assert_eq!(answers(bench.sink.history(of("a")).await.unwrap()), ["one", "three"]);
    let after = Query { after: Some(Sequence(1)), ..of("a") };
    assert_eq!(answers(bench.sink.history(after).await.unwrap()), ["three"]);
    let everything = Query { platform: Some("another".into()), ..Query::default() };
    assert_eq!(
        answers(bench.sink.history(everything).await.unwrap()).len(),
        3,
        "its own platform, whatever is asked"
    );
}

#[tokio::test]
async fn a_connector_has_people_of_its_own_platform_erased_and_nobody_else() {
    let bench = Bench::new();
    bench.accept_all(&[message("a", "1", "one")]).await;
    bench.drain().await;
    let person = bench.entry(1).await.inbound.person();
    let elsewhere = loquat_contract::Person { platform: "another".into(), ..person.clone() };
    assert_eq!(bench.sink.erase(&elsewhere).await.unwrap(), 0);
    assert_eq!(bench.sink.history(Query::default()).await.unwrap().len(), 1);
    assert_eq!(bench.sink.erase(&person).await.unwrap(), 1);
    assert!(bench.sink.history(Query::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_missed_is_not_said_too_fast_and_all_of_it_is_asked_for() {
    let mut bot = crate::Bot { max_message_chars: 100, ..crate::Bot::default() };
    bot.access.messages_per_minute = 3;
    let bench = Bench::limited(bot);
    bench.post.capabilities.lock().unwrap().backfill = true;
    bench.accept(&message("a", "1000", "one")).await.unwrap();
    let missed = (1001..1251).map(|id| message("a", &id.to_string(), "missed")).collect();
    *bench.post.missed.lock().unwrap() = missed;
    bench.sink.reconnected().await;
    bench.drain().await;
    assert_eq!(bench.entries().await.len(), 251);
    // Two more may be said now; then what was accepted before is known all the same.
    for id in ["x", "y"] {
        bench.accept(&message("a", id, "new")).await.unwrap();
    }
    assert!(matches!(
        bench.accept(&message("a", "z", "new")).await,
        Err(loquat_contract::Refusal::TooFast { .. })
    ));
    let again = bench.accept(&message("a", "1000", "one")).await.unwrap();
    assert_eq!(again, loquat_contract::Receipt::Duplicate);
    bench.drain().await;
}

#[tokio::test]
async fn a_platform_that_says_the_same_for_ever_is_not_asked_for_ever() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().backfill = true;
    bench.accept(&message("a", "1000", "one")).await.unwrap();
    *bench.post.missed.lock().unwrap() =
        (1001..1101).map(|id| message("a", &id.to_string(), "missed")).collect();
    *bench.post.repeats.lock().unwrap() = true;
    bench.sink.reconnected().await;
    bench.drain().await;
    assert_eq!(bench.entries().await.len(), 101);
}
