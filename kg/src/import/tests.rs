//! Whole files through the readers: what is understood, and which lines are not.

mod formats;
mod hostile;
mod resume;

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};

use super::{BadLine, Filter, Format, ImportOptions, ImportReport, Progress};
use crate::GraphError;
use crate::statement::{Describes, Object, Statement};
use crate::store::Store;

const PREFIXES: &str =
    "@prefix ex: <http://example.com/> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n";

struct Imported {
    report: ImportReport,
    statements: Vec<Statement>,
    _folder: TempDir,
}

fn import(
    store: &mut Store,
    path: &Path,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport, GraphError> {
    let mut progress = |at| {
        progress(at);
        ControlFlow::Continue(())
    };
    Ok(super::import(store, &path.with_file_name("graph"), path, options, &mut progress)?.0)
}

fn imported(name: &str, content: impl AsRef<[u8]>) -> Imported {
    imported_with(name, content, &ImportOptions::default())
}

fn kept(name: &str, content: impl AsRef<[u8]>, filter: Filter) -> Imported {
    imported_with(name, content, &ImportOptions { filter, ..ImportOptions::default() })
}

fn imported_with(name: &str, content: impl AsRef<[u8]>, options: &ImportOptions) -> Imported {
    let folder = tempdir().unwrap();
    let file: PathBuf = folder.path().join(name);
    fs::write(&file, content).unwrap();
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    let report = import(&mut store, &file, options, &mut |_| {}).unwrap();
    Imported { report, statements: store.statements(), _folder: folder }
}

fn bad_lines(imported: &Imported) -> Vec<u64> {
    imported.report.bad_lines.iter().map(|bad| bad.line).collect()
}

fn objects(imported: &Imported) -> Vec<Object> {
    let object = |statement: &Statement| match statement {
        Statement::Fact { object, .. } => Some(object.clone()),
        Statement::Description { .. } => None,
    };
    imported.statements.iter().filter_map(object).collect()
}

#[test]
fn turtle_says_what_it_says() {
    let text = format!(
        "{PREFIXES}@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n@prefix loquat: <https://loquat.example/ns#> .\n\
         ex:bt rdfs:label \"Bhutan\"@en ; ex:capital ex:thimphu ; ex:population 727145 ; ex:area 38394.0 ;\n\
         ex:founded \"1907-12-17\"^^xsd:date ; ex:landlocked true ; ex:motto \"\"\"one.\ntwo.\"\"\" ;\n\
         ex:site \"https://bt.example\"^^xsd:anyURI .\nex:population loquat:unit \"people\"@en .\n"
    );
    let imported = imported("a.ttl", text);
    assert_eq!(imported.report.bad_lines, []);
    assert_eq!((imported.report.stated, imported.report.descriptions), (7, 2));
    assert_eq!(
        objects(&imported),
        [
            Object::Entity("http://example.com/thimphu".into()),
            Object::number("727145"),
            Object::number("38394.0"),
            Object::Date("1907-12-17".into()),
            Object::Boolean(true),
            Object::Text { text: "one.\ntwo.".into(), language: None },
            Object::Url("https://bt.example".into()),
        ]
    );
    assert!(imported.statements.contains(&Statement::Description {
        about: "http://example.com/population".into(),
        what: Describes::Unit,
        text: "people".into(),
        language: Some("en".into()),
    }));
}

#[test]
fn bad_lines_of_turtle_among_good_ones() {
    let lines = [
        "ex:a ex:p ex:o1 .",
        "this is not turtle", // 4
        "ex:b ex:p ex:o2 ;",
        "  ex:q @@@ ;", // 6
        "  ex:r ex:o3 .",
        "ex:c ex:p \"open ;",  // 8
        "  ex:q ex:o4 .",      // 9: its subject stood on line 8
        "nope:d ex:p ex:o5 .", // 10
        "ex:e ex:p ex:o6 .",
        "ex:f ex:p", // 12
        "ex:g ex:p ex:o7 .",
        "ex:h ex:p <http://bad iri> .", // 14
        "ex:i ex:p ex:o8 ; ex:n \"x\"^^<http://www.w3.org/2001/XMLSchema#integer> .", // 15
        "ex:j ex:p ex:o9 ,",
        "  ex:o10 ,",
        "  ex:??? .",     // 18
        "ex:k ex:p [] .", // 19
        "ex:l ex:p ex:o11 .",
        ". .", // 21
        "ex:m ex:p ex:o12 .",
    ];
    let imported = imported("a.ttl", format!("{PREFIXES}{}\n", lines.join("\n")));
    assert_eq!(
        bad_lines(&imported),
        [4, 6, 8, 9, 10, 12, 14, 15, 18, 19, 21],
        "{:#?}",
        imported.report.bad_lines
    );
    let good: Vec<String> = objects(&imported)
        .into_iter()
        .filter_map(|object| match object {
            Object::Entity(id) => Some(id.replace("http://example.com/", "")),
            _ => None,
        })
        .collect();
    assert_eq!(good, ["o1", "o2", "o3", "o6", "o7", "o8", "o9", "o10", "o11", "o12"]);
}

#[test]
fn a_bad_line_in_a_large_file_of_turtle_costs_itself() {
    let mut text = PREFIXES.to_owned();
    for number in 0..5000 {
        text += &format!("ex:s{number} ex:p ex:o{number} ;\n    rdfs:label \"Name {number}\"@en .\n");
        if number % 500 == 250 {
            text += "ex:broken ex:p .\n";
        }
    }
    let imported = imported("a.ttl", text);
    assert_eq!(imported.report.bad, 10);
    assert_eq!((imported.report.stated, imported.report.descriptions), (5000, 5000));
    assert_eq!(bad_lines(&imported)[..2], [2 + 2 * 251 + 1, 2 + 2 * 751 + 2]);
}

#[test]
fn a_long_string_that_never_closes_costs_its_line() {
    let text = format!("{PREFIXES}ex:a ex:p \"\"\"open .\nex:b ex:p ex:o .\nex:c ex:p ex:o .\n");
    let imported = imported("a.ttl", text);
    assert_eq!(bad_lines(&imported), [3]);
    assert_eq!(imported.report.stated, 2);
}

#[test]
fn bad_lines_of_ntriples() {
    let text = b"<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n\
        <http://e.x/a> <http://e.x/p> .\n\
        # a comment\n\n\
        <http://e.x/a> <http://e.x/p> \"caf\xff\" .\n\
        _:b <http://e.x/p> \"x\" .\n\
        <http://e.x/a> <http://e.x/p> \"yes\"@en .\n\
        garbage\n\
        <http://e.x/a> <http://e.x/p> \"2023-02-30\"^^<http://www.w3.org/2001/XMLSchema#date> .\n\
        <http://e.x/a> <http://e.x/p> <http://e.x/c> .";
    let imported = imported("a.nt", text);
    assert_eq!(bad_lines(&imported), [2, 5, 6, 8, 9], "{:#?}", imported.report.bad_lines);
    assert_eq!(imported.report.stated, 3);
    let reasons: String = imported.report.bad_lines.iter().map(|bad| bad.reason.as_str()).collect();
    for part in ["UTF-8", "blank node", "\"2023-02-30\" is no value of xsd:date"] {
        assert!(reasons.contains(part), "{reasons}");
    }
}

#[test]
fn bad_lines_of_tables() {
    let tsv = imported(
        "a.tsv",
        "subject\trelation\tobject\nBhutan\tcapital\tThimphu\none\ttwo\n\na\tb\t\na\tb\tc\td\nAC/DC\tgenre\thard rock",
    );
    assert_eq!(bad_lines(&tsv), [3, 5, 6]);
    assert_eq!((tsv.report.stated, tsv.report.entities, tsv.report.predicates), (2, 4, 2));

    let csv = imported("a.csv", "a,b,\"c, \"\"d\"\"\"\na,b\n\"multi\nline\",b,c\na,\"b,c\nx,y,z\n1,2,3,4\n");
    assert_eq!(
        csv.report.bad_lines,
        [
            BadLine { line: 2, reason: "3 columns are needed and there are 2".into() },
            BadLine { line: 5, reason: "a quote is opened here and never closed".into() },
            BadLine { line: 7, reason: "3 columns are needed and there are 4".into() },
        ]
    );
    assert_eq!(objects(&csv)[0], Object::Entity("c, \"d\"".into()));
    assert_eq!(csv.report.stated, 3);
}

#[test]
fn tables_can_describe_names() {
    let imported =
        imported("a.tsv", "q1\trdfs:label\tBhutan\nq1\tskos:altLabel\tDruk\nq1\tcapital\tThimphu\n");
    assert_eq!((imported.report.stated, imported.report.descriptions), (1, 2));
}

#[test]
fn the_source_is_what_the_file_says_of_itself() {
    let head = "@prefix dct: <http://purl.org/dc/terms/> .\n@prefix loquat: <https://loquat.example/ns#> .\n";
    let body = "<http://e.x/world> a loquat:Graph ; dct:title \"World\" ; dct:source \"An atlas\" ; \
                dct:license <http://e.x/odbl> .\n<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n";
    let named = imported("world.ttl", format!("{head}{body}"));
    assert_eq!(named.report.source, "An atlas (http://e.x/odbl)");
    assert_eq!(named.report.stated, 1);
    assert_eq!(imported("facts.tsv", "a\tb\tc\n").report.source, "facts.tsv");
}

#[test]
fn gzip_is_read_and_a_truncated_file_leaves_nothing() {
    let folder = tempdir().unwrap();
    let text: String =
        (0..300_000_u64).map(|n| format!("s{n}\tp{}\to{}\n", n % 7, n * 7919 % 10_007)).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let file = folder.path().join("facts.tsv.gz");
    let mut store = Store::open(&folder.path().join("graph")).unwrap();

    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let error = import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("facts.tsv.gz") && error.contains("nothing of it was imported"), "{error}");
    assert!(store.runs().unwrap().is_empty());

    fs::write(&file, &whole).unwrap();
    let mut seen: Vec<Progress> = Vec::new();
    let report =
        import(&mut store, &file, &ImportOptions::default(), &mut |progress| seen.push(progress)).unwrap();
    assert_eq!(report.stated, 300_000);
    assert!(seen.len() > 2 && seen.is_sorted_by_key(|progress| progress.read));
    assert_eq!(
        seen.last().map(|progress| (progress.read, progress.total)),
        Some((whole.len() as u64, whole.len() as u64))
    );
}

#[test]
fn a_file_of_unknown_kind_is_refused_with_advice() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("facts.xlsx");
    fs::write(&file, "").unwrap();
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    let error = import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("facts.xlsx") && error.contains(".ttl"), "{error}");
    let options =
        ImportOptions { format: Some(Format::Tsv), source: Some("Mine".into()), ..ImportOptions::default() };
    fs::write(&file, "a\tb\tc\n").unwrap();
    assert_eq!(import(&mut store, &file, &options, &mut |_| {}).unwrap().source, "Mine");
}
