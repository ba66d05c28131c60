//! Nothing is left of somebody who wants to be forgotten: every byte of the folder is searched.

use std::fs;
use std::path::Path;

use loquat_contract::{Accepted, Event, Journal, Mentioned, Query, Sequence, Step};

use super::{conversation, delivered, message, prepared};
use crate::EmbeddedJournal;

const TRACES: [&str; 5] =
    ["alice-4711", "Alice Secretname", "my-secret-question", "the-secret-answer", "secret-topic"];

fn traces(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let has = |trace: &&&str| bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
        found.extend(TRACES.iter().filter(has).map(|trace| format!("{trace} in {}", path.display())));
    }
    found
}

#[tokio::test]
async fn every_trace_of_a_person_is_erased_and_others_keep_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let mut theirs = message("group", "1");
    theirs.sender.id = "alice-4711".into();
    theirs.sender.name = Some("Alice Secretname".into());
    theirs.event = Event::Message("my-secret-question".into());
    journal.accept(&theirs).await.unwrap();
    let answer = prepared("the-secret-answer", Some("secret-topic"));
    journal.record(Sequence(1), vec![answer, delivered()]).await.unwrap();
    let mut other = message("group", "2");
    let mentioned = Mentioned { id: "alice-4711".into(), name: "Alice Secretname".into() };
    let Event::Message(said) = &mut other.event else { unreachable!() };
    said.mentions.push(mentioned);
    journal.accept(&other).await.unwrap();
    journal.record(Sequence(2), vec![prepared("another answer", Some("secret-topic"))]).await.unwrap();
    assert!(traces(folder.path()).len() >= TRACES.len(), "the search finds what is there");

    let erased = journal.erase(&"p:alice-4711".parse().unwrap()).await.unwrap();
    assert_eq!((erased.events, erased.conversations.len()), (1, 1));
    assert_eq!(erased.conversations, [conversation("group")]);
    assert_eq!(traces(folder.path()), [""; 0]);
    assert_eq!(journal.memory(&conversation("group")).await.unwrap(), None);
    let left = journal.entries(Query::default()).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].prepared.as_ref().unwrap().parts[0].text, "another answer");
    assert_eq!(
        journal.accept(&theirs).await.unwrap(),
        Accepted::Duplicate(Sequence(1)),
        "a late copy is known"
    );
    drop(journal);
    assert_eq!(traces(folder.path()), [""; 0]);
    assert_eq!(EmbeddedJournal::open(folder.path()).unwrap().entries(Query::default()).await.unwrap(), left);
}

#[tokio::test]
async fn what_others_had_explained_or_asked_again_of_it_is_erased_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let mut theirs = message("group", "1");
    theirs.sender.id = "alice-4711".into();
    theirs.event = Event::Message("my-secret-question".into());
    journal.accept(&theirs).await.unwrap();
    journal.record(Sequence(1), vec![prepared("the-secret-answer", None), delivered()]).await.unwrap();
    let about = |explains: Option<u64>, again: Option<u64>| {
        let Step::Prepared(quoting) = prepared("About my-secret-question: the-secret-answer", None) else {
            unreachable!()
        };
        let (explains, again) = (explains.map(Sequence), again.map(Sequence));
        Step::Prepared(Box::new(loquat_contract::Prepared { explains, again, ..*quoting }))
    };
    for (id, step) in [
        ("2", about(Some(1), None)),
        ("3", about(None, Some(1))),
        ("4", about(None, Some(3))),
        ("5", prepared("another answer", None)),
    ] {
        let mut other = message("group", id);
        other.sender.id = "bob".into();
        journal.accept(&other).await.unwrap();
        journal.record(Sequence(id.parse().unwrap()), vec![step, delivered()]).await.unwrap();
    }
    let erased = journal.erase(&"p:alice-4711".parse().unwrap()).await.unwrap();
    assert_eq!(erased.events, 1, "of theirs");
    assert_eq!(traces(folder.path()), [""; 0]);
    let left = journal.entries(Query::default()).await.unwrap();
    assert_eq!(left.iter().map(|entry| entry.sequence.0).collect::<Vec<_>>(), [5]);
    let mut again = message("group", "2");
    again.sender.id = "bob".into();
    assert_eq!(journal.accept(&again).await.unwrap(), Accepted::Duplicate(Sequence(2)));
}

#[tokio::test]
async fn what_a_conversation_remembers_where_it_went_on_is_erased_too() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let mut theirs = message("group", "1");
    theirs.sender.id = "alice-4711".into();
    journal.accept(&theirs).await.unwrap();
    journal
        .record(Sequence(1), vec![prepared("an answer", Some("the-secret-memory")), delivered()])
        .await
        .unwrap();
    // Somebody else moves it, twice.
    for (sequence, from, to) in [(2, "group", "super"), (4, "super", "hyper")] {
        let moved = Event::Moved { to: conversation(to) };
        let by_bob = |channel: &str, id: &str| {
            let mut inbound = loquat_contract::Inbound { event: moved.clone(), ..message(channel, id) };
            inbound.sender.id = "bob".into();
            inbound
        };
        journal.accept(&by_bob(from, "moved")).await.unwrap();
        journal.accept(&by_bob(to, "arrived")).await.unwrap();
        let steps = vec![prepared("", Some("the-secret-memory")), delivered()];
        journal.record(Sequence(sequence + 1), steps).await.unwrap();
    }
    let erased = journal.erase(&"p:alice-4711".parse().unwrap()).await.unwrap();
    assert_eq!(traces(folder.path()), [""; 0]);
    assert!(erased.conversations.contains(&conversation("hyper")), "{erased:?}");
    assert_eq!(journal.memory(&conversation("super")).await.unwrap(), None);
}

#[tokio::test]
async fn what_compaction_has_dropped_leaves_no_trace_either() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let mut theirs = message("dm-alice-4711", "1");
    theirs.event = Event::Message("my-secret-question".into());
    journal.accept(&theirs).await.unwrap();
    journal
        .record(Sequence(1), vec![prepared("the-secret-answer", Some("secret-topic")), delivered()])
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let retention = crate::Retention { entries: std::time::Duration::ZERO, ..super::FOREVER };
    assert_eq!(journal.compact(retention).await.unwrap().dropped, 1);
    assert_eq!(traces(folder.path()), [""; 0]);
    assert_eq!(journal.accept(&theirs).await.unwrap(), Accepted::Duplicate(Sequence(1)));
}
