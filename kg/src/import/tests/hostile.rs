//! Files that mean harm, or are badly broken: what is good in them is kept, and all that is bad is put aside.

use proptest::prelude::*;

use super::*;

fn quarantined(imported: &Imported) -> String {
    imported.report.quarantine.as_ref().map(|path| fs::read_to_string(path).unwrap()).unwrap_or_default()
}

#[test]
fn every_bad_line_is_put_aside_as_it_stands() {
    let bad: String = (0..3000).map(|number| format!("bad line {number}\n")).collect();
    let text = format!("a\tp\tb\n{bad}c\tp\td\n");
    let imported = imported("a.tsv", &text);
    assert_eq!((imported.report.stated, imported.report.bad), (2, 3000));
    assert_eq!(imported.report.bad_lines.len(), 1000);
    assert_eq!(quarantined(&imported), bad);
    let path = imported.report.quarantine.as_ref().unwrap();
    assert!(path.ends_with("graph.quarantine/a.tsv"));
    let reasons = fs::read_to_string(path.with_file_name("a.tsv.reasons.tsv")).unwrap();
    assert_eq!(reasons.lines().count(), 3000);
    assert!(reasons.starts_with("2\t3 columns are needed and there are 1\n"), "{}", &reasons[..50]);
}

#[test]
fn what_is_put_aside_can_be_mended_and_imported() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.csv");
    fs::write(&file, "a,p,b\n\"c\nd\",p\ne,\"p,f\n").unwrap();
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    let report = import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap();
    assert_eq!((report.stated, report.bad), (1, 2));
    let aside = report.quarantine.unwrap();
    assert_eq!(fs::read_to_string(&aside).unwrap(), "\"c\nd\",p\ne,\"p,f\n");
    // A clean import of the same file takes the old lines away.
    fs::write(&file, "a,p,b\n").unwrap();
    let report = import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap();
    assert!(report.quarantine.is_none() && !aside.exists());
}

#[test]
fn every_format_puts_its_bad_lines_aside() {
    for (name, text, aside) in [
        ("a.ttl", "<http://e.x/a> <http://e.x/p> <http://e.x/b> .\nnonsense here\n", "nonsense here\n"),
        (
            "a.nt",
            "<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n<http://e.x/a> nonsense\n",
            "<http://e.x/a> nonsense\n",
        ),
        (
            "a.json",
            "{\"type\":\"item\",\"id\":\"Q1\",\n{\"type\":\"item\",\"id\":\"Q2\"},\n",
            "{\"type\":\"item\",\"id\":\"Q1\",\n",
        ),
    ] {
        let imported = imported(name, text);
        assert_eq!(imported.report.bad, 1, "{name}");
        assert_eq!(quarantined(&imported), aside, "{name}");
    }
    let bytes = imported("a.nt", b"<http://e.x/a> <http://e.x/p> \"\xff\" .\n");
    let path = bytes.report.quarantine.as_ref().unwrap();
    assert_eq!(fs::read(path).unwrap(), b"<http://e.x/a> <http://e.x/p> \"\xff\" .\n");
}

#[test]
fn cycles_and_long_literals_are_fine_and_endless_lines_are_not() {
    let long = "x".repeat(10 << 20);
    let endless = "y".repeat(17 << 20);
    let p = "<http://e.x/p>";
    let text = format!(
        "<http://e.x/a> {p} <http://e.x/a> .\n<http://e.x/b> {p} \"{long}\" .\n<http://e.x/c> {p} \"{endless}\" .\n\
         <http://e.x/d> {p} <http://e.x/a> .\n"
    );
    let imported = imported("a.nt", &text);
    assert_eq!(bad_lines(&imported), [3]);
    assert_eq!(imported.report.stated, 3);
    assert!(objects(&imported).contains(&Object::Text { text: long, language: None }));
}

#[test]
fn iris_with_control_characters_are_refused() {
    for iri in [
        "http://e.x/\u{1}",
        "http://e.x/\u{0}",
        "http://e.x/a b",
        "http://e.x/{}",
        "relative",
        "http://e.x/\u{7f}x y",
    ] {
        let text = format!(
            "<{iri}> <http://e.x/p> <http://e.x/b> .\n<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n"
        );
        for name in ["a.nt", "a.nq"] {
            let imported = imported(name, &text);
            assert_eq!((imported.report.stated, bad_lines(&imported)), (1, vec![1]), "{iri:?} in {name}");
        }
    }
}

#[test]
fn entities_of_xml_that_grow_are_refused() {
    let xml = "<?xml version=\"1.0\"?>\n<!DOCTYPE rdf:RDF [<!ENTITY a \"aaaaaaaaaa\">\n<!ENTITY b \"&a;&a;&a;&a;\">]>\n\
        <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:e=\"http://e.x/\">\n\
        <rdf:Description rdf:about=\"http://e.x/a\"><e:p>&b;</e:p></rdf:Description></rdf:RDF>";
    let refused = imported("a.rdf", xml);
    assert_eq!((refused.report.stated, refused.report.bad), (0, 1));
    let plain = imported("a.rdf", xml.replace("<!ENTITY b \"&a;&a;&a;&a;\">", "<!ENTITY b \"b\">"));
    assert_eq!((plain.report.stated, plain.report.bad), (1, 0), "{:?}", plain.report.bad_lines);
}

#[test]
fn deep_nesting_does_no_harm() {
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let json = imported(
        "a.jsonld",
        format!("{{\"@id\": \"http://e.x/a\", \"http://e.x/p\": {}}}", deep("[", "]", 50_000)),
    );
    assert!(json.report.bad <= 1);
    let turtle = format!("<http://e.x/a> <http://e.x/p> {} .\n", deep("( ", ") ", 5_000));
    assert!(imported("a.ttl", turtle).report.bad >= 1);
    let xml = format!(
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">{}</rdf:RDF>",
        deep("<a>", "</a>", 5_000)
    );
    assert!(imported("a.rdf", xml).report.bad >= 1);
}

#[test]
fn a_zip_bomb_is_stopped_and_the_way_to_lift_the_limit_is_named() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.nt.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let line = b"<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n".repeat(100_000);
    (0..20).for_each(|_| encoder.write_all(&line).unwrap());
    fs::write(&file, encoder.finish().unwrap()).unwrap();
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    let error = import(&mut store, &file, &ImportOptions::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, GraphError::UnpacksTooMuch { .. }), "{error}");
    assert!(error.to_string().contains("--unpack-ratio"), "{error}");
    assert!(store.runs().unwrap().is_empty());
    let options = ImportOptions { unpack_ratio: Some(2000), ..ImportOptions::default() };
    assert_eq!(super::super::check(&file, &options, |_| {}).unwrap().stated, 2_000_000);
}

/// Pieces of every format, and noise.
const PIECES: [&str; 40] = [
    "<http://e.x/a> ",
    "<http://e.x/p> ",
    "<https://loquat.example/fact/1> ",
    "\"text\"",
    "@en",
    "^^<http://www.w3.org/2001/XMLSchema#date>",
    " .\n",
    "\n",
    "\r\n",
    "\"",
    "\"\"\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    "\t",
    "@prefix e: <http://e.x/> .\n",
    "e:a ",
    "_:b ",
    "\\u00e9",
    "\\u",
    "{\"type\":\"item\",\"id\":\"Q1\",\"claims\":{",
    "\"P1\":[{\"mainsnak\":{",
    "\"@id\": ",
    "\"@context\": ",
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">",
    "<a b=\"c\">",
    "</a>",
    "&amp;",
    "id:ID(a),:LABEL,name,x:int[]\n",
    ":START_ID,:END_ID,:TYPE\n",
    "\u{feff}",
    "\u{0}",
    "é",
    "GRAPH ",
    "#",
    "( ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_a_file_holds_it_is_read_to_its_end(
        pieces in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ], 0..40),
    ) {
        let folder = tempdir().unwrap();
        for name in ["a.ttl", "a.nt", "a.nq", "a.trig", "a.rdf", "a.jsonld", "a.tsv", "a.csv", "a.json"] {
            let file = folder.path().join(name);
            fs::write(&file, pieces.concat()).unwrap();
            let options = ImportOptions { threads: Some(1), ..ImportOptions::default() };
            // A few bytes at the beginning may look packed, which is an error and no panic.
            if let Err(error) = super::super::check(&file, &options, |_| {}) {
                let packed = matches!(error, GraphError::UnknownPacking { .. } | GraphError::Read { .. });
                prop_assert!(packed, "{}", error);
            }
        }
    }
}
