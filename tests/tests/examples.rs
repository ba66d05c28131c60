//! The example bots on their real models: every question of `examples/*/questions.tsv` gets its fact, and so
//! does every row of the README's table.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say so at once")]

use loquat_contract::{Outcome, Reply, Verdict};
use loquat_tests::{ExampleBot, questions, root, says};

/// Whether the reply's values are those expected, the first of which stands behind `=`, in any order.
fn has_values(reply: &Reply, expected: &[String]) -> bool {
    let mut expected: Vec<&str> = expected.iter().map(|value| value.trim_start_matches('=')).collect();
    let mut values: Vec<&str> = reply.values.iter().map(String::as_str).collect();
    expected.sort_unstable();
    values.sort_unstable();
    expected == values
}

/// Asks every question of an example; each has to be answered with supported sentences that rest on the expected facts.
async fn ask_all(name: &str) {
    let bot = ExampleBot::open(name).unwrap();
    let mut failures = Vec::new();
    let all = questions(name).unwrap();
    for question in &all {
        let reply = bot.ask(&question.dialogue, &question.text).await.unwrap();
        let cited = bot.cited(&reply).unwrap();
        let is_cited = |expected: &String| {
            cited
                .iter()
                .any(|fact| fact.predicate.id.as_str().ends_with(&question.predicate) && says(fact, expected))
        };
        let is_supported = reply.sentences.iter().all(|sentence| sentence.verdict == Verdict::Supported);
        let is_answered = reply.outcome == Outcome::Answered && is_supported && !reply.citations.is_empty();
        let is_right = match question.expected[0].as_str() {
            "-" => reply.outcome == Outcome::Abstained && reply.citations.is_empty(),
            "?" => reply.outcome == Outcome::Clarified && reply.choices.len() > 1,
            first if first.starts_with('=') => is_answered && has_values(&reply, &question.expected),
            _ => is_answered && question.expected.iter().all(is_cited),
        };
        if !is_right {
            failures.push(format!(
                "{}\n    expected {:?}, got: {}",
                question.text, question.expected, reply.answer
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} failed:\n{}", failures.len(), all.len(), failures.join("\n"));
}

#[tokio::test]
async fn the_world_answers_its_questions() {
    ask_all("world").await;
}

#[tokio::test]
async fn the_shop_answers_its_questions() {
    ask_all("shop").await;
}

/// The rows of the README's table of questions: the question, and the facts that its answer shows.
fn demonstration() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("## Ten questions").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    rows.map(|row| (cells(row)[1].clone(), cells(row)[3].clone())).collect()
}

#[tokio::test]
async fn the_readme_shows_what_happens() {
    let bot = ExampleBot::open("world").unwrap();
    let rows = demonstration();
    assert_eq!(rows.len(), 10);
    for (question, facts) in rows {
        let reply = bot.ask("readme", &question).await.unwrap();
        if facts == "none" {
            assert_eq!(
                (reply.outcome, reply.citations.len()),
                (Outcome::Abstained, 0),
                "{question}: {}",
                reply.answer
            );
            continue;
        }
        assert!(reply.sentences.iter().all(|sentence| sentence.verdict == Verdict::Supported), "{question}");
        let cited: Vec<String> = reply
            .citations
            .iter()
            .map(|citation| format!("{} — {} — {}", citation.subject, citation.predicate, citation.object))
            .collect();
        let (listed, more) =
            facts.split_once(", and ").map_or((facts.as_str(), false), |(listed, _)| (listed, true));
        let listed: Vec<&str> = listed.split("; ").collect();
        let is_shown = if more {
            cited.starts_with(&listed.iter().map(ToString::to_string).collect::<Vec<_>>())
        } else {
            cited == listed
        };
        assert!(is_shown, "{question}: {cited:?} instead of {listed:?}");
    }
}
