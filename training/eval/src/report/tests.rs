//! A report of a few records, in each of its forms.

use loquat_contract::{Outcome, TokenCount, Verdict, Wording};

use super::*;
use crate::audit::{Finding, FindingKind};
use crate::grade::Graded;
use crate::item::Expect;
use crate::results::{SentSentence, TurnRecord};

fn record(id: &str, system: &str, relation: &str, is_right: bool, is_paraphrase: bool) -> Record {
    let turn = TurnRecord {
        said: "Is <b>it</b> | so?".to_owned(),
        expect: Expect::Answer,
        answers: vec!["Paris".to_owned()],
        reply: "It is.".to_owned(),
        language: "en".to_owned(),
        outcome: Some(Outcome::Answered),
        values: vec!["Paris".to_owned()],
        sentences: vec![SentSentence {
            text: "It is.".to_owned(),
            verdict: Verdict::Supported,
            wording: if is_right { Wording::Model } else { Wording::Template },
        }],
        cited: Vec::new(),
        linked: Vec::new(),
        graded: Graded {
            is_right: Some(is_right),
            is_answer: true,
            is_first: Some(is_right),
            is_in_values: Some(is_right),
            is_in_text: Some(is_right),
            ..Graded::default()
        },
        stage: (!is_right).then_some(Stage::WrongFact),
        findings: if is_right {
            Vec::new()
        } else {
            vec![Finding { sentence: 0, kind: FindingKind::ForeignName, what: "Lyon".to_owned() }]
        },
        milliseconds: 12.0,
        tokens: TokenCount { prompt: 100, completion: 10 },
        error: None,
    };
    Record {
        system: system.to_owned(),
        set: "capitals".to_owned(),
        id: id.to_owned(),
        language: "en".to_owned(),
        relation: Some(relation.to_owned()),
        hops: Some(1),
        category: None,
        is_paraphrase,
        turns: vec![turn],
    }
}

fn report() -> Report {
    let run = RunIdentity {
        systems: vec!["verified: tiny".to_owned(), "facts: tiny".to_owned()],
        graph: "5 facts".to_owned(),
        ..RunIdentity::default()
    };
    let records = [
        record("1", "facts", "capital", false, false),
        record("1", "verified", "capital", true, false),
        record("2", "verified", "capital", true, true),
        record("3", "verified", "spouse", false, true),
    ];
    Report::new("Some <test>", run, &records)
}

#[test]
fn rows_stand_by_system_and_phrasing() {
    let report = report();
    let rows: Vec<(&str, &str, Option<f64>)> = report
        .rows
        .iter()
        .map(|row| (row.system.as_str(), row.phrasing.as_str(), row.measures.accuracy))
        .collect();
    let expected = [
        ("verified", "template", Some(1.0)),
        ("verified", "paraphrase", Some(0.5)),
        ("facts", "all", Some(0.0)),
    ];
    assert_eq!(rows, expected);
    let measures = &report.rows[1].measures;
    assert_eq!(measures.hits_at_1, Some(0.5));
    assert_eq!((measures.unsupported, measures.sentences, measures.wrong), (1, 2, 1));
    assert_eq!(measures.own_words["en"].share(), Some(0.5));
    assert_eq!((measures.latency.p50, measures.prompt_tokens), (12.0, 100.0));
    let relations = report.breakdowns.iter().find(|breakdown| breakdown.by == "relation").unwrap();
    assert_eq!(relations.groups.len(), 2);
    assert_eq!(report.failures.iter().map(|failures| failures.count).sum::<usize>(), 2);
}

#[test]
fn each_form_says_the_same_and_no_question_becomes_a_mark() {
    let folder = tempfile::tempdir().unwrap();
    write_report(&report(), folder.path()).unwrap();
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let again: Report = serde_json::from_str(&text("report.json")).unwrap();
    assert_eq!(again, report());
    let (markdown, html) = (text("report.md"), text("report.html"));
    assert!(markdown.contains("| capitals | paraphrase | verified | 2 | 50.0 % |"), "{markdown}");
    assert!(markdown.contains("Is \\<b\\>it"), "{markdown}");
    assert!(html.contains("<title>Some &lt;test&gt;</title>") && !html.contains("<b>it"), "{html}");
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    assert!(html.contains("50.0 %") && html.contains("name from nowhere (Lyon)"));
    assert!(!html.contains("src=") && !html.contains("href="), "it loads nothing");
}
