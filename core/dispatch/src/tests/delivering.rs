//! Every way in which a delivery can end, and what the journal says of it. Time is the test's own.

use std::time::Duration;

use loquat_contract::{
    Delivery, Idempotency, Journal, Length, LengthUnit, PartState, Sequence, Settlement, State,
};

use super::fakes::{Bench, ambiguous, message, retry, sent};
use crate::Settings;

async fn one(bench: &Bench) {
    bench.accept(&message("a", "1", "hello")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_busy_platform_gets_its_reply_after_the_pause_it_asks_for() {
    let bench = Bench::new();
    bench.post.then([retry(None), retry(Some(Duration::from_secs(40)))]);
    one(&bench).await;
    bench.accept(&message("a", "2", "next")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello", "hello", "hello", "next"], "the next waits for it");
    let delivered = bench.post.delivered.lock().unwrap().clone();
    assert!(delivered.iter().take(3).all(|one| one.key == delivered[0].key), "one key for all tries");
    assert_eq!(delivered[0].key.len(), 24);
    assert_ne!(delivered[3].key, delivered[0].key);
    let pauses: Vec<Duration> = delivered.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses[0] >= Duration::from_millis(250) && pauses[0] < Duration::from_secs(2), "{pauses:?}");
    assert!(pauses[1] >= Duration::from_secs(40) && pauses[1] < Duration::from_secs(42), "{pauses:?}");
    assert_eq!(bench.entry(1).await.state(), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_arrived_is_never_sent_again_without_a_key() {
    let bench = Bench::new();
    bench.post.then([ambiguous()]);
    one(&bench).await;
    bench.accept(&message("a", "2", "next")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello", "next"]);
    let entry = bench.entry(1).await;
    assert_eq!(entry.state(), State::Unknown);
    assert_eq!(entry.parts, [PartState::Unknown { reason: "the line went dead".into() }]);
    let bench = bench.restarted().await;
    assert_eq!(bench.dispatch.resume().await.unwrap(), 0);
    // An operator may decide otherwise.
    bench.dispatch.retry(Sequence(1)).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello", "next", "hello"]);
    assert_eq!(bench.entry(1).await.state(), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn with_a_key_it_is_sent_again_until_it_is_sure() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().idempotency = Idempotency::Key;
    bench.post.then([ambiguous(), retry(None), ambiguous()]);
    one(&bench).await;
    bench.drain().await;
    let delivered = bench.post.delivered.lock().unwrap().clone();
    assert_eq!(delivered.len(), 4);
    assert!(delivered.iter().all(|one| one.key == delivered[0].key));
    assert_eq!(bench.entry(1).await.state(), State::Delivered);
}

#[tokio::test]
async fn a_key_that_is_good_for_a_while_is_used_for_that_long() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().idempotency = Idempotency::Window(Duration::from_millis(1200));
    bench.post.then(std::iter::repeat_with(ambiguous).take(20));
    one(&bench).await;
    bench.drain().await;
    let tries = bench.post.texts().len();
    // The pauses are 250 to 500, 500 to 1000 and 1000 to 2000 ms long.
    assert!((2..=4).contains(&tries), "{tries}");
    assert_eq!(bench.entry(1).await.state(), State::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_does_not_answer_leaves_it_unknown() {
    let bench = Bench::new();
    *bench.post.hangs.lock().unwrap() = true;
    one(&bench).await;
    bench.drain().await;
    assert_eq!(bench.post.texts().len(), 1);
    let entry = bench.entry(1).await;
    assert!(
        matches!(&entry.settled, Some((Settlement::Unknown { reason }, _)) if reason.contains("in time"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_the_platform_rejects_is_a_dead_letter() {
    let bench = Bench::new();
    bench.post.then([Delivery::Permanent { reason: "the chat is gone".into() }]);
    one(&bench).await;
    bench.accept(&message("a", "2", "next")).await.unwrap();
    bench.drain().await;
    let entry = bench.entry(1).await;
    assert!(
        matches!(&entry.settled, Some((Settlement::Failed { reason }, _)) if reason == "the chat is gone")
    );
    assert_eq!(bench.entry(2).await.state(), State::Delivered, "the conversation goes on");
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_is_not_let_in_stops_and_keeps_what_it_owes() {
    let bench = Bench::new();
    bench.post.then([Delivery::Unauthorised { reason: "the token was revoked; set another".into() }]);
    one(&bench).await;
    bench.accept(&message("a", "2", "next")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello"]);
    assert_eq!(bench.entry(1).await.state(), State::Answered);
    let ended = bench.dispatch.run("post", std::sync::Arc::new(super::receiving::Idle)).await.unwrap_err();
    assert!(ended.to_string().contains("set another"), "{ended}");
    let bench = bench.restarted().await;
    bench.dispatch.resume().await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["hello", "hello", "next"]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_too_late_is_given_up() {
    let bench = Bench::with(Settings { deliver_within_s: 60, ..Settings::default() });
    bench.post.then(std::iter::repeat_with(|| retry(None)).take(1000));
    one(&bench).await;
    bench.drain().await;
    assert_eq!(bench.entry(1).await.state(), State::Expired);
    let bench = Bench::with(Settings { answer_within_s: 60, ..Settings::default() });
    let mut old = message("a", "1", "hello");
    old.sent_at = Some(loquat_contract::Timestamp(1_000));
    bench.accept(&old).await.unwrap();
    bench.drain().await;
    assert!(bench.post.texts().is_empty());
    assert_eq!(bench.entry(1).await.state(), State::Expired);
}

#[tokio::test(start_paused = true)]
async fn each_part_has_its_own_state_and_key() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().max_length =
        Some(Length { limit: 10, unit: LengthUnit::Characters });
    bench.post.then([sent(), ambiguous(), retry(None)]);
    bench.accept(&message("a", "1", "first word second word third word")).await.unwrap();
    bench.drain().await;
    let delivered = bench.post.delivered.lock().unwrap().clone();
    let entry = bench.entry(1).await;
    let of = entry.parts.len();
    assert!(of >= 3, "{entry:?}");
    assert_eq!(delivered.len(), of + 1, "one was tried twice");
    let keys: std::collections::HashSet<&String> = delivered.iter().map(|one| &one.key).collect();
    assert_eq!(keys.len(), of);
    assert!(matches!(entry.parts[1], PartState::Unknown { .. }));
    assert!(matches!(entry.parts[2], PartState::Sent { .. }), "what follows is still worth having");
    assert_eq!(entry.state(), State::Unknown, "and the gap is visible");
}

#[tokio::test(start_paused = true)]
async fn what_was_being_sent_at_a_crash_is_unknown_or_sent_again_by_its_key() {
    for (idempotency, state, times) in
        [(Idempotency::None, State::Unknown, 1), (Idempotency::Key, State::Delivered, 2)]
    {
        let bench = Bench::new();
        bench.post.capabilities.lock().unwrap().idempotency = idempotency;
        *bench.post.hangs.lock().unwrap() = true;
        one(&bench).await;
        bench.post.news.notified().await;
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(bench.folder()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        // The disk as it was in the middle of the delivery.
        let journal = loquat_journal::EmbeddedJournal::open(copy.path()).unwrap();
        assert_eq!(journal.owed().await.unwrap()[0].state(), State::Sending);
        *bench.post.hangs.lock().unwrap() = false;
        let next = bench.with_journal(journal);
        next.dispatch.resume().await.unwrap();
        next.drain().await;
        assert_eq!(next.entry(1).await.state(), state);
        assert_eq!(next.post.texts().len(), times);
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_keep_the_pace_of_the_platform() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().pace = loquat_contract::Pace {
        per_conversation: Duration::from_millis(30),
        overall: Duration::from_millis(10),
    };
    let bench = bench.restarted().await;
    tokio::time::resume();
    let begun = std::time::Instant::now();
    for number in 0..4 {
        bench.accept(&message("a", &number.to_string(), "hello")).await.unwrap();
        bench.accept(&message("b", &number.to_string(), "hello")).await.unwrap();
    }
    bench.drain().await;
    assert!(begun.elapsed() >= Duration::from_millis(90), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_person_sees_that_the_bot_is_at_work_and_the_draft() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().typing = Some(Duration::from_secs(5));
    let held = bench.echo.hold("hello");
    one(&bench).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    held.cancel();
    bench.drain().await;
    assert_eq!(*bench.post.typed.lock().unwrap(), 3, "at once, after 4 s, after 8 s");
    assert_eq!(*bench.post.drafted.lock().unwrap(), ["1 hello"]);
    bench.post.capabilities.lock().unwrap().drafts = false;
    let bench = bench.restarted().await;
    let held = bench.echo.hold("hello");
    bench.accept(&message("a", "2", "hello")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    held.cancel();
    bench.drain().await;
    assert_eq!(bench.post.drafted.lock().unwrap().len(), 1);
    assert_eq!(bench.entry(2).await.state(), State::Delivered);
}

#[tokio::test(start_paused = true)]
async fn an_operator_cannot_give_up_what_is_being_delivered() {
    let bench = Bench::new();
    *bench.post.hangs.lock().unwrap() = true;
    one(&bench).await;
    bench.post.news.notified().await;
    let refused = bench.dispatch.discard(Sequence(1)).await.unwrap_err();
    assert!(refused.to_string().contains("being delivered"), "{refused}");
    assert!(bench.dispatch.retry(Sequence(1)).await.unwrap_err().to_string().contains("on its way"));
    bench.drain().await;
    assert_eq!(bench.post.texts().len(), 1);
    assert_eq!(bench.entry(1).await.state(), State::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_up_begins_no_further_part() {
    let bench = Bench::new();
    bench.post.capabilities.lock().unwrap().max_length =
        Some(Length { limit: 10, unit: LengthUnit::Characters });
    *bench.post.hangs.lock().unwrap() = true;
    bench.accept(&message("a", "1", "first word second word third word")).await.unwrap();
    bench.post.news.notified().await;
    bench.stop.cancel();
    bench.drain().await;
    let parts = bench.entry(1).await.parts;
    assert!(matches!(parts[0], PartState::Unknown { .. }), "{parts:?}");
    assert!(parts[1..].iter().all(|part| *part == PartState::Prepared), "{parts:?}");
    assert_eq!(bench.post.texts().len(), 1);
    // The rest is owed, and sent by the next run.
    *bench.post.hangs.lock().unwrap() = false;
    let of = parts.len();
    let bench = bench.restarted().await;
    bench.dispatch.resume().await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts().len(), of);
    assert_eq!(bench.entry(1).await.state(), State::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_what_could_not_be_answered_answers_it() {
    use loquat_contract::testing::UNANSWERABLE;
    let bench = Bench::with(Settings { answer_within_s: 60, ..Settings::default() });
    bench.accept(&message("a", "1", UNANSWERABLE)).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.entry(1).await.state(), State::Failed);
    bench.dispatch.retry(Sequence(1)).await.unwrap();
    let reopened = bench.entry(1).await;
    assert!(reopened.prepared.is_none() && reopened.reopened_at.is_some(), "{reopened:?}");
    bench.drain().await;
    assert_eq!(bench.post.texts().len(), 2, "it is tried again, and apologised for again");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_wants_too_long_a_pause_does_not_hold_up_the_rest() {
    let bench = Bench::with(Settings { deliver_within_s: 60, ..Settings::default() });
    bench.post.then([retry(Some(Duration::from_secs(365 * 86_400)))]);
    one(&bench).await;
    bench.accept(&message("a", "2", "next")).await.unwrap();
    let begun = tokio::time::Instant::now();
    bench.drain().await;
    assert!(begun.elapsed() < Duration::from_secs(120));
    assert_eq!(bench.entry(1).await.state(), State::Expired);
    assert_eq!(bench.entry(2).await.state(), State::Delivered);
}

#[tokio::test]
async fn no_two_conversations_try_again_at_the_same_moments() {
    let bench = Bench::new();
    let pauses = || bench.dispatch.shared.pauses().take(5).collect::<Vec<Duration>>();
    assert_ne!(pauses(), pauses());
}
