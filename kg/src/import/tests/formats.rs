//! Every format, with what is special to it: the same facts come out of each.

use super::*;
use crate::import::{Mapping, Wikipedia};
use loquat_contract::{Language, Rank};

const NT: &str = "<http://e.x/a> <http://e.x/p> <http://e.x/b> .\n<http://e.x/a> <http://e.x/q> \"5\"^^<http://www.w3.org/2001/XMLSchema#integer> .\n";

fn entity(id: &str) -> Object {
    Object::Entity(id.into())
}

fn text(text: &str) -> Object {
    Object::Text { text: text.into(), language: None }
}

/// What is said of a name, in short.
fn descriptions(imported: &Imported) -> Vec<String> {
    let short = |statement: &Statement| match statement {
        Statement::Description { about, what, text, language } => {
            let about = about.rsplit('/').next().unwrap_or_default();
            Some(format!("{about} {what:?} {text} {}", language.as_deref().unwrap_or("-")))
        }
        Statement::Fact { .. } => None,
    };
    imported.statements.iter().filter_map(short).collect()
}

#[test]
fn every_rdf_format_gives_the_same_facts() {
    let expected = [entity("http://e.x/b"), Object::number("5")];
    let quads = NT.replace(" .\n", " <http://e.x/g> .\n");
    let trig = "@prefix e: <http://e.x/> .\ne:g {\n  e:a e:p e:b ;\n e:q 5 }\n";
    let xml = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:e=\"http://e.x/\">\n\
        <rdf:Description rdf:about=\"http://e.x/a\"><e:p rdf:resource=\"http://e.x/b\"/>\n\
        <e:q rdf:datatype=\"http://www.w3.org/2001/XMLSchema#integer\">5</e:q></rdf:Description></rdf:RDF>";
    let json = r#"{"@context": {"e": "http://e.x/"}, "@id": "e:a", "e:p": {"@id": "e:b"}, "e:q": 5}"#;
    for (name, content) in [
        ("a.nt", NT),
        ("a.nq", &quads),
        ("a.trig", trig),
        ("a.rdf", xml),
        ("a.jsonld", json),
        ("a.json", json),
    ] {
        let imported = imported(name, content);
        assert_eq!(imported.report.bad_lines, [], "{name}");
        assert_eq!(objects(&imported), expected, "{name}");
    }
}

#[test]
fn bad_lines_of_trig_among_good_ones() {
    let trig = "@prefix e: <http://e.x/> .\ne:g {\n  e:a e:p e:b .\n  e:a e:p @@ .\n  e:c e:p e:d\n}\nGRAPH e:h {\n e:e e:p e:f . }\n";
    let imported = imported("a.trig", trig);
    assert_eq!(bad_lines(&imported), [4], "{:?}", imported.report.bad_lines);
    assert_eq!(objects(&imported), [entity("http://e.x/b"), entity("http://e.x/d"), entity("http://e.x/f")]);
}

#[test]
fn a_mistake_in_a_document_is_told_with_its_line() {
    let head =
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:e=\"http://e.x/\">\n";
    let good = "<rdf:Description rdf:about=\"http://e.x/a\"><e:p rdf:resource=\"http://e.x/b\"/></rdf:Description>\n";
    let xml =
        imported("a.rdf", format!("{head}{good}<rdf:Description rdf:about=\"http://a b\">\n</rdf:RDF>"));
    assert_eq!((xml.report.stated, bad_lines(&xml)), (1, vec![3]), "{:?}", xml.report.bad_lines);
    let json = imported("a.jsonld", "{\"@id\": \"http://e.x/a\",\n \"http://e.x/p\": [1, \n}");
    assert_eq!(bad_lines(&json), [3], "{:?}", json.report.bad_lines);
}

#[test]
fn described_facts_are_put_together() {
    let rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
    let xsd = "http://www.w3.org/2001/XMLSchema#";
    let fact = |id: &str, lines: &[&str]| -> String {
        lines.iter().map(|line| format!("<https://loquat.example/fact/{id}> {line} .\n")).collect()
    };
    let (s, p, o) = (format!("<{rdf}subject>"), format!("<{rdf}predicate>"), format!("<{rdf}object>"));
    let file = [
        fact(
            "1",
            &[
                &format!("{s} <http://e.x/a>"),
                &format!("{p} <http://e.x/mayor>"),
                &format!("{o} <http://e.x/b>"),
                "<https://loquat.example/ns#rank> \"preferred\"",
                &format!("<http://e.x/since> \"1990\"^^<{xsd}gYear>"),
                "<http://e.x/until> <https://loquat.example/ns#nothing>",
            ],
        ),
        NT.to_owned(),
        fact(
            "2",
            &[
                &format!("{s} <http://e.x/a>"),
                &format!("{p} <http://e.x/height>"),
                &format!("{o} \"3.5\"^^<https://loquat.example/unit/http%3A%2F%2Fe.x%2Fmetre>"),
            ],
        ),
        fact("3", &[&format!("{s} <http://e.x/a>"), &format!("{p} <http://e.x/p>")]),
        fact("4", &[&format!("{s} <http://e.x/a>"), "<https://loquat.example/ns#rank> \"best\""]),
        "<http://e.x/a> <http://e.x/at> \"Point(89.6 27.5)\"^^<http://www.opengis.net/ont/geosparql#wktLiteral> .\n\
         <http://e.x/a> <http://e.x/died> <https://loquat.example/ns#unknown> .\n\
         <http://e.x/a> <https://loquat.example/ns#popularity> \"12\" .\n\
         <http://e.x/c> <https://loquat.example/ns#redirect> <http://e.x/a> .\n"
            .to_owned(),
    ]
    .concat();
    for name in ["a.nt", "a.ttl", "a.nq"] {
        let imported = imported(name, &file);
        let Statement::Fact { rank, qualifiers, object, .. } = &imported.statements[0] else { panic!() };
        assert_eq!((*rank, object), (Rank::Preferred, &entity("http://e.x/b")));
        assert_eq!(
            *qualifiers,
            [
                ("http://e.x/since".into(), Object::Date("1990".into())),
                ("http://e.x/until".into(), Object::Nothing)
            ]
        );
        assert_eq!(
            objects(&imported)[3..],
            [
                Object::Number { lexical: "3.5".into(), unit: Some("http://e.x/metre".into()) },
                Object::Coordinate("27.5 89.6".into()),
                Object::Unknown,
            ]
        );
        assert_eq!(descriptions(&imported), ["a Popularity 12 -", "c Redirect http://e.x/a -"]);
        let reasons: Vec<&str> = imported.report.bad_lines.iter().map(|bad| bad.reason.as_str()).collect();
        assert!(reasons.iter().any(|reason| reason.contains("the fact 3 lacks")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("\"best\" is no rank")), "{reasons:?}");
    }
}

#[test]
fn wikidata_in_n_triples_gives_what_its_json_gives() {
    let (wd, wdt) = ("http://www.wikidata.org/entity", "http://www.wikidata.org/prop/direct");
    let (label, schema) = ("http://www.w3.org/2000/01/rdf-schema#label", "http://schema.org");
    let xsd = "http://www.w3.org/2001/XMLSchema#";
    let file = format!(
        "<https://www.wikidata.org/wiki/Special:EntityData/Q42> <{schema}/about> <{wd}/Q42> .\n\
         <https://www.wikidata.org/wiki/Special:EntityData/Q42> <http://wikiba.se/ontology#sitelinks> \"117\"^^<{xsd}integer> .\n\
         <{wd}/Q42> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://wikiba.se/ontology#Item> .\n\
         <{wd}/Q42> <{label}> \"Douglas Adams\"@en .\n\
         <{wd}/Q42> <http://www.w3.org/2004/02/skos/core#prefLabel> \"Douglas Adams\"@en .\n\
         <{wd}/Q42> <{schema}/name> \"Douglas Adams\"@en .\n\
         <{wd}/Q42> <{schema}/description> \"English author\"@en .\n\
         <{wd}/Q42> <{wdt}/P31> <{wd}/Q5> .\n\
         <{wd}/Q42> <{wdt}/P569> \"1952-03-11T00:00:00Z\"^^<{xsd}dateTime> .\n\
         <{wd}/Q42> <{wdt}/P856> <https://douglasadams.com/> .\n\
         <{wd}/Q42> <{wdt}/P570> _:genid1 .\n\
         <{wd}/Q42> <{wdt}/P26> <http://www.wikidata.org/.well-known/genid/ab> .\n\
         <{wd}/Q42> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.wikidata.org/prop/novalue/P40> .\n\
         <{wd}/Q42> <http://www.wikidata.org/prop/direct-normalized/P214> <http://viaf.org/viaf/1> .\n\
         <{wd}/Q42> <http://www.wikidata.org/prop/P31> <{wd}/statement/Q42-1> .\n\
         <{wd}/statement/Q42-1> <http://www.wikidata.org/prop/statement/P31> <{wd}/Q5> .\n\
         <{wd}/statement/Q42-1> <http://wikiba.se/ontology#rank> <http://wikiba.se/ontology#NormalRank> .\n\
         <{wd}/Q42> <{wdt}/P2048> \"+1.96\"^^<{xsd}decimal> .\n\
         <https://en.wikipedia.org/wiki/Douglas_Adams> <{schema}/about> <{wd}/Q42> .\n\
         <https://en.wikipedia.org/wiki/Douglas_Adams> <{schema}/isPartOf> <https://en.wikipedia.org/> .\n\
         <https://en.wikipedia.org/wiki/Douglas_Adams> <{schema}/name> \"Douglas Adams\"@en .\n\
         <{wd}/P31> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://wikiba.se/ontology#Property> .\n\
         <{wd}/P31> <http://wikiba.se/ontology#directClaim> <{wdt}/P31> .\n\
         <{wd}/P31> <{wdt}/P1647> <{wd}/P279> .\n\
         <{wd}/P31> <{label}> \"instance of\"@en .\n\
         <{wd}/Q1> <http://www.w3.org/2002/07/owl#sameAs> <{wd}/Q42> .\n"
    );
    let imported = imported("truthy.nt", &file);
    assert_eq!(imported.report.bad_lines, []);
    assert_eq!(
        descriptions(&imported),
        [
            "Q42 Popularity 117 -",
            "Q42 Label Douglas Adams en",
            "Q42 Description English author en",
            "P31 Property  -",
            "P31 Label instance of en",
            &format!("Q1 Redirect {wd}/Q42 -"),
        ]
    );
    assert_eq!(
        objects(&imported),
        [
            entity("http://www.wikidata.org/entity/Q5"),
            Object::Date("1952-03-11".into()),
            Object::Url("https://douglasadams.com/".into()),
            Object::Unknown,
            Object::Unknown,
            Object::Nothing,
            Object::number("1.96"),
        ]
    );

    let other = format!(
        "<{wd}/Q7> <{label}> \"Other\"@en .\n<{wd}/Q7> <{wdt}/P31> <{wd}/Q6> .\n<{wd}/Q5> <{label}> \"human\"@en .\n"
    );
    let both = format!("{other}{file}");
    for filter in [
        Filter { types: vec!["Q5".into()], ..Filter::default() },
        Filter { wikipedia: Some(Wikipedia::In(Language::english())), ..Filter::default() },
    ] {
        let some = kept("truthy.nt", &both, filter.clone());
        assert_eq!(objects(&some).len(), 7, "{filter:?}");
        assert_eq!(descriptions(&some).iter().any(|line| line.contains("human")), !filter.types.is_empty());
        assert!(descriptions(&some).contains(&"P31 Label instance of en".to_owned()));
        assert!(!descriptions(&some).iter().any(|line| line.contains("Other")));
    }
    let none = Filter { wikipedia: Some(Wikipedia::In(Language::new("de"))), ..Filter::default() };
    assert_eq!(objects(&kept("truthy.nt", &both, none)), []);
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let file = "<http://e.x/a> <http://e.x/p> \"eins\"@de .\n<http://e.x/a> <http://e.x/p> \"one\"@en-GB .\n\
                <http://e.x/a> <http://e.x/q> <http://e.x/b> .\n<http://e.x/a> <http://e.x/p> \"1\"@mul .\n\
                <http://e.x/a> <http://www.w3.org/2000/01/rdf-schema#label> \"A\"@fr .\n";
    let filter = Filter {
        languages: vec![Language::english()],
        without_predicates: vec!["http://e.x/q".into()],
        ..Filter::default()
    };
    let some = kept("a.nt", file, filter);
    assert_eq!((some.report.stated, some.report.descriptions, some.report.left_out), (2, 0, 3));
    let only = Filter { predicates: vec!["http://e.x/q".into()], ..Filter::default() };
    assert_eq!(objects(&kept("a.nt", file, only)), [entity("http://e.x/b")]);
}

fn with_mapping(name: &str, content: &str, mapping: &str) -> Result<Imported, GraphError> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("mapping.toml");
    fs::write(&path, mapping).unwrap();
    let mapping = Some(std::sync::Arc::new(Mapping::read(&path)?));
    let file = folder.path().join(name);
    fs::write(&file, content).unwrap();
    let mut store = Store::open(&folder.path().join("graph")).unwrap();
    let options = ImportOptions { mapping, ..ImportOptions::default() };
    let report = import(&mut store, &file, &options, &mut |_| {})?;
    Ok(Imported { report, statements: store.statements(), _folder: folder })
}

#[test]
fn a_table_is_read_by_its_mapping() {
    let mapping = r#"
        columns = ["name", "owner", "downloads"]
        ignore = ["?"]
        [subject]
        column = "name"
        prefix = "https://npm.example/package/"
        type = "package"
        [[label]]
        column = "name"
        [popularity]
        column = "downloads"
        [[fact]]
        column = "owner"
        predicate = "owned by"
        label = "owner"
        language = "en"
        type = "entity"
        prefix = "https://npm.example/user/"
        named = true
        [[fact]]
        column = "downloads"
        type = "number"
        unit = "downloads a week"
        ignore = ["0"]
    "#;
    let rows = "lodash\tjdalton\t52000000\nleft pad\t?\t0\nbad\trow\nodd\tx\tmany\n";
    let imported = with_mapping("npm.tsv", rows, mapping).unwrap();
    assert_eq!(bad_lines(&imported), [3, 4], "{:?}", imported.report.bad_lines);
    assert_eq!(
        objects(&imported),
        [
            entity("package"),
            entity("https://npm.example/user/jdalton"),
            Object::number("52000000"),
            entity("package")
        ]
    );
    assert_eq!(
        descriptions(&imported),
        [
            "owned by Label owner en",
            "downloads Unit downloads a week -",
            "lodash Label lodash -",
            "lodash Popularity 52000000 -",
            "jdalton Label jdalton en",
            "left%20pad Label left pad -",
            "left%20pad Popularity 0 -",
        ]
    );
    let error = with_mapping(
        "npm.tsv",
        rows,
        &mapping.replace("\"owner\"\n        predicate", "\"ownr\"\n        predicate"),
    );
    let error = error.err().unwrap().to_string();
    assert!(error.contains("did you mean `owner`?"), "{error}");
    assert!(with_mapping("npm.nt", rows, mapping).err().unwrap().to_string().contains("neither"));
}

#[test]
fn columns_may_hold_several_values_and_coordinates() {
    let mapping = "delimiter = \";\"\n[subject]\ncolumn = 1\n[[alias]]\ncolumn = \"also\"\nseparator = \"|\"\nlanguage = \"de\"\n\
        [[fact]]\ncolumn = \"lat\"\nlongitude = \"lon\"\npredicate = \"at\"\n[[fact]]\ncolumn = \"tags\"\ntype = \"text\"\nseparator = \",\"\n";
    let csv = "id;also;lat;lon;tags\nThun;\"Thoune|Tuno\";46.75;7.62;\"a, b\"\n";
    let imported = with_mapping("a.csv", csv, mapping).unwrap();
    assert_eq!(imported.report.bad_lines, []);
    assert_eq!(descriptions(&imported), ["Thun Alias Thoune de", "Thun Alias Tuno de"]);
    assert_eq!(objects(&imported), [Object::Coordinate("46.75 7.62".into()), text("a"), text("b")]);
}

#[test]
fn a_property_graph_is_told_by_its_header() {
    let nodes = "movieId:ID(Movie),title,year:int,genres:string[],seen:boolean,at:point,:LABEL,x:IGNORE\n\
        m1,\"The Matrix, again\",1999,action;drama,true,\"{latitude: 1.5, longitude: 2}\",Movie;Film,no\n\
        m2,Empty,,,,,Movie,\nm3,Bad,soon,,,,Movie,\n";
    let imported = imported("movies.csv", nodes);
    assert_eq!(bad_lines(&imported), [4], "{:?}", imported.report.bad_lines);
    assert_eq!(descriptions(&imported), ["m1 Label The Matrix, again -", "m2 Label Empty -"]);
    assert_eq!(
        objects(&imported),
        [
            Object::number("1999"),
            text("action"),
            text("drama"),
            Object::Boolean(true),
            Object::Coordinate("1.5 2".into()),
            entity("Movie"),
            entity("Film"),
            entity("Movie"),
        ]
    );

    let relationships =
        ":START_ID(Person),role,:END_ID(Movie),:TYPE,since:date\nk,Neo,m1,ACTED_IN,1999-03-31\nk,,m1,,\n";
    let imported = super::imported("roles.csv", relationships);
    assert_eq!(bad_lines(&imported), [3]);
    let Statement::Fact { subject, predicate, object, qualifiers, .. } = &imported.statements[0] else {
        panic!()
    };
    assert_eq!((subject.as_str(), predicate.as_str(), object), ("Person/k", "ACTED_IN", &entity("Movie/m1")));
    assert_eq!(
        *qualifiers,
        [("role".into(), text("Neo")), ("since".into(), Object::Date("1999-03-31".into()))]
    );

    let apoc = "\"_id\",\"_labels\",\"name\",\"born\",\"_start\",\"_end\",\"_type\",\"since\"\n\
        \"1\",\":Person\",\"Ann\",\"1980\",,,,\n\"2\",\":Person\",\"Bo\",\"\",,,,\n,,,,\"1\",\"2\",\"KNOWS\",\"2001\"\n";
    let imported = super::imported("all.csv", apoc);
    assert_eq!(imported.report.bad_lines, []);
    assert_eq!(objects(&imported), [entity("Person"), Object::number("1980"), entity("Person"), entity("2")]);
}
