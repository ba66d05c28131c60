//! The graph, edited on the command line: what is added is seen by every later command, what is removed is gone, also after the files are
//! imported again.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::fs::{self, File};

use loquat_tests::program::{Ran, User};

const ZOO: &str = "[bot]\nname = \"Zoo\"\n[graph]\nstore = \"graph\"\nsources = [\"zoo.ttl\"]\n";

fn zoo(weight: u32) -> String {
    format!(
        r#"@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix zoo: <https://zoo.example/> .
zoo:weight a rdf:Property ; rdfs:label "weight"@en .
zoo:keeper a rdf:Property ; rdfs:label "keeper"@en .
zoo:bella rdfs:label "Bella"@en ; zoo:weight {weight} ; zoo:keeper zoo:mina .
zoo:mina rdfs:label "Mina"@en .
zoo:rolf-1 rdfs:label "Rolf"@en ; zoo:keeper zoo:mina .
zoo:rolf-2 rdfs:label "Rolf"@en ; zoo:weight 12 .
"#
    )
}

fn keepers(user: User) -> User {
    user.write("loquat.toml", ZOO).unwrap();
    user.write("zoo.ttl", zoo(3900)).unwrap();
    user
}

fn ok(ran: Ran) -> String {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

fn refused(ran: Ran, parts: &[&str]) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for part in parts {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

/// The id at the end of the line that has this.
fn id_of(out: &str, part: &str) -> String {
    let line = out.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {out}"));
    line.split_whitespace().last().unwrap().to_owned()
}

#[test]
fn an_edit_is_answered_from_and_survives_other_files() {
    let user = keepers(User::new().unwrap());
    let out = ok(user.run(["kg", "add", "Bella", "birthplace", "Sarasota"]).unwrap());
    assert!(out.contains("added:  Bella — birthplace — Sarasota") && out.contains("generation 2"), "{out}");
    let id = id_of(&out, "Sarasota");
    let reply = user.ask("What is the birthplace of Bella?").unwrap();
    assert_eq!((&reply["citations"][0]["object"], &reply["graph"]), (&"Sarasota".into(), &2.into()));
    assert_eq!(reply["citations"][0]["id"], id.as_str());
    assert_eq!(reply["citations"][0]["source"], "edited by hand");

    // The store is built anew from the changed file, with the edits.
    user.write("zoo.ttl", zoo(4100)).unwrap();
    let shown = ok(user.run(["kg", "show", "Bella"]).unwrap());
    assert!(shown.contains("4100") && shown.contains("Sarasota"), "{shown}");

    ok(user.run(["kg", "remove", &id]).unwrap());
    let reply = user.ask("What is the birthplace of Bella?").unwrap();
    assert_eq!(reply["outcome"], "abstained", "{reply}");
}

#[test]
fn facts_names_and_tables_are_added_and_removed() {
    let user = keepers(User::on_a_fresh_machine().unwrap());
    let run = |arguments: &[&str]| user.run([&["kg"], arguments].concat()).unwrap();

    let out = ok(run(&[
        "add",
        "bella",
        "KEEPER",
        "Tom",
        "--qualifier",
        "since=2014",
        "--rank",
        "preferred",
        "--source",
        "the office",
    ]));
    assert!(out.contains("Bella — keeper — Tom"), "the names stand for what has them: {out}");
    assert!(out.contains("1 added, 0 there already; generation 2"), "{out}");
    let tom = id_of(&out, "Tom");
    let again = ok(run(&["add", "Bella", "keeper", "Mina"]));
    assert!(again.contains("says so already") && again.contains("generation 2"), "{again}");
    let name = ok(run(&["add", "Bella", "skos:altLabel", "the old lady", "--language", "en"]));
    assert!(name.contains("the old lady (en)"), "{name}");
    let name = ok(run(&["add", "Bella", "skos:altLabel", "the old lady", "--language", "en"]));
    assert!(name.contains("says so already"), "{name}");
    assert!(ok(run(&["link", "Who feeds the old lady?"])).contains("https://zoo.example/bella"));
    let name = ok(run(&["add", "keeper", "rdfs:label", "Pfleger", "--language", "de"]));
    assert!(name.contains("https://zoo.example/keeper"), "a predicate has names too: {name}");

    // A name that was made from the id stays beside the first that is given.
    ok(run(&["add", "Tom", "skos:altLabel", "the new one"]));
    let link = ok(run(&["link", "Is Tom the new one?"]));
    assert_eq!(link.lines().filter(|line| line.ends_with("  Tom")).count(), 2, "{link}");

    // Two have this name.
    let ran = run(&["add", "Rolf", "weight", "13"]);
    refused(ran, &["2 are called `Rolf`", "https://zoo.example/rolf-1", "https://zoo.example/rolf-2"]);

    // A table, whole or not at all.
    user.write("more.tsv", "subject\tpredicate\tobject\nBella\tfood\thay\n\nMina\tborn\t1990-05-02\n")
        .unwrap();
    let out = ok(run(&["add", "--file", "more.tsv"]));
    assert!(out.contains("2 added") && out.contains("Mina — born — 1990-05-02"), "{out}");
    user.write("bad.tsv", "Bella\tfood\tapples\nalone\n").unwrap();
    refused(run(&["add", "--file", "bad.tsv"]), &["line 2 of bad.tsv", "nothing was added", "3 columns"]);
    assert!(!ok(run(&["show", "Bella"])).contains("apples"));
    let piped = user.pipe("Bella\tfood\tpears\n", ["kg", "add", "--file", "-"]).unwrap();
    assert!(ok(piped).contains("pears"));

    // Away by subject, predicate and object; by id; and not by what is not there.
    let out = ok(run(&["remove", "Bella", "food", "hay"]));
    assert!(out.contains("removed:  Bella — food — hay") && out.contains("1 removed"), "{out}");
    refused(run(&["remove", "Bella", "keeper", "Tom"]), &["does not say that", &tom]);
    refused(run(&["remove", "00000000000000000000"]), &["no fact of the graph has the id", "kg show"]);
    refused(run(&["remove", "Bella", "skos:altLabel", "the cat"]), &["does not say that"]);
    refused(run(&["remove", "Bella", "food"]), &["name facts by their ids"]);
    ok(run(&["remove", &tom]));
    ok(run(&["remove", "Bella", "skos:altLabel", "the old lady", "--language", "en"]));
    let shown = ok(run(&["show", "Bella"]));
    assert!(!shown.contains("Tom") && !shown.contains("hay") && !shown.contains("old lady"), "{shown}");
    assert!(shown.contains("pears") && shown.contains("3900"), "{shown}");
    // What a file states stays away too.
    ok(run(&["remove", "Bella", "weight", "3900"]));
    user.write("zoo.ttl", zoo(3900) + "\n").unwrap();
    assert!(!ok(run(&["show", "Bella"])).contains("3900"));
}

#[test]
fn a_graph_is_searched_compacted_checked_and_has_one_owner() {
    let user = keepers(User::on_a_fresh_machine().unwrap());
    let run = |arguments: &[&str]| user.run([&["kg"], arguments].concat()).unwrap();
    ok(run(&["add", "Bella", "schema:description", "an elephant from Sarasota", "--language", "en"]));

    let found = ok(run(&["search", "bell"]));
    assert!(found.contains("Bella") && found.contains("an elephant from Sarasota"), "{found}");
    assert_eq!(ok(run(&["search", "rolf", "--limit", "1"])).lines().count(), 1);
    let nothing = run(&["search", "giraffe"]);
    assert!(nothing.code == Some(1) && nothing.out.contains("no name"), "{nothing:?}");
    for _ in ["an edit", "in the snapshot"] {
        let found = ok(run(&["search", "elephent"]));
        assert!(found.contains("did you mean elephant?") && found.contains("Bella"), "{found}");
        ok(run(&["compact"]));
    }

    let stats = |name: &str| {
        let out = ok(run(&["stats"]));
        let line = out.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{out}"));
        line.trim().parse::<u64>().unwrap()
    };
    assert_eq!(stats("edits"), 0);
    ok(run(&["add", "Bella", "food", "hay"]));
    assert_eq!(stats("edits"), 1);
    assert!(ok(run(&["compact"])).contains("1 edits more"));
    assert_eq!(stats("edits"), 0);
    assert!(stats("snapshot bytes") > 0);
    assert!(ok(run(&["check"])).contains("sound"));
    let link = ok(run(&["link", "Has Bella ever met Clementine Winterbottom?"]));
    assert!(link.contains("Clementine") && link.contains("is not in the graph"), "{link}");

    // A damaged byte is found and mended.
    let snapshot = user.path("graph/snapshot");
    let mut bytes = fs::read(&snapshot).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle] ^= 0xff;
    fs::write(&snapshot, bytes).unwrap();
    assert!(ok(run(&["check"])).contains("sound"));
    assert_eq!(ok(run(&["check"])).trim(), "the snapshot is sound");
    assert!(ok(run(&["show", "Bella"])).contains("hay"));

    // As a bot that runs has it.
    let lock = File::options().read(true).write(true).open(user.path("graph/lock")).unwrap();
    lock.lock().unwrap();
    for arguments in [&["add", "Bella", "food", "nuts"][..], &["remove", "Bella", "food", "hay"], &["stats"]]
    {
        refused(run(arguments), &["is in use by process", "stop it first"]);
    }
    drop(lock);
    assert!(!ok(run(&["show", "Bella"])).contains("nuts"));
}

#[test]
fn an_endpoint_is_not_written_to() {
    let user = User::on_a_fresh_machine().unwrap();
    user.write("loquat.toml", "[graph.sparql]\nendpoint = \"http://127.0.0.1:9/query\"\n").unwrap();
    for arguments in [&["add", "a", "b", "c"][..], &["remove", "a", "b", "c"]] {
        refused(
            user.run([&["kg"], arguments].concat()).unwrap(),
            &["graph.sparql.endpoint", "Loquat writes to none"],
        );
    }
    for arguments in [&["search", "a"][..], &["compact"], &["check"]] {
        refused(
            user.run([&["kg"], arguments].concat()).unwrap(),
            &["graph.sparql.endpoint", "works on the local graph"],
        );
    }
}

#[test]
fn what_is_exported_is_the_same_graph_in_another_store() {
    let user = keepers(User::new().unwrap());
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    ok(user.run(["kg", "add", "Bella", "keeper", "Tom", "--rank", "preferred"]).unwrap());
    let first = sorted(ok(user.run(["kg", "export"]).unwrap()));
    assert!(first.iter().any(|line| line.contains("ns#rank")), "{first:#?}");
    let ran = user.run(["kg", "export", "one.nt"]).unwrap();
    assert!(ran.err.contains("one.nt: 5 facts"), "{ran:?}");
    user.write("loquat.toml", ZOO.replace("\"graph\"", "\"other\"").replace("zoo.ttl", "one.nt")).unwrap();
    assert_eq!(sorted(ok(user.run(["kg", "export"]).unwrap())), first);
}
