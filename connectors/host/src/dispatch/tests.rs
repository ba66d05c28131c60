//! Order, retries, resumption and refusal: a scripted model, a graph in memory, a platform and a journal that write down what is asked
//! of them, in one log.

mod fakes;

use std::sync::Arc;

use loquat_contract::{
    BoxFuture, ConnectorError, EntityId, Fact, Inbound, Knowledge, KnowledgeError, Mention, Refusal, Schema,
};

use fakes::{Bench, message};

/// What happens to one message that is answered at the first try.
fn way_of(id: &str) -> [String; 4] {
    ["draft", "replied", "deliver", "delivered"].map(|step| format!("{step} {id}"))
}

async fn accept_all(bench: &Bench, messages: &[Inbound]) {
    for message in messages {
        bench.accept(message).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_answered_in_order_and_the_journal_has_each_reply_before_it_is_sent() {
    let bench = Bench::new();
    let questions = ["What is the capital of Bhutan?", "What is the capital of Nepal?", "And of Bhutan?"];
    let messages: Vec<Inbound> =
        (1..).zip(questions).map(|(id, text)| message("a", &format!("{id}"), text)).collect();
    accept_all(&bench, &messages).await;
    bench.drain().await;
    let steps: Vec<String> = ["1", "2", "3"].iter().flat_map(|id| way_of(id)).collect();
    assert_eq!(bench.steps(), steps);
    assert_eq!(bench.accepted(), ["1", "2", "3"]);
    let answers = bench.platform.answers();
    assert_eq!(answers[0], "The capital of Bhutan is Thimphu.");
    assert_eq!(answers[1], "The capital of Nepal is Kathmandu.");
    assert_eq!(answers[2], answers[0], "the third question needs the second one's answer");
    assert!(bench.journal.owed().is_empty());
}

#[tokio::test]
async fn no_draft_goes_where_a_platform_shows_none() {
    let bench = Bench::new();
    bench.platform.capabilities.lock().unwrap().drafts = false;
    bench.accept(&message("a", "1", "What is the capital of Bhutan?")).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.steps(), way_of("1")[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_do_not_wait_for_each_other() {
    let bench = Bench::new();
    // Either delivery ends only while the other is under way.
    *bench.platform.together.lock().unwrap() = Some(Arc::new(tokio::sync::Barrier::new(2)));
    let of = |channel: &str, id: &str| message(channel, id, "What is the capital of Bhutan?");
    accept_all(&bench, &[of("a", "1"), of("b", "2")]).await;
    bench.drain().await;
    assert_eq!(bench.platform.answers().len(), 2);
    assert!(bench.journal.owed().is_empty());
}

#[tokio::test]
async fn a_message_that_comes_twice_is_answered_once() {
    let bench = Bench::new();
    let once = message("a", "1", "What is the capital of Bhutan?");
    accept_all(&bench, &[once.clone(), once.clone()]).await;
    bench.drain().await;
    bench.accept(&once).await.unwrap();
    bench.drain().await;
    assert_eq!(bench.steps(), way_of("1"));
}

#[tokio::test]
async fn what_is_refused_is_not_kept() {
    let bench = Bench::new();
    let refusal = bench.accept(&message("a", "1", " \n")).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Empty));
    // The limit counts characters, not bytes.
    assert!(bench.accept(&message("a", "2", &"é".repeat(fakes::LIMIT))).await.is_ok());
    let refusal = bench.accept(&message("a", "3", &"é".repeat(fakes::LIMIT + 1))).await.unwrap_err();
    assert!(
        matches!(refusal, Refusal::TooLong { length, limit: fakes::LIMIT } if length == fakes::LIMIT + 1)
    );
    bench.stop.cancel();
    let refusal = bench.accept(&message("a", "4", "Hello!")).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Stopping));
    bench.drain().await;
    assert_eq!(bench.accepted(), ["2"]);
}

#[tokio::test]
async fn a_platform_that_is_away_for_a_moment_gets_its_reply() {
    let bench = Bench::new();
    bench.platform.fail_next(|| ConnectorError::Retry("away".into()));
    let of = |id: &str| message("a", id, "What is the capital of Bhutan?");
    accept_all(&bench, &[of("1"), of("2")]).await;
    bench.drain().await;
    let mut expected = way_of("1").to_vec();
    expected.insert(2, "deliver 1".into());
    expected.extend(way_of("2"));
    assert_eq!(bench.steps(), expected, "the second message waits for the first");
    assert_eq!(bench.platform.answers().len(), 2);
}

#[tokio::test]
async fn a_reply_that_the_platform_rejects_is_a_failure_in_the_journal() {
    let bench = Bench::new();
    bench.platform.fail_next(|| ConnectorError::Drop("the chat is gone".into()));
    let of = |id: &str| message("a", id, "What is the capital of Bhutan?");
    accept_all(&bench, &[of("1"), of("2")]).await;
    bench.drain().await;
    let failed = bench.journal.failure("1").unwrap();
    assert!(failed.contains("the chat is gone"), "{failed}");
    assert_eq!(bench.steps()[4..], way_of("2"), "the conversation goes on");
}

#[tokio::test]
async fn what_cannot_be_delivered_before_the_stop_stays_owed_with_all_behind_it() {
    let bench = Bench::new();
    bench.platform.fail_always(|| ConnectorError::Retry("away".into()));
    let of = |id: &str| message("a", id, "What is the capital of Bhutan?");
    accept_all(&bench, &[of("1"), of("2")]).await;
    bench.platform.tried.notified().await;
    bench.stop.cancel();
    bench.drain().await;
    assert_eq!(bench.journal.owed(), ["1", "2"]);
    assert!(!bench.steps().iter().any(|step| step.ends_with('2')), "{:?}", bench.steps());

    // The next run delivers the reply that was made, and answers the rest.
    let next = bench.restarted();
    assert_eq!(next.dispatch.resume().await.unwrap(), 2);
    next.drain().await;
    let mut expected = way_of("1")[2..].to_vec();
    expected.extend(way_of("2"));
    assert_eq!(next.steps(), expected);
    assert!(next.journal.owed().is_empty());
}

#[tokio::test]
async fn what_a_run_left_belongs_to_the_platforms_that_are_still_there() {
    let bench = Bench::new();
    let of = |id: &str| message("a", id, "What is the capital of Bhutan?");
    let elsewhere = |mut inbound: Inbound| {
        inbound.conversation.platform = "elsewhere".into();
        inbound
    };
    for inbound in [of("1"), elsewhere(of("2"))] {
        bench.journal.keep(&inbound);
    }
    bench.platform.capabilities.lock().unwrap().outlives_process = false;
    assert_eq!(bench.dispatch.resume().await.unwrap(), 0);
    bench.drain().await;
    assert!(bench.journal.failure("1").unwrap().contains("ended"));
    assert_eq!(bench.journal.owed(), ["2"], "a platform that is not configured now may be again");
    assert!(bench.platform.answers().is_empty());
}

/// A graph whose store is broken.
struct Broken;

impl Knowledge for Broken {
    fn link<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Mention>, KnowledgeError>> {
        Box::pin(async { Err(KnowledgeError::Store("a bad block".into())) })
    }

    fn facts<'a>(&'a self, _: &'a EntityId, _: usize) -> BoxFuture<'a, Result<Vec<Fact>, KnowledgeError>> {
        Box::pin(async { Err(KnowledgeError::Store("a bad block".into())) })
    }

    fn schema(&self) -> Arc<Schema> {
        Arc::default()
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_answered_gets_an_apology_and_is_a_failure_in_the_journal() {
    let bench = Bench::with_graph(Arc::new(Broken));
    bench.accept(&message("a", "1", "What is the capital of Bhutan?")).await.unwrap();
    bench.drain().await;
    let reason = bench.journal.failure("1").unwrap();
    assert!(reason.contains("a bad block"), "{reason}");
    let apology = format!("apologise 1: {}", super::APOLOGY);
    assert_eq!(
        bench.steps(),
        [apology, "failed 1".to_owned()],
        "the reason is none of the person's business"
    );
}
