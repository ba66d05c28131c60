//! What people think of replies: by reactions, buttons and words, and taken back.

use loquat_contract::{Delivery, Event, Inbound, Message, MessageId, Sender};

use super::fakes::{Bench, command, message, press};
use crate::{Feedback, Rating, Signal, feedback, signal};

fn react(id: &str, who: &str, to: &str, emoji: &str, removed: bool) -> Inbound {
    let event = Event::Reaction { message: MessageId(to.into()), emoji: emoji.into(), removed };
    Inbound { event, sender: Sender::new(who), ..message("a", id, "") }
}

/// A bench where “one” and “two” are answered as `out-1` and `out-2`.
async fn bench() -> Bench {
    let bench = Bench::new();
    let sent = |id: &str| Delivery::Sent { id: Some(MessageId(id.into())) };
    bench.post.then([sent("out-1"), sent("out-2")]);
    bench.accept_all(&[message("a", "1", "one"), message("a", "2", "two")]).await;
    bench.settled().await;
    bench
}

/// Who thinks what of which reply.
async fn found(bench: &Bench) -> Vec<String> {
    bench.settled().await;
    let said = |one: Feedback| {
        let verdict = one.verdict.map_or("-", Rating::name);
        format!("{} {} {verdict} {}", one.reply, one.person.id, one.text.unwrap_or_default())
            .trim()
            .to_owned()
    };
    feedback(&bench.entries().await).into_iter().map(said).collect()
}

#[test]
fn reactions_are_good_or_bad_whatever_their_colour() {
    for (emoji, expected) in [
        ("👍", Some(Rating::Good)),
        ("👍🏽", Some(Rating::Good)),
        ("❤️", Some(Rating::Good)),
        ("🎉", Some(Rating::Good)),
        (":+1:", Some(Rating::Good)),
        ("👎🏿", Some(Rating::Bad)),
        ("😕", Some(Rating::Bad)),
        ("🤷", None),
        ("😂", None),
        ("", None),
    ] {
        assert_eq!(Rating::of(emoji), expected, "{emoji}");
    }
}

#[tokio::test]
async fn the_last_of_one_person_on_one_reply_counts_and_what_is_taken_back_does_not() {
    let bench = bench().await;
    let all = [
        react("r1", "bob", "out-1", "👍", false),
        react("r2", "ann", "out-1", "👎", false),
        react("r3", "ann", "out-2", "🎉", false),
        react("r4", "ann", "out-1", "🤷", false),
        react("r5", "bob", "1", "👎", false),
        react("r6", "bob", "strange", "👎", false),
    ];
    bench.accept_all(&all).await;
    assert_eq!(found(&bench).await, ["1 ann bad", "1 bob good", "2 ann good"]);
    // Another one stands above the first; where it goes, the first counts again.
    bench.accept_all(&[react("r7", "bob", "out-1", "😕", false)]).await;
    assert_eq!(found(&bench).await[1], "1 bob bad");
    bench.accept_all(&[react("r8", "bob", "out-1", "😕", true)]).await;
    assert_eq!(found(&bench).await[1], "1 bob good");
    bench
        .accept_all(&[react("r9", "bob", "out-1", "👍", true), react("r10", "ann", "out-2", "🎉", true)])
        .await;
    assert_eq!(found(&bench).await, ["1 ann bad"]);
    assert_eq!(bench.post.texts().len(), 2, "none of it is answered");
}

#[tokio::test]
async fn buttons_and_words_are_feedback_too() {
    let bench = bench().await;
    bench.accept_all(&[press("a", "b1", "ann", "good.1"), press("a", "b2", "ann", "bad.1")]).await;
    let words = Message {
        reply_to: Some(MessageId("out-1".into())),
        ..Message::from("/feedback The date is wrong.")
    };
    let words =
        Inbound { event: Event::Message(words), sender: Sender::new("ann"), ..message("a", "w1", "") };
    bench.accept_all(&[words, command("a", "w2", "feedback", "Fine.")]).await;
    assert_eq!(found(&bench).await, ["1 ann bad The date is wrong.", "2 alice - Fine."]);
    assert_eq!(bench.post.texts()[2..], ["Thank you.", "Thank you."]);
    let early = Inbound { sender: Sender::new("ann"), ..message("empty", "w3", "/feedback Good.") };
    bench.accept_all(&[early, message("a", "w4", "/feedback")]).await;
    bench.settled().await;
    assert!(bench.post.texts().iter().any(|text| text.contains("no answer here yet")));
    assert!(bench.post.texts().iter().any(|text| text.contains("/feedback The date is wrong.")));
    assert_eq!(found(&bench).await.len(), 2);
}

#[tokio::test]
async fn who_is_erased_takes_their_feedback_along_and_so_does_the_question_it_is_about() {
    let bench = bench().await;
    bench.accept_all(&[press("a", "b1", "ann", "good.1"), react("r1", "bob", "out-1", "👎", false)]).await;
    assert_eq!(found(&bench).await, ["1 ann good", "1 bob bad"]);
    bench.dispatch.erase(&"post:ann".parse().unwrap()).await.unwrap();
    assert_eq!(found(&bench).await, ["1 bob bad"]);
    bench.dispatch.erase(&"post:alice".parse().unwrap()).await.unwrap();
    assert_eq!(found(&bench).await, [""; 0], "there is nothing left that it is about");
}

#[tokio::test]
async fn an_event_says_what_counts_after_it_and_nothing_where_it_is_about_no_reply() {
    let bench = bench().await;
    let events = [
        react("r1", "ann", "out-1", "👎", false),
        message("a", "w", "/feedback It is out of date."),
        react("r2", "ann", "out-1", "👎", true),
        react("r3", "ann", "strange", "👎", false),
        message("a", "h", "/human"),
    ];
    bench.accept_all(&events).await;
    bench.settled().await;
    let entries = bench.entries().await;
    let said = |entry| match signal(&entries, entry) {
        Some(Signal::Feedback(Feedback { reply, verdict, text, .. })) => {
            Some(format!("{reply} {} {}", verdict.map_or("-", Rating::name), text.unwrap_or_default()))
        }
        Some(Signal::Human) => Some("human".to_owned()),
        None => None,
    };
    let said: Vec<Option<String>> = entries.iter().map(said).collect();
    let expected = [None, None, Some("1 bad "), Some("2 - It is out of date."), None, None, Some("human")];
    assert_eq!(said, expected.map(|one| one.map(str::to_owned)));
}
