//! The store alone: runs, checkpoints, edits, format, lock.

use std::fs;

use loquat_contract::Generation;
use tempfile::tempdir;

use super::{Block, Change, Checkpoint, RunState, Store};
use crate::GraphError;
use crate::statement::{Object, Statement};

fn fact(number: u32) -> Statement {
    Statement::fact(&format!("s{number}"), "p", Object::number(number.to_string()))
}

fn block(numbers: std::ops::Range<u32>) -> Block {
    let mut block = Block::default();
    numbers.for_each(|number| block.push(&fact(number)).unwrap());
    block
}

fn expected(numbers: std::ops::Range<u32>) -> Vec<Statement> {
    numbers.map(fact).collect()
}

#[test]
fn a_complete_run_survives_reopening_in_order() {
    let folder = tempdir().unwrap();
    {
        let mut store = Store::open(folder.path()).unwrap();
        assert!(store.is_new() && !store.is_pending());
        let (mut writer, checkpoint) = store.begin("a.nt", "a", 7).unwrap();
        assert_eq!(checkpoint, None);
        for first in (0..3000).step_by(100) {
            writer.append(&block(first..first + 100)).unwrap();
        }
        assert_eq!(writer.complete("A".into(), 1).unwrap().generation, Generation(1));
    }
    let mut store = Store::open(folder.path()).unwrap();
    assert!(store.is_pending(), "no snapshot was made");
    let runs = store.runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].1.source.as_str(), runs[0].1.facts), ("A", 3000));
    assert_eq!(store.statements(), expected(0..3000));
}

#[test]
fn an_interrupted_run_goes_on_at_its_checkpoint() {
    let folder = tempdir().unwrap();
    let at = Checkpoint { bytes: 10, lines: 2, digest: 3, bad: 0, state: vec![4] };
    {
        let mut store = Store::open(folder.path()).unwrap();
        let (mut writer, _) = store.begin("a.nt", "a", 7).unwrap();
        writer.append(&block(0..100)).unwrap();
        writer.checkpoint(at.clone()).unwrap();
        writer.append(&block(500..600)).unwrap();
        // Dropped: what a crash leaves behind.
    }
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.statements(), []);
    let (mut writer, checkpoint) = store.begin("a.nt", "a", 7).unwrap();
    assert_eq!(checkpoint, Some(at));
    writer.append(&block(100..200)).unwrap();
    writer.complete("A".into(), 1).unwrap();
    assert_eq!(store.statements(), expected(0..200));
}

#[test]
fn other_options_or_no_checkpoint_begin_anew() {
    let folder = tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let (mut writer, _) = store.begin("a.nt", "a", 7).unwrap();
    writer.append(&block(0..100)).unwrap();
    writer.checkpoint(Checkpoint::default()).unwrap();
    let (mut writer, checkpoint) = store.begin("a.nt", "a", 8).unwrap();
    assert_eq!(checkpoint, None);
    writer.append(&block(0..1)).unwrap();
    let (mut writer, checkpoint) = store.begin("a.nt", "a", 8).unwrap();
    assert_eq!(checkpoint, None);
    writer.append(&block(1..2)).unwrap();
    writer.complete("A".into(), 1).unwrap();
    assert_eq!((store.runs().unwrap().len(), store.statements()), (1, expected(1..2)));
}

#[test]
fn a_source_that_comes_again_takes_its_own_place() {
    let folder = tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    for (content, (key, numbers)) in [("a", 0..2), ("b", 5..6), ("a", 1..3)].into_iter().enumerate() {
        let (mut writer, _) = store.begin("file", key, 0).unwrap();
        writer.append(&block(numbers)).unwrap();
        writer.complete("A".into(), content as u64).unwrap();
    }
    let (mut writer, _) = store.begin("file", "a", 0).unwrap();
    writer.append(&block(1..3)).unwrap();
    let again = writer.complete("A".into(), 2).unwrap();
    assert_eq!((again.run, again.generation), (None, Generation(3)), "the same again changes nothing");
    assert_eq!(store.runs().unwrap()[0].1.state, RunState::Retired);
    assert_eq!(store.statements(), [expected(5..6), expected(1..3)].concat());
    store.sweep().unwrap();
    assert_eq!(store.runs().unwrap().len(), 2);
    assert!(store.retire("b").unwrap() && !store.retire("c").unwrap());
    assert_eq!((store.statements(), store.generation().unwrap()), (expected(1..3), Generation(4)));
}

#[test]
fn an_empty_run_changes_nothing_but_can_retire() {
    let folder = tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let done = store.begin("a.nt", "a", 0).unwrap().0.complete("A".into(), 1).unwrap();
    assert_eq!((done.generation, done.run), (Generation(0), None));
    assert!(store.runs().unwrap().is_empty());
    let (mut writer, _) = store.begin("a.nt", "a", 0).unwrap();
    writer.append(&block(0..1)).unwrap();
    writer.complete("A".into(), 1).unwrap();
    store.begin("a.nt", "a", 0).unwrap().0.complete("A".into(), 2).unwrap();
    assert_eq!(store.statements(), []);
}

#[test]
fn edits_are_numbered_and_survive() {
    let folder = tempdir().unwrap();
    {
        let mut store = Store::open(folder.path()).unwrap();
        let (generation, edits) =
            store.edit(vec![(Change::Add, fact(1)), (Change::Remove, fact(2))], "me").unwrap();
        assert_eq!((generation, edits[0].0, edits[1].0), (Generation(1), 1, 2));
    }
    let mut store = Store::open(folder.path()).unwrap();
    assert!(store.is_pending());
    let (generation, edits) = store.edit(vec![(Change::Add, fact(3))], "me").unwrap();
    assert_eq!((generation, edits[0].0), (Generation(2), 3));
    assert_eq!(store.edits_after(1).unwrap().len(), 2);
    store.forget_edits(&[1]).unwrap();
    let left: Vec<u64> = store.edits_after(0).unwrap().into_iter().map(|(number, _)| number).collect();
    assert_eq!(left, [2, 3]);
    store.clear_pending().unwrap();
    assert!(!store.is_pending());
}

#[test]
fn a_second_open_names_the_folder_and_the_holder() {
    let folder = tempdir().unwrap();
    let first = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).err().unwrap();
    assert!(matches!(error, GraphError::Locked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&folder.path().display().to_string()) && text.contains("this process"), "{text}");
    drop(first);
    Store::open(folder.path()).unwrap();
}

#[test]
fn an_unknown_format_is_refused_with_advice() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("format"), "loquat-kg 99\n").unwrap();
    let text = Store::open(folder.path()).err().unwrap().to_string();
    assert!(text.contains("loquat-kg 99") && text.contains("import the source files again"), "{text}");
}

#[test]
fn a_folder_of_other_things_is_refused() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("holiday.jpg"), "").unwrap();
    let error = Store::open(folder.path()).err().unwrap();
    assert!(matches!(&error, GraphError::NotAStore { found, .. } if found == "holiday.jpg"), "{error}");
}
