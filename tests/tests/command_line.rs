//! The program as its user meets it: every command, its output, its exit code.
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::BTreeSet;
use std::fs;

use loquat_tests::program::User;
use serde_json::Value;

/// A graph of one fact, which the tests change.
fn zoo(weight: u32) -> String {
    format!(
        r#"@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix loquat: <https://loquat.example/ns#> .
@prefix zoo: <https://zoo.example/> .
<https://zoo.example/graph> a loquat:Graph ; <http://purl.org/dc/terms/source> "keepers' notebook" .
zoo:weight a rdf:Property ; rdfs:label "weight"@en ; loquat:unit "kg" ;
    loquat:template "The weight of {{subject}} is {{object}}."@en .
zoo:bella rdfs:label "Bella"@en ; zoo:weight {weight} .
"#
    )
}

const ZOO: &str = "[bot]\nname = \"Zoo\"\n[graph]\nsources = [\"zoo.ttl\"]\n";

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

fn is_digest(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[test]
fn an_answer_has_its_sources_and_as_json_everything_behind_it() {
    let user = User::new().unwrap();
    let ran = user.run(["ask", "What is the capital of Bhutan?"]).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (answer, source) = ran.out.split_once('\n').unwrap();
    assert!(answer.contains("Thimphu") && answer.ends_with("[1]"), "{answer}");
    assert!(source.trim_start().starts_with("[1] Bhutan — capital — Thimphu (World countries"), "{source}");
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "no colours outside a terminal");

    let question = "What is the capital of Bhutan?";
    let reply = user.ask(question).unwrap();
    let expected = [
        "answer",
        "language",
        "outcome",
        "sentences",
        "citations",
        "entities",
        "values",
        "policy",
        "model",
        "graph",
        "seed",
        "timings_ms",
        "tokens",
    ];
    assert_eq!(keys(&reply), BTreeSet::from(expected));
    assert_eq!((&reply["language"], &reply["outcome"]), (&"en".into(), &"answered".into()));
    assert_eq!((&reply["policy"], &reply["seed"]), (&"strict".into(), &0.into()));
    let sentence = &reply["sentences"][0];
    assert_eq!(keys(sentence), BTreeSet::from(["text", "verdict", "facts", "spans", "wording"]));
    assert_eq!(sentence["verdict"], "supported");
    let wordings: [Value; 3] = ["model", "constrained", "template"].map(Into::into);
    assert!(wordings.contains(&sentence["wording"]), "{sentence}");
    let text = sentence["text"].as_str().unwrap();
    let spans = sentence["spans"].as_array().unwrap().iter();
    let supported: BTreeSet<&str> = spans
        .map(|span| {
            assert_eq!(keys(span), BTreeSet::from(["fact", "start", "end"]));
            assert_eq!(span["fact"], sentence["facts"][0]);
            &text[span["start"].as_u64().unwrap() as usize..span["end"].as_u64().unwrap() as usize]
        })
        .collect();
    assert_eq!(supported, BTreeSet::from(["capital", "Bhutan", "Thimphu"]), "{sentence}");
    assert_eq!(sentence["text"], reply["answer"]);
    let citation = &reply["citations"][0];
    let of_citation = ["id", "entity", "subject", "predicate", "object", "source", "since"];
    assert_eq!(keys(citation), BTreeSet::from(of_citation));
    assert!((1..=reply["graph"].as_u64().unwrap()).contains(&citation["since"].as_u64().unwrap()));
    assert_eq!(sentence["facts"][0], citation["id"]);
    assert_eq!(
        [&citation["subject"], &citation["predicate"], &citation["object"]],
        ["Bhutan", "capital", "Thimphu"]
    );
    let entity = &reply["entities"][0];
    assert_eq!(keys(entity), BTreeSet::from(["text", "start", "end", "id", "label", "score"]));
    assert_eq!((&citation["entity"], &reply["values"]), (&entity["id"], &serde_json::json!(["Thimphu"])));
    let place = |key: &str| entity[key].as_u64().unwrap() as usize;
    assert_eq!(&question[place("start")..place("end")], "Bhutan");
    assert!((0.0..=1.0).contains(&entity["score"].as_f64().unwrap()));
    assert!(reply["model"]["name"].is_string() && is_digest(&reply["model"]["sha256"]), "{}", reply["model"]);
    assert!(reply["graph"].as_u64().unwrap() > 0);
    let times = &reply["timings_ms"];
    assert_eq!(keys(times), BTreeSet::from(["link", "ground", "first_token", "total"]));
    assert!(times["first_token"].as_f64().unwrap() < times["total"].as_f64().unwrap());
    assert!(
        reply["tokens"]["prompt"].as_u64().unwrap() > 0
            && reply["tokens"]["completion"].as_u64().unwrap() > 0
    );

    let chinese = user.ask("不丹的首都是什么?").unwrap();
    assert_eq!((&chinese["language"], &chinese["outcome"]), (&"zh".into(), &"answered".into()));
    assert_eq!(chinese["citations"][0]["id"], citation["id"]);

    // The same question, model, graph and seed give the same words (invariant 6).
    assert_eq!(user.ask(question).unwrap()["answer"], reply["answer"]);
}

#[test]
fn what_the_graph_does_not_say_is_not_answered() {
    let user = User::new().unwrap();
    for question in ["What is the population of Atlantis?", "Who won the 2031 world cup?"] {
        let reply = user.ask(question).unwrap();
        assert_eq!(reply["outcome"], "abstained", "{reply}");
        assert_eq!(reply["citations"], Value::Array(vec![]));
        assert!(reply["answer"].as_str().unwrap().contains("don't know"), "{reply}");
    }
    let empty = user.run(["ask", " "]).unwrap();
    assert_eq!((empty.code, empty.out.as_str()), (Some(1), ""));
    assert!(empty.err.contains("empty"), "{}", empty.err);
}

#[test]
fn a_piped_chat_follows_up() {
    let user = User::new().unwrap();
    let ran = user.pipe("What is the capital of Bhutan?\nAnd its currency?\n", ["chat"]).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (first, second) = ran.out.split_once("\n\n").and_then(|(_, rest)| rest.split_once("\n\n")).unwrap();
    assert!(first.contains("Bhutan — capital — Thimphu"), "{}", ran.out);
    assert!(second.contains("ngultrum") && second.contains("Bhutan — currency"), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "no colours outside a terminal");
}

#[test]
fn graphs_are_imported_from_every_format_and_bad_lines_are_listed() {
    let user = User::new().unwrap();
    user.write("loquat.toml", ZOO).unwrap();
    user.write("zoo.ttl", zoo(3900)).unwrap();
    user.write("more.tsv", "Bella\tfavourite food\thay\n").unwrap();
    user.write("more.ttl", "@prefix zoo: <https://zoo.example/> .\nzoo:rolf zoo:weight 12 .\n").unwrap();
    user.write(
        "more.nt",
        "<https://zoo.example/mia> <https://zoo.example/friend> <https://zoo.example/bella> .\n",
    )
    .unwrap();
    let ran = user.run(["kg", "import", "more.tsv", "more.ttl", "more.nt"]).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out.lines().filter(|line| line.contains(" 1 new facts ")).count(), 3, "{}", ran.out);

    // Ten bad lines among good ones.
    let mut table = String::new();
    for number in 1..=30 {
        let bad = number % 3 == 0;
        table += &if bad { format!("row {number} alone\n") } else { format!("row {number}\tkind\tgood\n") };
    }
    user.write("rows.tsv", table).unwrap();
    let ran = user.run(["kg", "import", "rows.tsv"]).unwrap();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("20 new facts") && ran.out.contains("10 lines left out"), "{}", ran.out);
    let listed: Vec<&str> = ran.err.lines().filter_map(|line| line.trim().strip_prefix("line ")).collect();
    let numbers: Vec<u32> =
        listed.iter().map(|line| line.split(':').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (1..=10).map(|n| n * 3).collect::<Vec<u32>>(), "{}", ran.err);

    let stats = user.run(["kg", "stats"]).unwrap();
    assert!(stats.out.lines().any(|line| line.split_whitespace().eq(["facts", "24"])), "{}", stats.out);
    for file in ["zoo.ttl", "more.tsv", "more.ttl", "more.nt", "rows.tsv"] {
        assert!(stats.out.contains(file), "{}", stats.out);
    }
    let link = user.run(["kg", "link", "How heavy is Bella?"]).unwrap();
    assert!(
        link.out.contains("Bella (13–18)") && link.out.contains("https://zoo.example/bella"),
        "{}",
        link.out
    );
    let show = user.run(["kg", "show", "https://zoo.example/bella"]).unwrap();
    assert!(show.out.contains("Bella — weight — 3900 kg"), "{}", show.out);
    let nobody = user.run(["kg", "show", "Nobody"]).unwrap();
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.out.contains("not in the graph"), "{}", nobody.out);

    let missing = user.run(["kg", "import", "nowhere.ttl"]).unwrap();
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("nowhere.ttl could not be read"), "{}", missing.err);
    let unknown = user.run(["kg", "import", "loquat.toml"]).unwrap();
    assert!(unknown.code == Some(1) && unknown.err.contains(".tsv or .csv"), "{}", unknown.err);
}

#[test]
fn a_changed_fact_changes_the_next_answer_and_imported_files_stay() {
    let user = User::new().unwrap();
    user.write("loquat.toml", ZOO).unwrap();
    user.write("zoo.ttl", zoo(3900)).unwrap();
    user.write("more.tsv", "Rolf\tkeeper\tMina\n").unwrap();
    let weight = || user.ask("What is the weight of Bella?").unwrap();
    assert_eq!(weight()["citations"][0]["object"], "3900 kg");
    assert_eq!(user.run(["kg", "import", "more.tsv"]).unwrap().code, Some(0));

    user.write("zoo.ttl", zoo(4100)).unwrap();
    let reply = weight();
    assert_eq!(reply["citations"][0]["object"], "4100 kg");
    assert!(!reply["answer"].as_str().unwrap().contains("3900"), "{reply}");
    let old = user.run(["kg", "show", "Bella"]).unwrap().out;
    assert!(old.contains("4100") && !old.contains("3900"), "{old}");
    assert!(user.run(["kg", "show", "Rolf"]).unwrap().out.contains("Rolf — keeper — Mina"));

    fs::remove_file(user.path("zoo.ttl")).unwrap();
    let missing = user.run(["ask", "What is the weight of Bella?"]).unwrap();
    assert_eq!((missing.code, missing.out.as_str()), (Some(1), ""));
    assert!(missing.err.contains("zoo.ttl") && missing.err.contains("graph.sources"), "{}", missing.err);
    let doctor = user.run(["doctor"]).unwrap();
    assert_eq!(doctor.code, Some(1));
    let line = doctor.out.lines().find(|line| line.contains("zoo.ttl")).unwrap();
    assert!(
        line.starts_with("problem") && doctor.out.contains("→ correct `graph.sources`"),
        "{}",
        doctor.out
    );
}

#[test]
fn configs_are_printed_checked_and_keep_their_secrets() {
    let user = User::on_a_fresh_machine().unwrap();
    let sample = user.run(["config", "sample"]).unwrap();
    assert_eq!(sample.code, Some(0));
    user.write("sample.toml", &sample.out).unwrap();
    let shown = user.run(["--config", "sample.toml", "config", "show"]).unwrap();
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.out.contains("sample.toml") && shown.out.contains("port = 8080"), "{}", shown.out);

    user.write("loquat.toml", "[hub]\ntoken = \"in-the-file\"\n").unwrap();
    let user = user.with("LOQUAT_CONNECTORS__WEB__TOKEN", "in-the-environment");
    let shown = user.run(["--verbose", "config", "show"]).unwrap();
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert_eq!(shown.out.matches("token = \"[redacted]\"").count(), 2, "{}", shown.out);
    assert!(!format!("{shown:?}").contains("in-the-"), "{shown:?}");

    user.write("wrong.toml", "[bot]\npolcy = \"strict\"\n").unwrap();
    let wrong = user.run(["--config", "wrong.toml", "ask", "Hello"]).unwrap();
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
    for part in ["wrong.toml", "`polcy`", "did you mean `policy`?"] {
        assert!(wrong.err.contains(part), "{}", wrong.err);
    }
    let missing = user.run(["--config", "nowhere.toml", "config", "show"]).unwrap();
    assert_eq!(missing.code, Some(2));
    assert!(
        missing.err.contains("nowhere.toml") && missing.err.contains("loquat config sample"),
        "{}",
        missing.err
    );
    let doctor = user.run(["--config", "wrong.toml", "doctor"]).unwrap();
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.out.starts_with("problem config") && doctor.out.contains("`policy`"), "{}", doctor.out);
}

#[test]
fn help_completions_and_a_check_up_come_without_fetching() {
    let user = User::on_a_fresh_machine().unwrap();
    let help = user.run(["--help"]).unwrap();
    assert_eq!(help.code, Some(0));
    for command in ["serve", "chat", "ask", "kg", "model", "config", "doctor", "completions"] {
        assert!(help.out.contains(command), "{}", help.out);
        let own = user.run([command, "--help"]).unwrap();
        assert!(own.code == Some(0) && own.out.contains("Usage:"), "{own:?}");
    }
    assert!(help.out.contains("Examples:") && help.out.contains("Exit codes:"), "{}", help.out);
    for arguments in [vec!["ask"], vec!["kg", "import"], vec!["model", "import-gguf"]] {
        let own = user.run([arguments.as_slice(), &["--help"]].concat()).unwrap();
        assert!(own.out.contains("Example"), "{}", own.out);
    }
    let usage = user.run(["asks"]).unwrap();
    assert!(usage.code == Some(2) && usage.err.contains("'ask'"), "{}", usage.err);

    let script = user.run(["completions", "bash"]).unwrap();
    assert!(script.code == Some(0) && script.out.contains("complete -F _loquat"), "{}", script.err);

    let doctor = user.run(["doctor"]).unwrap();
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    for check in ["config", "runtime library", "graph", "journal", "web chat", "tokens"] {
        let line = doctor.out.lines().find(|line| line.get(8..).is_some_and(|line| line.starts_with(check)));
        assert!(
            line.is_some_and(|line| line.starts_with("ok ") || line.starts_with("later ")),
            "{}",
            doctor.out
        );
    }
    assert!(!user.cache().exists(), "a check-up fetches nothing");
}

#[test]
fn providers_that_do_not_work_are_told_of_and_the_processor_takes_over() {
    let user = User::new().unwrap();
    let asked = ["--set", "runtime.library=cpu", "--set", "runtime.providers=tensorrt,cuda"];
    let doctor = user.run([&asked[..], &["doctor"]].concat()).unwrap();
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    for provider in ["TensorRT (GPU 0)", "CUDA (GPU 0)"] {
        assert!(doctor.out.contains(&format!("problem {provider}")), "{}", doctor.out);
    }
    assert!(doctor.out.contains("onnxruntime-gpu") && doctor.out.contains("on CPU"), "{}", doctor.out);
    let info = user.run([&asked[..], &["model", "info"]].concat()).unwrap();
    assert_eq!(info.code, Some(0), "{info:?}");
    assert!(info.out.contains("CPU") && info.out.contains("not used"), "{}", info.out);
    assert!(info.err.contains("runs on CPU"), "{}", info.err);
    let wrong = ["--set", "runtime.threads=2", "--set", "runtime.affinity=0,1", "doctor"];
    let doctor = user.run(wrong).unwrap();
    assert!(doctor.code == Some(1) && doctor.out.contains("affinity"), "{doctor:?}");
}

#[test]
fn models_are_told_of_and_damaged_files_leave_nothing_behind() {
    let user = User::new().unwrap();
    let doctor = user.run(["doctor"]).unwrap();
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    for check in ["runtime library", "providers", "model smollm2", "model minimind2"] {
        assert!(doctor.out.contains(&format!("ok      {check}")), "{}", doctor.out);
    }
    let info = user.run(["model", "info"]).unwrap();
    assert_eq!(info.code, Some(0), "{info:?}");
    for part in ["SmolLM2-135M-Instruct", "MiniMind2-Small", "SHA-256", "KV cache"] {
        assert!(info.out.contains(part), "{}", info.out);
    }
    let gguf = user.cache().join("smollm2-135m-instruct/0.1.2/SmolLM2-135M-Instruct.Q4_1.gguf");
    let info = user.run(["model".as_ref(), "info".as_ref(), gguf.as_os_str()]).unwrap();
    assert!(info.code == Some(0) && info.out.contains("llama"), "{info:?}");

    let whole = fs::read(&gguf).unwrap();
    user.write("cut.gguf", &whole[..whole.len() / 2]).unwrap();
    user.write("header.gguf", &whole[..1000]).unwrap();
    user.write("text.gguf", "no model at all").unwrap();
    for (file, problem) in [
        ("cut.gguf", "truncated or corrupt"),
        ("header.gguf", "truncated or corrupt"),
        ("text.gguf", "not a GGUF"),
    ] {
        let before = names(&user);
        let ran = user.run(["model", "import-gguf", file, "--output", "model"]).unwrap();
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
        assert!(ran.err.contains(file) && ran.err.contains(problem), "{}", ran.err);
        assert_eq!(names(&user), before, "nothing is left behind");
    }
}

/// What lies in the user's home folder.
fn names(user: &User) -> BTreeSet<String> {
    let entries = fs::read_dir(user.path("")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_key_is_shown_once_and_is_gone_when_it_is_revoked() {
    let user = User::new().unwrap();
    let made = user.run(["key", "new", "shop"]).unwrap();
    assert_eq!(made.code, Some(0), "{made:?}");
    let key = made.out.trim();
    assert!(key.starts_with("lq_") && key.len() == 46, "it alone is on standard output: {key}");
    assert_eq!(
        user.run(["key", "new", "ann", "--scope", "chat", "--scope", "operator"]).unwrap().code,
        Some(0)
    );
    let taken = user.run(["key", "new", "shop"]).unwrap();
    assert!(taken.code == Some(1) && taken.err.contains("loquat key revoke shop"), "{taken:?}");

    let list = user.run(["key", "list"]).unwrap().out;
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines[0][0], lines[0][1]), ("shop", "chat"));
    assert_eq!((lines[1][0], lines[1][1]), ("ann", "chat,operator"));
    assert!(!list.contains(key));

    assert_eq!(user.run(["key", "revoke", "shop"]).unwrap().code, Some(0));
    assert!(!user.run(["key", "list"]).unwrap().out.contains("shop"));
    assert_eq!(user.run(["key", "revoke", "shop"]).unwrap().code, Some(1));
    let wrong = user.run(["key", "new", "two", "--scope", "all"]).unwrap();
    assert!(wrong.code == Some(2) && wrong.err.contains("operator"), "{wrong:?}");
}
