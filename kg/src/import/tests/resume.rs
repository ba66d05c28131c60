//! Imports that were stopped: they go on, or begin again, and come to the same.

use super::*;

/// Lines of a file that is larger than some checkpoints.
fn large(changed: Option<usize>) -> String {
    let mut text = String::with_capacity(16 << 20);
    text += "@@ bad at the beginning\n";
    for number in 0..120_000 {
        let padding =
            if changed == Some(number) { "other" } else { "a name that takes some room in the file" };
        text += &format!("subject {number} {padding} {padding}\tpredicate {}\tobject {number}\n", number % 7);
        if number % 10_000 == 5_000 {
            text += "a bad line\n";
        }
    }
    text
}

/// Imports until so many bytes are read.
fn stopped(store: &mut Store, file: &Path, at: u64) -> GraphError {
    super::super::import(
        store,
        &file.with_file_name("graph"),
        file,
        &ImportOptions::default(),
        &mut |progress| {
            if progress.read >= at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    )
    .unwrap_err()
}

fn summary(report: &ImportReport) -> (u64, u64, u64, u64, &[BadLine]) {
    (report.stated, report.bad, report.entities, report.predicates, &report.bad_lines)
}

#[test]
fn an_import_goes_on_where_it_was_stopped() {
    let folder = tempdir().unwrap();
    let (once, twice) = (folder.path().join("once"), folder.path().join("twice"));
    [&once, &twice].iter().for_each(|place| fs::create_dir(place).unwrap());
    let text = large(None);
    let at = |place: &Path| place.join("a.tsv");
    fs::write(at(&once), &text).unwrap();
    fs::write(at(&twice), &text).unwrap();

    let mut store = Store::open(&once.join("graph")).unwrap();
    let whole = import(&mut store, &at(&once), &ImportOptions::default(), &mut |_| {}).unwrap();
    assert_eq!((whole.stated, whole.bad, whole.resumed_at), (120_000, 13, 0));
    drop(store);

    {
        let mut store = Store::open(&twice.join("graph")).unwrap();
        let error = stopped(&mut store, &at(&twice), text.len() as u64 * 3 / 4);
        assert!(error.to_string().contains("go on from where they were"), "{error}");
        assert_eq!(store.generation().unwrap(), loquat_contract::Generation(0));
    }
    let mut store = Store::open(&twice.join("graph")).unwrap();
    let rest = import(&mut store, &at(&twice), &ImportOptions::default(), &mut |_| {}).unwrap();
    assert!(rest.resumed_at > 4 << 20, "{}", rest.resumed_at);
    assert_eq!(summary(&rest), summary(&whole));
    let lines = |report: &ImportReport| fs::read_to_string(report.quarantine.as_ref().unwrap()).unwrap();
    assert_eq!(lines(&rest), lines(&whole));
    let last = |store: &mut Store| store.statements().pop().unwrap();
    assert!(
        matches!(last(&mut store), Statement::Fact { subject, .. } if subject.starts_with("subject 119999 "))
    );

    assert_eq!(store.statements().len(), 120_000);
}

#[test]
fn a_file_that_has_changed_is_read_anew() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.tsv");
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    let rows =
        |name: &str| (0..200_000).map(|n| format!("{name} {n}\tpredicate\tobject {n}\n")).collect::<String>();
    fs::write(&file, rows("subject")).unwrap();
    stopped(&mut store, &file, 2 << 20);
    fs::write(&file, rows("somebody")).unwrap();
    let report = import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap();
    assert_eq!((report.stated, report.resumed_at), (200_000, 0));
    assert!(store.statements().iter().all(|statement| format!("{statement:?}").contains("somebody")));

    // Other options read the file otherwise.
    fs::write(&file, rows("subject")).unwrap();
    stopped(&mut store, &file, 2 << 20);
    let filter = Filter { without_predicates: vec!["predicate".into()], ..Filter::default() };
    let options = ImportOptions { filter, ..ImportOptions::default() };
    let report = import(&mut store, &file, &options, &mut |_| {}).unwrap();
    assert_eq!((report.stated, report.left_out, report.resumed_at), (0, 200_000, 0));
}

#[test]
fn what_cannot_go_on_leaves_nothing() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.ttl");
    fs::write(&file, "<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n").unwrap();
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    stopped(&mut store, &file, 0);
    assert!(store.runs().unwrap().is_empty());
}

#[test]
fn a_file_takes_the_place_of_its_older_version() {
    let folder = tempdir().unwrap();
    let (file, other) = (folder.path().join("a.tsv"), folder.path().join("b.tsv"));
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    fs::write(&file, "a\tp\tb\nc\tp\td\n").unwrap();
    import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap();
    fs::write(&file, "a\tp\tb\ne\tp\tf\n").unwrap();
    import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap();
    assert_eq!(store.statements().len(), 2);
    fs::write(&other, "x\tp\ty\n").unwrap();
    let key = Some(std::path::absolute(&file).unwrap().display().to_string());
    import(&mut store, &other, &ImportOptions { key, ..ImportOptions::default() }, &mut |_| {}).unwrap();
    assert_eq!(store.statements(), [Statement::fact("x", "p", Object::Entity("y".into()))]);
}
