//! What is accepted is kept, once, in order, and found again.

use futures::StreamExt;
use futures::future::join_all;
use loquat_contract::{
    Accepted, Change, Journal, JournalError, Memory, MessageId, PartState, Query, Sequence, Settlement,
    State, Step, Timestamp,
};

use super::{FOREVER, conversation, delivered, message, prepared, sent};
use crate::{EmbeddedJournal, Ledger, Retention};

#[tokio::test]
async fn what_was_accepted_is_owed_until_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    for id in ["1", "2", "3"] {
        journal.accept(&message("a", id)).await.unwrap();
    }
    journal
        .record(Sequence(1), vec![prepared("one", Some("about one")), sent("m1"), delivered()])
        .await
        .unwrap();
    let failed = Settlement::Failed { reason: "no model".into() };
    journal.record(Sequence(2), vec![Step::Settled(failed.clone())]).await.unwrap();
    let sending = Step::Part { number: 1, state: PartState::Sending { at: Timestamp(5) } };
    journal.record(Sequence(3), vec![prepared("three", None), sending]).await.unwrap();
    drop(journal);

    let reopened = EmbeddedJournal::open(folder.path()).unwrap();
    assert!(reopened.damage().is_empty());
    let owed = reopened.owed().await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!((owed[0].sequence, owed[0].state()), (Sequence(3), State::Sending));
    assert_eq!(owed[0].inbound, message("a", "3"));
    assert_eq!(owed[0].prepared.as_ref().unwrap().reply.as_ref().unwrap().answer, "three");
    assert_eq!(owed[0].parts, [PartState::Sending { at: Timestamp(5) }]);
    let all = reopened.entries(Query::default()).await.unwrap();
    assert_eq!(all[0].settled.as_ref().unwrap().0, Settlement::Delivered);
    assert_eq!(all[1].settled.as_ref().unwrap().0, failed);
    assert_eq!(reopened.memory(&conversation("a")).await.unwrap(), Some(Memory("about one".into())));
    assert_eq!(reopened.accept(&message("a", "4")).await.unwrap(), Accepted::New(Sequence(4)));
    let newest = reopened.conversations("p", Timestamp(0)).await.unwrap();
    assert_eq!(newest, [(conversation("a"), message("a", "4").id)]);
    assert!(reopened.conversations("p", Timestamp(u64::MAX)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_is_accepted_once_in_its_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    assert_eq!(journal.accept(&message("a", "1")).await.unwrap(), Accepted::New(Sequence(1)));
    assert_eq!(journal.accept(&message("a", "1")).await.unwrap(), Accepted::Duplicate(Sequence(1)));
    assert_eq!(journal.accept(&message("b", "1")).await.unwrap(), Accepted::New(Sequence(2)));
    let twice = message("c", "1");
    let at_once = join_all((0..50).map(|_| journal.accept(&twice))).await;
    let new = at_once.iter().filter(|accepted| matches!(accepted, Ok(Accepted::New(_)))).count();
    assert_eq!(new, 1, "also where they come at once");
}

#[tokio::test]
async fn entries_are_found_by_conversation_person_and_state() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    for (channel, id, sender) in
        [("a", "1", "alice"), ("b", "2", "bob"), ("a", "3", "bob"), ("a", "4", "alice")]
    {
        let mut inbound = message(channel, id);
        inbound.sender.id = sender.into();
        journal.accept(&inbound).await.unwrap();
    }
    journal.record(Sequence(3), vec![delivered()]).await.unwrap();
    let found = async |query: Query| -> Vec<u64> {
        journal.entries(query).await.unwrap().iter().map(|entry| entry.sequence.0).collect()
    };
    let a = Some(conversation("a"));
    assert_eq!(found(Query { conversation: a.clone(), ..Query::default() }).await, [1, 3, 4]);
    assert_eq!(found(Query { conversation: a.clone(), limit: Some(2), ..Query::default() }).await, [3, 4]);
    let (after, before) = (Some(Sequence(1)), Some(Sequence(4)));
    assert_eq!(found(Query { conversation: a.clone(), after, ..Query::default() }).await, [3, 4]);
    assert_eq!(found(Query { after, limit: Some(2), ..Query::default() }).await, [2, 3], "those next to it");
    assert_eq!(found(Query { conversation: a.clone(), before, ..Query::default() }).await, [1, 3]);
    assert_eq!(found(Query { before, limit: Some(2), ..Query::default() }).await, [2, 3], "the newest");
    assert_eq!(found(Query { conversation: a, after, before, ..Query::default() }).await, [3]);
    assert!(found(Query { after: before, before: after, ..Query::default() }).await.is_empty());
    assert!(found(Query { after: Some(Sequence(u64::MAX)), ..Query::default() }).await.is_empty());
    let newest_of_each = true;
    assert_eq!(found(Query { newest_of_each, ..Query::default() }).await, [2, 4]);
    let alice = Some("p:alice".parse().unwrap());
    assert_eq!(found(Query { newest_of_each, person: alice, ..Query::default() }).await, [4]);
    assert_eq!(found(Query { platform: Some("p".into()), ..Query::default() }).await, [1, 2, 3, 4]);
    assert!(found(Query { platform: Some("q".into()), ..Query::default() }).await.is_empty());
    let bob = Some("p:bob".parse().unwrap());
    assert_eq!(found(Query { person: bob, ..Query::default() }).await, [2, 3]);
    assert_eq!(found(Query { state: Some(State::Delivered), ..Query::default() }).await, [3]);
    let nobody = Some("p:carol".parse().unwrap());
    assert!(found(Query { person: nobody, ..Query::default() }).await.is_empty());
}

#[tokio::test]
async fn a_reopened_entry_is_owed_without_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    journal.accept(&message("a", "1")).await.unwrap();
    let unknown = Settlement::Unknown { reason: "the connection broke".into() };
    let lost = Step::Part { number: 1, state: PartState::Unknown { reason: "the connection broke".into() } };
    journal.record(Sequence(1), vec![prepared("one", None), lost, Step::Settled(unknown)]).await.unwrap();
    assert_eq!(journal.entry(Sequence(1)).await.unwrap().state(), State::Unknown);
    journal.record(Sequence(1), vec![Step::Reopened]).await.unwrap();
    let owed = journal.owed().await.unwrap();
    assert_eq!((owed.len(), owed[0].state()), (1, State::Answered));
    assert_eq!(owed[0].parts, [PartState::Prepared]);
    let error = journal.record(Sequence(9), vec![Step::Reopened]).await.unwrap_err();
    assert!(matches!(error, JournalError::NoEntry(Sequence(9))));
}

#[tokio::test]
async fn the_message_that_shows_a_draft_is_known_after_reopening_and_compaction() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    for id in ["1", "2"] {
        journal.accept(&message("a", id)).await.unwrap();
    }
    let drafted = |id: &str| Step::Drafted { message: MessageId(id.into()) };
    for step in [drafted("d1"), drafted("d2")] {
        journal.record(Sequence(1), vec![step]).await.unwrap();
    }
    journal.record(Sequence(2), vec![drafted("d3")]).await.unwrap();
    journal.record(Sequence(2), vec![prepared("two", None)]).await.unwrap();
    drop(journal);
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let known = async |journal: &EmbeddedJournal| -> Vec<(State, Option<String>)> {
        let owed = journal.owed().await.unwrap();
        owed.iter().map(|entry| (entry.state(), entry.draft.as_ref().map(|id| id.0.clone()))).collect()
    };
    let expected = [(State::Accepted, Some("d2".to_owned())), (State::Answered, Some("d3".to_owned()))];
    assert_eq!(known(&journal).await, expected, "the last one counts");
    journal.compact(FOREVER).await.unwrap();
    assert_eq!(known(&journal).await, expected);
    let answered = Query { state: Some(State::Answered), ..Query::default() };
    assert_eq!(journal.entries(answered).await.unwrap().len(), 1, "the index knows it too");
    journal.record(Sequence(1), vec![Step::Settled(Settlement::Discarded)]).await.unwrap();
    let late = journal.record(Sequence(1), vec![drafted("d9")]).await;
    assert!(matches!(late, Err(JournalError::OutOfTurn { .. })), "a draft after the end is none");
}

#[tokio::test]
async fn compaction_drops_what_is_old_and_still_knows_it_when_it_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    for id in ["1", "2"] {
        journal.accept(&message("a", id)).await.unwrap();
    }
    journal.record(Sequence(1), vec![prepared("one", Some("about one")), delivered()]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let retention = Retention { entries: std::time::Duration::ZERO, ..FOREVER };
    let compacted = journal.compact(retention).await.unwrap();
    assert_eq!(compacted.dropped, 1);
    assert!(compacted.after < compacted.before, "{compacted:?}");
    for journal in [&journal, &EmbeddedJournal::open(&copy(folder.path())).unwrap()] {
        let left = journal.entries(Query::default()).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].inbound, message("a", "2"), "what is owed is never too old");
        assert_eq!(journal.accept(&message("a", "1")).await.unwrap(), Accepted::Duplicate(Sequence(1)));
        // With the entry that it came from.
        assert_eq!(journal.memory(&conversation("a")).await.unwrap(), None);
        assert_eq!(journal.accept(&message("a", "3")).await.unwrap(), Accepted::New(Sequence(3)));
    }
    let gone = Retention { entries: std::time::Duration::ZERO, tombstones: std::time::Duration::ZERO };
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    journal.compact(gone).await.unwrap();
    assert_eq!(journal.accept(&message("a", "1")).await.unwrap(), Accepted::New(Sequence(4)));
}

/// A copy of a journal as a crash would leave it.
pub(super) fn copy(folder: &std::path::Path) -> std::path::PathBuf {
    let target = tempfile::tempdir().unwrap().keep();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), target.join(entry.file_name())).unwrap();
    }
    target
}

#[tokio::test]
async fn the_ledger_reads_beside_the_bot() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Ledger::open(folder.path()).unwrap_err().to_string().contains("no journal"));
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    journal.accept(&message("a", "1")).await.unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    assert_eq!(ledger.entries(&Query::default()).unwrap().len(), 1);
    journal.accept(&message("a", "2")).await.unwrap();
    assert_eq!(Ledger::open(folder.path()).unwrap().entries(&Query::default()).unwrap().len(), 2);
}

#[tokio::test]
async fn who_follows_is_told_of_each_change_once_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    journal.accept(&message("a", "1")).await.unwrap();
    let mut changes = journal.changes();
    journal.accept(&message("a", "2")).await.unwrap();
    journal.accept(&message("a", "2")).await.unwrap();
    journal.record(Sequence(1), vec![prepared("one", None), sent("m1"), delivered()]).await.unwrap();
    journal.erase(&message("a", "1").person()).await.unwrap();
    let told = [Change::Entry(Sequence(2)), Change::Entry(Sequence(1)), Change::Many];
    for expected in told {
        assert_eq!(changes.next().await, Some(expected), "what comes twice is no change");
    }
    let mut slow = journal.changes();
    for id in 0..1_500 {
        journal.accept(&message("b", &id.to_string())).await.unwrap();
    }
    assert_eq!(slow.next().await, Some(Change::Many), "one who is too slow is told so, and holds nothing up");
    drop(journal);
    let rest: Vec<Change> = slow.collect().await;
    assert_eq!(rest.last(), Some(&Change::Entry(Sequence(1_502))), "it ends with the journal");
}

#[tokio::test]
async fn entries_are_read_from_one_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    for id in 1..=6 {
        journal.accept(&message(if id % 2 == 0 { "even" } else { "odd" }, &id.to_string())).await.unwrap();
    }
    let found = async |after: Option<u64>, before: Option<u64>, limit, channel: Option<&str>| {
        let conversation = channel.map(conversation);
        let (after, before) = (after.map(Sequence), before.map(Sequence));
        let query = Query { after, before, limit, conversation, ..Query::default() };
        let entries = journal.entries(query).await.unwrap();
        entries.iter().map(|entry| entry.sequence.0).collect::<Vec<_>>()
    };
    assert_eq!(found(Some(2), Some(6), None, None).await, [3, 4, 5]);
    assert_eq!(found(Some(2), None, Some(2), None).await, [3, 4], "those next to it");
    assert_eq!(found(None, Some(5), Some(2), None).await, [3, 4]);
    assert_eq!(found(Some(2), None, None, Some("even")).await, [4, 6]);
    assert_eq!(found(None, Some(4), None, Some("even")).await, [2]);
    assert!(found(Some(6), Some(2), None, None).await.is_empty());
    assert!(found(Some(3), Some(3), None, None).await.is_empty());
}
