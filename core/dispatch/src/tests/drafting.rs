//! Drafts: what they show, which message shows them, and what becomes of it at a crash, a withdrawal and a failure.

use std::time::Duration;

use loquat_contract::testing::BREAKDOWN;
use loquat_contract::{
    BoxFuture, ConversationId, Delivery, Dialogue, DialogueError, Journal, MessageId, Reply, Sentence,
    Sequence, Step, testing,
};

use super::fakes::{Bench, deletion, message};
use crate::{Overlap, Settings};

fn bench() -> Bench {
    let bench = Bench::new();
    *bench.post.shows_as.lock().unwrap() = Some(MessageId("d1".into()));
    bench
}

/// A reply that is written sentence by sentence.
fn two_sentences() -> Reply {
    let sentences = vec![Sentence::line("One."), Sentence::line("Two.")];
    Reply { sentences, ..testing::reply("One. Two.") }
}

#[tokio::test]
async fn the_reply_takes_the_place_of_the_message_that_shows_the_draft() {
    let bench = bench();
    bench.echo.answer_with("go", two_sentences());
    bench.accept(&message("a", "1", "go")).await.unwrap();
    bench.settled().await;
    let entry = bench.entry(1).await;
    assert_eq!(entry.draft, Some(MessageId("d1".into())));
    let delivered = bench.post.delivered.lock().unwrap().clone();
    assert_eq!((delivered.len(), delivered[0].draft.as_deref()), (1, Some("d1")));
    assert!(bench.post.withdrawn.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_draft_that_a_crash_left_is_gone_on_with() {
    let bench = bench();
    bench.journal.accept(&message("a", "1", "go")).await.unwrap();
    let drafted = Step::Drafted { message: MessageId("d1".into()) };
    bench.journal.record(Sequence(1), vec![drafted]).await.unwrap();
    let bench = bench.restarted().await;
    bench.dispatch.resume().await.unwrap();
    bench.drain().await;
    assert_eq!(*bench.post.drafted.lock().unwrap(), ["1 go", "over d1"], "the same message goes on");
    let delivered = bench.post.delivered.lock().unwrap().clone();
    assert_eq!((delivered.len(), delivered[0].draft.as_deref()), (1, Some("d1")));
}

#[tokio::test]
async fn of_several_parts_the_first_takes_the_drafts_place() {
    let bench = bench();
    let length = loquat_contract::Length { limit: 5, unit: loquat_contract::LengthUnit::Characters };
    bench.post.capabilities.lock().unwrap().max_length = Some(length);
    bench.echo.answer_with("go", two_sentences());
    // The first try surely failed: the second one is told of the draft as well.
    bench.post.then([Delivery::Retry { after: None, reason: "busy".into() }]);
    bench.accept(&message("a", "1", "go")).await.unwrap();
    bench.drain().await;
    let delivered = bench.post.delivered.lock().unwrap().clone();
    let parts: Vec<(&str, Option<&str>)> =
        delivered.iter().map(|one| (one.text.as_str(), one.draft.as_deref())).collect();
    assert_eq!(parts, [("One.", Some("d1")), ("One.", Some("d1")), ("Two.", None)]);
}

#[tokio::test]
async fn a_draft_is_withdrawn_where_no_reply_takes_its_place() {
    // Deleted while it is written.
    let bench = held(Bench::new()).await;
    bench.accept(&deletion("a", "d", "1")).await.unwrap();
    bench.drain().await;
    assert_eq!(*bench.post.withdrawn.lock().unwrap(), ["1 shown as d1"]);
    // Another message comes in its place.
    let bench = held(Bench::with(Settings { overlap: Overlap::Interrupt, ..Settings::default() })).await;
    bench.accept(&message("a", "2", "two")).await.unwrap();
    bench.drain().await;
    assert_eq!(*bench.post.withdrawn.lock().unwrap(), ["1 shown as d1"]);
    assert_eq!(bench.post.texts(), ["two"]);
    // The platform refuses the reply for good.
    let bench = self::bench();
    bench.post.then([Delivery::Permanent { reason: "gone".into() }]);
    bench.accept(&message("a", "1", "go")).await.unwrap();
    bench.drain().await;
    assert_eq!(*bench.post.withdrawn.lock().unwrap(), ["1 shown as d1"]);
    // Answering breaks down after a crash that left a draft.
    let bench = self::bench();
    bench.journal.accept(&message("a", "1", BREAKDOWN)).await.unwrap();
    let drafted = Step::Drafted { message: MessageId("d1".into()) };
    bench.journal.record(Sequence(1), vec![drafted]).await.unwrap();
    bench.dispatch.resume().await.unwrap();
    bench.drain().await;
    assert_eq!(*bench.post.withdrawn.lock().unwrap(), ["1 shown as d1"]);
}

/// Shows a sentence after another, and ends with the last.
struct Hasty;

impl Dialogue for Hasty {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            show(&Sentence::line("One."));
            tokio::time::sleep(Duration::from_millis(20)).await;
            show(&Sentence::line("Two."));
            Ok(testing::reply(text))
        })
    }
}

#[tokio::test]
async fn a_complete_reply_waits_for_no_further_draft() {
    let bench = bench().answering_with(std::sync::Arc::new(Hasty));
    bench.accept(&message("a", "1", "go")).await.unwrap();
    bench.drain().await;
    let drafted = bench.post.drafted.lock().unwrap().join("; ");
    assert!(drafted.contains("One.") && !drafted.contains("Two."), "the reply has the second one: {drafted}");
    assert_eq!(bench.post.texts(), ["go"]);
}

/// Shows three sentences, each after the platform has shown the one before.
struct Patient(std::sync::Arc<super::fakes::Post>);

impl Dialogue for Patient {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            for words in ["One.", "Two.", "Three."] {
                show(&Sentence::line(words));
                while !self.0.drafted.lock().unwrap().last().is_some_and(|shown| shown.ends_with(words)) {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            Ok(testing::reply(text))
        })
    }
}

#[tokio::test]
async fn a_platform_whose_drafts_grow_gets_each_sentence_once() {
    for (drafts_grow, expected) in
        [(true, ["1 One.", "1 Two.", "1 Three."]), (false, ["1 One.", "1 One. Two.", "1 One. Two. Three."])]
    {
        let bench = Bench::new();
        bench.post.capabilities.lock().unwrap().drafts_grow = drafts_grow;
        let patient = Patient(bench.post.clone());
        let bench = bench.answering_with(std::sync::Arc::new(patient));
        bench.accept(&message("a", "1", "go")).await.unwrap();
        bench.drain().await;
        assert_eq!(*bench.post.drafted.lock().unwrap(), expected);
    }
}

/// Shows a sentence, and never ends.
struct Endless;

impl Dialogue for Endless {
    fn answer<'a>(
        &'a self,
        _: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            if text == "go" {
                show(&Sentence::line("One."));
                std::future::pending::<()>().await;
            }
            Ok(testing::reply(text))
        })
    }
}

/// A bench where the answer to message 1 is being written, and its draft is on record.
async fn held(bench: Bench) -> Bench {
    *bench.post.shows_as.lock().unwrap() = Some(MessageId("d1".into()));
    let bench = bench.answering_with(std::sync::Arc::new(Endless));
    bench.accept(&message("a", "1", "go")).await.unwrap();
    while bench.entry(1).await.draft.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    bench
}
