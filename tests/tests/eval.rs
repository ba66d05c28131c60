//! `loquat eval` on the real program: killed and gone on with, nothing is asked twice and nothing is missing; the report says what the
//! results say.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use loquat_tests::program::{User, binary};
use loquat_tests::root;
use serde_json::Value;

/// Enough that a run is still going on when it is killed.
const QUESTIONS: usize = 6000;

/// A user with the example's graph, and questions about it; every fifth is of something that the graph does not say.
fn asker() -> (User, Vec<String>) {
    let user = User::on_a_fresh_machine().unwrap();
    let capitals = [("Bhutan", "Thimphu"), ("France", "Paris"), ("Kenya", "Nairobi"), ("Peru", "Lima")];
    let mut lines = String::new();
    for n in 0..QUESTIONS {
        let (country, capital) = capitals[n % capitals.len()];
        let line = match n % 5 {
            0 => {
                serde_json::json!({"question": format!("Who is the {n}th dentist of {country}?"), "expect": "abstain", "category": "unknown"})
            }
            _ => {
                serde_json::json!({"question": format!("What is the capital of {country}?"), "answers": [capital],
                "relation": "capital", "topic": country, "category": "known"})
            }
        };
        lines.push_str(&format!("{line}\n"));
    }
    user.write("set.jsonl", lines).unwrap();
    let world = root().join("examples/world/loquat.toml");
    let arguments =
        ["--config", world.to_str().unwrap(), "eval", "set.jsonl", "--no-model", "--parallel", "4"];
    (user, arguments.map(str::to_owned).to_vec())
}

fn results(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("results.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The same, with a folder for the results.
fn into(arguments: &[String], folder: &str) -> Vec<String> {
    with(arguments, &["--output", folder])
}

fn with(arguments: &[String], more: &[&str]) -> Vec<String> {
    arguments.iter().cloned().chain(more.iter().map(|flag| (*flag).to_owned())).collect()
}

/// Starts the program, and kills it once it has kept more than `after` results.
fn kill_after(user: &User, arguments: &[String], folder: &Path, after: usize) {
    let mut running = user.command(binary().unwrap()).args(arguments).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        assert!(Instant::now() < until, "it keeps no results");
        assert!(running.try_wait().unwrap().is_none(), "it ended before it could be killed");
        let text = fs::read(folder.join("results.jsonl")).unwrap_or_default();
        if text.iter().filter(|byte| **byte == b'\n').count() > after {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    running.kill().unwrap();
    running.wait().unwrap();
}

fn report(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("report.json")).unwrap()).unwrap()
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_stopped() {
    let (user, arguments) = asker();
    let arguments = into(&arguments, "run");
    let folder: PathBuf = user.path("run");
    kill_after(&user, &arguments, &folder, 20);
    let before = results(&folder).len();
    assert!((21..QUESTIONS).contains(&before), "{before}");

    let taken = user.run(&arguments).unwrap();
    assert_eq!(taken.code, Some(1));
    assert!(taken.err.contains("--resume"), "{}", taken.err);
    let other = user.run(with(&arguments, &["--resume", "--hide-answers"])).unwrap();
    assert_eq!(other.code, Some(1));
    assert!(other.err.contains("of another run"), "{}", other.err);

    kill_after(&user, &with(&arguments, &["--resume"]), &folder, before + 20);
    let done = user.run(with(&arguments, &["--resume"])).unwrap();
    assert_eq!(done.code, Some(0), "{done:?}");
    let all = results(&folder);
    let ids: BTreeSet<&str> = all.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (QUESTIONS, QUESTIONS), "each is asked once");

    let report = report(&folder);
    let measures = &report["rows"][0]["measures"];
    assert_eq!((&measures["items"], &measures["unsupported"]), (&QUESTIONS.into(), &0.into()));
    assert_eq!(measures["right"], measures["graded"], "{}", done.out);
    assert!(done.out.contains("100.0 %"), "{}", done.out);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("unknown"));
}

#[test]
fn without_the_facts_it_abstains_and_an_answer_would_be_counted() {
    let (user, arguments) = asker();
    let arguments = with(&arguments, &["--limit", "60"]);
    let hidden = user.run(with(&into(&arguments, "run"), &["--hide-answers"])).unwrap();
    assert_eq!(hidden.code, Some(0), "{hidden:?}");
    let measures = report(&user.path("run"))["rows"][0]["measures"].clone();
    assert_eq!((&measures["right"], &measures["wrong"]), (&60.into(), &0.into()));
    assert_eq!(measures["in_text"], 0.0, "no answer stands in a reply");

    // The same questions with wrong answers expected: every one that is answered is counted as wrong.
    let wrong =
        fs::read_to_string(user.path("set.jsonl")).unwrap().replace("\"answers\":[\"", "\"answers\":[\"New ");
    user.write("set.jsonl", wrong).unwrap();
    let ran = user.run(into(&arguments, "other")).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let measures = report(&user.path("other"))["rows"][0]["measures"].clone();
    assert_eq!((&measures["wrong"], &measures["right"]), (&30.into(), &30.into()), "{}", ran.out);
    assert!(ran.out.contains("set, verified: 30"), "{}", ran.out);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_to_do() {
    let (user, arguments) = asker();
    user.write("set.jsonl", "{\"question\": \"a?\", \"anwsers\": []}\n").unwrap();
    let ran = user.run(&arguments).unwrap();
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("line 1") && ran.err.contains("anwsers"), "{}", ran.err);
    user.write("set.jsonl", "{\"question\": \"a?\"}\n").unwrap();
    let alone = user.run(with(&arguments, &["--mode", "model"])).unwrap();
    assert!(alone.err.contains("no model to measure alone"), "{}", alone.err);
    let with_models: Vec<String> = arguments.iter().filter(|flag| *flag != "--no-model").cloned().collect();
    let unknown = user.run(with(&with_models, &["--adapter", "nobody"])).unwrap();
    assert!(unknown.err.contains("`nobody`") && unknown.err.contains("adapters"), "{}", unknown.err);
}
