//! What a message means to those before it: queued, answered together, interrupted, changed, taken back.

use std::time::Duration;

use loquat_contract::{Event, Inbound, Settlement};

use super::fakes::{Bench, deletion, edit, message};
use crate::{Overlap, Settings};

fn with(overlap: Overlap) -> Bench {
    Bench::with(Settings { overlap, ..Settings::default() })
}

async fn settlement(bench: &Bench, sequence: u64) -> Settlement {
    bench.entry(sequence).await.settled.unwrap().0
}

/// Waits until the first message of the conversation is being answered.
async fn begun() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_follow_one_another_quickly_are_answered_together() {
    let bench = with(Overlap::Debounce);
    bench.accept(&message("a", "1", "what is")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    bench.accept(&message("a", "2", "the capital")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    bench.accept(&message("a", "3", "of Bhutan?")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5000)).await;
    bench.accept(&message("a", "4", "thanks")).await.unwrap();
    bench.drain().await;
    let delivered = bench.post.delivered.lock().unwrap().clone();
    let texts: Vec<&str> = delivered.iter().map(|one| one.text.split_whitespace().next().unwrap()).collect();
    assert_eq!(texts, ["what", "thanks"]);
    let joined = delivered[0].text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!((joined.as_str(), delivered[0].to.as_str()), ("what is the capital of Bhutan?", "3"));
    let into = loquat_contract::Sequence(3);
    assert_eq!(settlement(&bench, 1).await, Settlement::Merged { into });
    assert_eq!(settlement(&bench, 2).await, Settlement::Merged { into });
}

#[tokio::test]
async fn a_crash_does_not_part_what_is_answered_together() {
    let bench = with(Overlap::Debounce);
    let held = bench.echo.hold("one\ntwo");
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two")]).await;
    tokio::time::sleep(Duration::from_millis(1800)).await;
    bench.stop.cancel();
    tokio::time::pause();
    bench.drain().await;
    tokio::time::resume();
    drop(held);
    assert!(bench.post.texts().is_empty());
    let bench = bench.restarted().await;
    assert_eq!(bench.dispatch.resume().await.unwrap(), 2, "neither is answered yet");
    bench.drain().await;
    let words: Vec<String> =
        bench.post.texts().iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(words, ["one two"]);
}

#[tokio::test]
async fn a_message_interrupts_the_one_before_it() {
    let bench = with(Overlap::Interrupt);
    let _held = bench.echo.hold("one");
    bench.accept(&message("a", "1", "one")).await.unwrap();
    begun().await;
    bench.accept(&message("a", "2", "two")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["two"]);
    assert_eq!(*bench.post.withdrawn.lock().unwrap(), ["1"]);
    assert!(matches!(settlement(&bench, 1).await, Settlement::Superseded { .. }));
}

#[tokio::test]
async fn a_question_does_not_interrupt_a_command() {
    let bench = with(Overlap::Interrupt);
    let held = bench.echo.hold("one");
    bench.accept(&message("a", "1", "one")).await.unwrap();
    begun().await;
    // It waits behind the first, and before what comes next.
    bench.accept_all(&[message("a", "2", "/language zh"), message("a", "3", "two")]).await;
    held.cancel();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["从现在起我用中文回答。", "two"]);
}

#[tokio::test]
async fn an_edit_is_answered_in_place_of_its_message() {
    // While it is being answered, while it waits, and after it was answered.
    let bench = Bench::new();
    let held = bench.echo.hold("one");
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two"), message("a", "3", "three")]).await;
    begun().await;
    bench.accept(&edit("a", "e2", "2", "second")).await.unwrap();
    bench.accept(&edit("a", "e3", "2", "second again")).await.unwrap();
    bench.accept(&edit("a", "e1", "1", "first")).await.unwrap();
    bench.drain().await;
    held.cancel();
    let delivered = bench.post.delivered.lock().unwrap().clone();
    let answered: Vec<(&str, &str)> =
        delivered.iter().map(|one| (one.to.as_str(), one.text.as_str())).collect();
    assert_eq!(answered, [("3", "three"), ("2", "second again"), ("1", "first")]);
    bench.accept(&edit("a", "e4", "3", "third")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts().len(), 3, "what is answered is answered");
    assert_eq!(settlement(&bench, 7).await, Settlement::Noted);
}

#[tokio::test]
async fn a_changed_question_is_answered_again_where_the_platform_shows_that() {
    let bench = Bench::new();
    let plain = bench.post.capabilities.lock().unwrap().to_owned();
    *bench.post.capabilities.lock().unwrap() =
        loquat_contract::Capabilities { answers_changes: true, ..plain };
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two")]).await;
    bench.settled().await;
    bench.accept(&edit("a", "e1", "1", "first")).await.unwrap();
    bench.accept(&edit("a", "e9", "9", "of nothing")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["one", "two", "first"]);
    let again = bench.entry(3).await;
    assert_eq!(again.inbound.address().in_reply_to.0, "1", "in the place of the old answer");
    assert_eq!(again.prepared.unwrap().again, Some(loquat_contract::Sequence(1)));
    assert!(matches!(bench.entry(4).await.settled, Some((loquat_contract::Settlement::Noted, _))));
}

#[tokio::test]
async fn a_message_that_is_taken_back_is_not_answered() {
    let bench = Bench::new();
    let _held = bench.echo.hold("one");
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two"), message("a", "3", "three")]).await;
    begun().await;
    bench.accept_all(&[deletion("a", "d2", "2"), deletion("a", "d1", "1"), deletion("a", "d3", "1")]).await;
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["three"]);
    for sequence in [1, 2] {
        let settled = settlement(&bench, sequence).await;
        assert!(
            matches!(&settled, Settlement::Superseded { reason } if reason.contains("deleted")),
            "{settled:?}"
        );
    }
    assert_eq!(settlement(&bench, 4).await, Settlement::Noted);
}

#[tokio::test]
async fn a_deletion_and_its_message_meet_also_after_a_crash() {
    use loquat_contract::Journal;
    let bench = Bench::new();
    for inbound in [
        message("a", "1", "one"),
        message("a", "2", "two"),
        deletion("a", "d", "1"),
        edit("a", "e", "2", "second"),
    ] {
        bench.journal.accept(&inbound).await.unwrap();
    }
    assert_eq!(bench.dispatch.resume().await.unwrap(), 4);
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["second"]);
}

#[tokio::test]
async fn commands_and_buttons_are_answered_as_if_they_were_said() {
    let bench = Bench::of(crate::Bot {
        card: loquat_contract::BotCard {
            greeting: "Ask me.".into(),
            suggestions: vec!["What is open?".into(), "Where are you?".into()],
            ..Default::default()
        },
        max_message_chars: 100,
        ..crate::Bot::default()
    });
    let command = |id: &str, name: &str, arguments: &str| Inbound {
        event: Event::Command { name: name.into(), arguments: arguments.into() },
        ..message("a", id, "")
    };
    let button = Inbound {
        event: Event::Button { message: loquat_contract::MessageId("1".into()), id: "c1.1".into() },
        ..message("a", "4", "")
    };
    bench
        .accept_all(&[
            command("1", "start", ""),
            message("a", "2", "2"),
            command("3", "ask", "Who?"),
            button,
            message("a", "5", "2"),
        ])
        .await;
    bench.drain().await;
    let texts = bench.post.texts();
    assert!(texts[0].starts_with("Ask me."), "{texts:?}");
    assert!(texts[0].contains("2. Where are you?"), "without buttons they are numbered: {texts:?}");
    assert_eq!(
        texts[1..],
        ["Where are you?", "Who?", "Where are you?", "2"],
        "a number means a choice where there are some"
    );
}

#[tokio::test]
async fn of_what_is_answered_together_one_is_taken_back_and_the_rest_is_answered() {
    for (withdrawn, left) in [("1", "two"), ("2", "one")] {
        let bench = with(Overlap::Debounce);
        let _held = bench.echo.hold("one\ntwo");
        bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two")]).await;
        tokio::time::sleep(Duration::from_millis(1700)).await;
        bench.accept(&deletion("a", "d", withdrawn)).await.unwrap();
        bench.drain().await;
        assert_eq!(bench.post.texts(), [left], "{withdrawn} is taken back");
    }
}

#[tokio::test]
async fn what_was_answered_together_is_not_answered_again_after_a_crash() {
    use loquat_contract::{Journal, Prepared, Sequence, Step};
    let bench = with(Overlap::Debounce);
    for id in ["1", "2"] {
        bench.journal.accept(&message("a", id, id)).await.unwrap();
    }
    // Killed after the reply was made, and before the first was noted as answered with it.
    let prepared = Prepared { with: vec![Sequence(1)], ..Prepared::default() };
    bench.journal.record(Sequence(2), vec![Step::Prepared(Box::new(prepared))]).await.unwrap();
    bench.dispatch.resume().await.unwrap();
    bench.drain().await;
    assert!(bench.post.texts().is_empty());
    assert_eq!(settlement(&bench, 1).await, Settlement::Merged { into: Sequence(2) });
}

#[tokio::test]
async fn a_breakdown_settles_all_that_were_answered_together() {
    use loquat_contract::State;
    use loquat_contract::testing::BREAKDOWN;
    let bench = with(Overlap::Debounce);
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", BREAKDOWN)]).await;
    tokio::time::sleep(Duration::from_millis(1700)).await;
    bench.accept(&message("a", "3", "three")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.post.texts(), ["three"]);
    for sequence in [1, 2] {
        assert_eq!(bench.entry(sequence).await.state(), State::Failed, "{sequence}");
    }
}
