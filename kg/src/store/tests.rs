//! The store alone: runs, interrupted runs, format, lock.

use std::fs;

use loquat_contract::Generation;
use tempfile::tempdir;

use super::Store;
use crate::GraphError;
use loquat_terms::statement::{Object, Statement};

fn fact(number: u32) -> Statement {
    Statement::fact(&format!("s{number}"), "p", Object::number(number.to_string()))
}

#[test]
fn a_complete_run_survives_reopening_in_order() {
    let folder = tempdir().unwrap();
    {
        let store = Store::open(folder.path()).unwrap();
        let mut writer = store.begin("a.nt").unwrap();
        for number in 0..3000 {
            writer.push(&fact(number)).unwrap();
        }
        assert_eq!(writer.complete("A".into()).unwrap(), Generation(1));
    }
    let store = Store::open(folder.path()).unwrap();
    let runs = store.runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].1.source.as_str(), runs[0].1.facts), ("A", 3000));
    let back: Vec<Statement> = store.statements(runs[0].0).map(Result::unwrap).collect();
    assert_eq!(back, (0..3000).map(fact).collect::<Vec<_>>());
}

#[test]
fn an_interrupted_run_is_seen_and_removed_by_the_next() {
    let folder = tempdir().unwrap();
    {
        let store = Store::open(folder.path()).unwrap();
        let mut writer = store.begin("a.nt").unwrap();
        writer.push(&fact(1)).unwrap();
        // Dropped: what a crash leaves behind.
    }
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.generation().unwrap(), Generation(0));
    let runs = store.runs().unwrap();
    assert_eq!(runs[0].1.generation, None);
    let mut writer = store.begin("b.nt").unwrap();
    writer.push(&fact(2)).unwrap();
    writer.complete("b.nt".into()).unwrap();
    let files: Vec<String> = store.runs().unwrap().into_iter().map(|(_, run)| run.file).collect();
    assert_eq!(files, ["b.nt"]);
    assert_eq!(store.statements(runs[0].0).count(), 0);
}

#[test]
fn an_empty_run_changes_nothing() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.begin("a.nt").unwrap().complete("A".into()).unwrap(), Generation(0));
    assert!(store.runs().unwrap().is_empty());
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
