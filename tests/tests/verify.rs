//! Replies that can be traced and checked again: `/why`, `loquat verify`, `loquat kg gaps` and the counters, on the real program.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use loquat_contract::{Document, Format};
use loquat_tests::program::{Ran, User};
use loquat_tests::server::Server;
use serde_json::Value;

const ONE: &str = "3f2b8c1e-9d4a-4e6b-8a21-0c9d7e5f1b34";
const ZOO: &str = "[bot]\nname = \"Zoo\"\n[graph]\nstore = \"graph\"\nsources = [\"zoo.ttl\"]\n[journal]\nfolder = \"journal\"\n";
const ANIMALS: &str = r#"@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix loquat: <https://loquat.example/ns#> .
@prefix zoo: <https://zoo.example/> .
zoo:weight a rdf:Property ; rdfs:label "weight"@en ; loquat:unit "kg" ;
    loquat:template "The weight of {subject} is {object}."@en .
zoo:keeper a rdf:Property ; rdfs:label "keeper"@en ; loquat:template "The keeper of {subject} is {object}."@en ;
    loquat:templatePlural "The keepers of {subject} are {object}."@en .
zoo:bella rdfs:label "Bella"@en ; zoo:weight 3900 ; zoo:keeper zoo:mina , zoo:tom .
zoo:mina rdfs:label "Mina"@en .
zoo:tom rdfs:label "Tom"@en .
zoo:rolf rdfs:label "Rolf"@en ; zoo:weight 12 .
"#;
const QUESTIONS: [&str; 3] =
    ["What is the weight of Bella?", "Who are the keepers of Bella?", "What is the weight of Rolf?"];

fn keepers() -> User {
    let user = User::new().unwrap();
    user.write("loquat.toml", ZOO).unwrap();
    user.write("zoo.ttl", ANIMALS).unwrap();
    user
}

/// Says lines in the terminal.
fn chat(user: &User, lines: &[&str]) -> String {
    let ran = user.pipe(&(lines.join("\n") + "\n"), ["chat"]).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

fn verify(user: &User, arguments: &[&str], code: i32) -> Ran {
    let ran = user.run([&["verify"], arguments].concat()).unwrap();
    assert_eq!(ran.code, Some(code), "{ran:?}");
    ran
}

fn ok(user: &User, arguments: &[&str]) -> String {
    let ran = user.run(arguments).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

#[test]
fn past_replies_are_checked_against_the_graph_as_it_is_now() {
    let user = keepers();
    assert!(verify(&user, &[], 1).err.contains("no journal"));
    let said = chat(&user, &QUESTIONS);
    assert!(said.contains("Mina") && said.contains("Tom") && said.contains("12"), "{said}");
    let sound = verify(&user, &[], 0).out;
    assert!(sound.contains("0 of 3 replies would no longer hold") && sound.contains("4 facts"), "{sound}");

    // A fact goes and another comes in its place; a list grows; a name changes nothing of the third.
    ok(&user, &["kg", "remove", "Bella", "weight", "3900"]);
    ok(&user, &["kg", "add", "Bella", "weight", "4100"]);
    ok(&user, &["kg", "add", "Bella", "keeper", "Ann"]);
    let found = verify(&user, &[], 1).out;
    assert!(
        found.contains("gone: Bella — weight — 3900 kg") && found.contains("now: Bella — weight — 4100 kg"),
        "{found}"
    );
    assert!(found.contains("grown:") && found.contains("Bella — keeper — Ann"), "{found}");
    assert!(found.contains("2 of 3 replies would no longer hold") && !found.contains("Rolf"), "{found}");

    let json: Value = serde_json::from_str(&verify(&user, &["--json"], 1).out).unwrap();
    assert_eq!((&json["replies"], &json["sentences"]), (&3.into(), &3.into()));
    let failing = json["failing"].as_array().unwrap();
    assert_eq!(failing.iter().map(|one| &one["sequence"]).collect::<Vec<_>>(), [1, 2]);
    let problem = &failing[0]["sentences"][0]["problems"][0];
    assert_eq!((&problem["problem"], &problem["now"][0]["object"]), (&"gone".into(), &"4100 kg".into()));
    assert_eq!(failing[0]["asked"], QUESTIONS[0]);

    // As it was.
    ok(&user, &["kg", "remove", "Bella", "weight", "4100"]);
    ok(&user, &["kg", "add", "Bella", "weight", "3900"]);
    ok(&user, &["kg", "remove", "Bella", "keeper", "Ann"]);
    verify(&user, &[], 0);
    // Of a backup, whose damage is told, and what can be read is checked.
    let segment = std::fs::read_dir(user.path("journal")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|it| it == "seg")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let place = bytes.windows(6).position(|window| window == b"weight").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let damaged = verify(&user, &[user.path("journal").to_str().unwrap()], 3);
    assert!(damaged.err.contains("damaged") && damaged.out.contains("0 of 2 replies"), "{damaged:?}");
}

#[test]
fn a_running_bot_explains_itself_is_checked_beside_and_counts() {
    let user = keepers();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let metrics = free.local_addr().unwrap();
    drop(free);
    let listen = format!("metrics.listen={metrics}");
    let arguments = ["--port", "0", "--set", &listen];
    let mut server = Server::start(&user, &arguments).unwrap();
    let mut events = server.listen(ONE).unwrap();
    assert_eq!(server.send(ONE, "1", QUESTIONS[0]).unwrap(), 202);
    let (_, reply) = events.reply().unwrap();
    let fact = reply["citations"][0]["id"].as_str().unwrap().to_owned();
    let why = |server: &Server, id: &str| {
        assert_eq!(server.send(ONE, id, "/why").unwrap(), 202);
        let mut events = server.listen(ONE).unwrap();
        let notice = events.find_map(|event| {
            let event = event.unwrap();
            (event.name == "notice" && event.data["in_reply_to"] == id).then_some(event.data)
        });
        let document: Document = serde_json::from_value(notice.unwrap()["document"].take()).unwrap();
        document.render(Format::Plain)
    };
    let told = why(&server, "2");
    for part in
        ["About answer #1", "supported by [1]", &fact, "since generation 1", "generation 1 of the graph"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains("Bella — weight — 3900 kg (source zoo.ttl"), "{told}");

    let beside = verify(&user, &[], 0).out;
    assert!(beside.contains("0 of 1 replies would no longer hold"), "{beside}");
    let refused = user.run(["kg", "remove", &fact]).unwrap();
    assert!(refused.code == Some(1) && refused.err.contains("in use"), "{refused:?}");

    let mut page = String::new();
    let mut asked = TcpStream::connect(metrics).unwrap();
    asked.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    asked.read_to_string(&mut page).unwrap();
    for line in [
        "loquat_replies_total{outcome=\"answered\"} 1",
        "loquat_sentences_total{verdict=\"supported\",wording=",
        "loquat_explanations_total 1",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    assert!(!page.contains("Bella"), "no texts: {page}");

    server.kill().unwrap();
    let server = Server::start(&user, &arguments).unwrap();
    assert_eq!(why(&server, "3"), told, "the same after a restart");
}

#[test]
fn what_was_asked_and_is_not_in_the_graph_is_listed_to_be_filled_in() {
    let user = keepers();
    let lines =
        ["What is the keeper of Rolf?", "Who is the keeper of Rolf?", "What is the shoe size of Bella?"];
    chat(&user, &[&lines[..], &["What is the weight of Bella?", "/why"]].concat());
    let table = ok(&user, &["kg", "gaps"]);
    let first = table.lines().next().unwrap();
    assert!(first.trim_start().starts_with("2  Rolf — keeper"), "the most asked first: {table}");
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(!table.contains("terminal") && table.contains("shoe size"), "{table}");
    assert_eq!(ok(&user, &["kg", "gaps", "--limit", "1"]).lines().count(), 1);
    assert!(ok(&user, &["kg", "gaps", "--since", "2999-01-01"]).contains("no question"));
    let refused = user.run(["kg", "gaps", "--since", "yesterday"]).unwrap();
    assert!(refused.code == Some(1) && refused.err.contains("2026-11-30"), "{refused:?}");

    let questions = ok(&user, &["kg", "gaps", "--format", "questions"]);
    let of_rolf: Vec<Value> = questions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(of_rolf.len(), 3, "{questions}");
    assert_eq!((&of_rolf[0]["topic"], &of_rolf[0]["answers"]), (&"Rolf".into(), &Value::Array(vec![])));

    // Filled in, the table is added; what is left empty is passed over.
    let template = ok(&user, &["kg", "gaps", "--format", "tsv"]);
    let filled = template.replace("https://zoo.example/keeper\t\t2", "https://zoo.example/keeper\tMina\t2");
    assert_ne!(filled, template, "{template}");
    user.write("filled.tsv", filled).unwrap();
    let added = ok(&user, &["kg", "add", "--file", "filled.tsv"]);
    assert!(added.contains("added:  Rolf — keeper — Mina") && added.contains("1 added"), "{added}");
    let said = chat(&user, &["Who is the keeper of Rolf?"]);
    assert!(said.contains("Mina"), "{said}");
}
