//! What is broken on purpose: a second process, another version, cut and flipped bytes, a disk that is full.

use std::fs::{self, OpenOptions};
use std::io::Write;

use loquat_contract::{Accepted, Journal, JournalError, Query, Sequence};

use super::keeping::copy;
use super::{delivered, message, prepared};
use crate::{EmbeddedJournal, Ledger};

#[tokio::test]
async fn a_second_process_and_a_strange_format_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    let refused = EmbeddedJournal::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("another process"), "{refused}");
    drop(journal);
    fs::write(folder.path().join("format"), "loquat-journal 99\n").unwrap();
    let refused = EmbeddedJournal::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("another version"), "{refused}");
    // What the first format left, which was a folder of sled's.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("durability_cookie"), "").unwrap();
    let refused = EmbeddedJournal::open(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("another version"), "{refused}");
}

#[tokio::test]
async fn an_owner_that_was_replaced_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let old = EmbeddedJournal::open(folder.path()).unwrap();
    old.accept(&message("a", "1")).await.unwrap();
    old.check_writable().unwrap();
    // A lock that does not hold, as on some network disks.
    fs::remove_file(folder.path().join("lock")).unwrap();
    let new = EmbeddedJournal::open(folder.path()).unwrap();
    assert!(matches!(old.accept(&message("a", "2")).await, Err(JournalError::Fenced)));
    assert!(matches!(old.record(Sequence(1), vec![delivered()]).await, Err(JournalError::Fenced)));
    assert!(matches!(old.erase(&"p:alice".parse().unwrap()).await, Err(JournalError::Fenced)));
    assert_eq!(new.accept(&message("a", "2")).await.unwrap(), Accepted::New(Sequence(2)));
    new.record(Sequence(1), vec![delivered()]).await.unwrap();
    assert_eq!(new.owed().await.unwrap().len(), 1);
    assert!(matches!(old.check_writable(), Err(JournalError::Fenced)));
    new.check_writable().unwrap();
    // The folder is gone, as where a disk is.
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(new.check_writable().is_err());
}

/// The only segment of a journal.
fn segment(folder: &std::path::Path) -> std::path::PathBuf {
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "seg")).unwrap()
}

async fn of_twenty() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    for id in 1..=20 {
        journal.accept(&message("a", &id.to_string())).await.unwrap();
        journal.record(Sequence(id), vec![prepared("an answer", None)]).await.unwrap();
    }
    folder
}

#[tokio::test]
async fn wherever_the_log_is_cut_what_stands_before_is_there_and_writing_goes_on() {
    let folder = of_twenty().await;
    let whole = fs::read(segment(folder.path())).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..whole.len()).step_by(97) {
        let broken = copy(folder.path());
        OpenOptions::new().write(true).open(segment(&broken)).unwrap().set_len(cut as u64).unwrap();
        let Ok(journal) = EmbeddedJournal::open(&broken) else {
            assert_eq!(cut, 0, "only an empty file is no segment at all");
            continue;
        };
        let kept = journal.entries(Query::default()).await.unwrap();
        let ids: Vec<u64> = kept.iter().map(|entry| entry.sequence.0).collect();
        assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "a beginning, in order");
        seen.insert(ids.len());
        let again = message("z", "new");
        assert!(matches!(journal.accept(&again).await.unwrap(), Accepted::New(_)));
        drop(journal);
        let reopened = EmbeddedJournal::open(&broken).unwrap();
        assert_eq!(reopened.entries(Query::default()).await.unwrap().len(), ids.len() + 1);
        fs::remove_dir_all(&broken).unwrap();
    }
    assert!(seen.len() > 15, "{seen:?}");
}

#[tokio::test]
async fn wherever_a_bit_flips_one_frame_is_lost_and_reported() {
    let folder = of_twenty().await;
    let whole = fs::read(segment(folder.path())).unwrap();
    for at in (0..whole.len()).step_by(89) {
        let broken = copy(folder.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(segment(&broken), bytes).unwrap();
        let before = Ledger::open(&broken).unwrap();
        assert!(!before.damage().is_empty(), "byte {at}");
        let journal = EmbeddedJournal::open(&broken).unwrap();
        assert_eq!(journal.damage(), before.damage());
        let kept = journal.entries(Query::default()).await.unwrap();
        // A damaged event takes its steps with it; damaged steps leave the event without a reply.
        assert!(kept.len() >= 19, "byte {at}: {}", kept.len());
        let answered = kept.iter().filter(|entry| entry.prepared.is_some()).count();
        assert!(answered >= 19, "byte {at}: {answered}");
        let new = journal.accept(&message("z", "new")).await.unwrap();
        assert!(matches!(new, Accepted::New(Sequence(20..))), "byte {at}: {new:?}");
        drop(journal);
        let reopened = EmbeddedJournal::open(&broken).unwrap();
        assert_eq!(reopened.entries(Query::default()).await.unwrap().len(), kept.len() + 1);
        fs::remove_dir_all(&broken).unwrap();
    }
}

#[tokio::test]
async fn what_came_before_is_known_again_though_the_beginning_of_its_file_is_damaged() {
    let folder = of_twenty().await;
    let first = segment(folder.path());
    // A second segment, behind the damage at the end of the first.
    OpenOptions::new()
        .append(true)
        .open(&first)
        .and_then(|mut file| file.write_all(b"LQF2 nonsense that is no frame at all, and long"))
        .unwrap();
    drop(EmbeddedJournal::open(folder.path()).unwrap());
    let mut bytes = fs::read(&first).unwrap();
    bytes[40] ^= 1;
    fs::write(&first, bytes).unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    assert_eq!(journal.accept(&message("a", "7")).await.unwrap(), Accepted::Duplicate(Sequence(7)));
}

#[tokio::test]
async fn a_compaction_that_fails_half_way_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    journal.accept(&message("a", "1")).await.unwrap();
    // A folder in the place of the file it would write.
    let in_the_way = folder.path().join("0000000002.tmp");
    fs::create_dir(&in_the_way).unwrap();
    journal.compact(super::FOREVER).await.unwrap_err();
    journal.accept(&message("a", "2")).await.unwrap();
    fs::remove_dir(in_the_way).unwrap();
    // A folder in the place of a file that it would remove.
    let stays = folder.path().join("0000000000.seg");
    fs::create_dir(&stays).unwrap();
    journal.compact(super::FOREVER).await.unwrap();
    journal.accept(&message("a", "3")).await.unwrap();
    assert_eq!(
        journal.entries(Query::default()).await.unwrap().len(),
        3,
        "what is written after it is found"
    );
    let refused = journal.erase(&"p:alice".parse().unwrap()).await.unwrap_err();
    assert!(matches!(refused, JournalError::Store(_)), "erased means that no file is left: {refused}");
    journal.accept(&message("a", "4")).await.unwrap();
    fs::remove_dir(stays).unwrap();
    drop(journal);
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    assert_eq!(journal.entries(Query::default()).await.unwrap().len(), 1);
    assert_eq!(journal.accept(&message("a", "5")).await.unwrap(), Accepted::New(Sequence(5)));
}

#[tokio::test]
async fn a_damaged_epoch_and_an_empty_segment_keep_nobody_out() {
    let folder = of_twenty().await;
    for epoch in ["", "nonsense"] {
        fs::write(folder.path().join("epoch"), epoch).unwrap();
        fs::write(folder.path().join("0000000009.seg"), "").unwrap();
        let journal = EmbeddedJournal::open(folder.path()).unwrap();
        assert!(!journal.damage().is_empty());
        assert_eq!(journal.owed().await.unwrap().len(), 20);
    }
}

#[tokio::test]
async fn to_what_is_settled_nothing_more_happens_unless_it_is_reopened() {
    let folder = tempfile::tempdir().unwrap();
    let journal = EmbeddedJournal::open(folder.path()).unwrap();
    journal.accept(&message("a", "1")).await.unwrap();
    journal.record(Sequence(1), vec![delivered()]).await.unwrap();
    let refused = journal.record(Sequence(1), vec![prepared("late", None)]).await.unwrap_err();
    assert!(matches!(refused, JournalError::OutOfTurn { .. }), "{refused}");
    journal.record(Sequence(1), vec![loquat_contract::Step::Reopened]).await.unwrap();
    journal.record(Sequence(1), vec![prepared("again", None)]).await.unwrap();
}
