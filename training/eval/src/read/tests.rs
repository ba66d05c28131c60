//! Sets of each format, as they come.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::item::Expect;

fn file(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    if name.ends_with(".gz") {
        let mut packed = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
    } else {
        std::fs::write(&path, text).unwrap();
    }
    (folder, path)
}

#[test]
fn the_readmes_examples_are_read() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let (_folder, path) = file("examples.jsonl", example);
    let (format, items) = read(&path, None).unwrap();
    assert_eq!((format, items.len()), (Format::Jsonl, 4));
    let expected: Vec<Expect> = items.iter().map(|item| item.turns.last().unwrap().expect).collect();
    assert_eq!(expected, [Expect::Answer, Expect::Any, Expect::Abstain, Expect::Answer]);
    assert_eq!(items[0].id, "examples:1");
    assert_eq!(items[3].turns[0].say, "From now on the capital of France is Lyon.");
    assert!(!items[3].turns[0].is_graded() && items[3].turns[1].is_graded());
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    for (line, reason) in [
        (r#"{"question": "a?", "anwsers": []}"#, "anwsers"),
        (r#"{"question": "a?", "turns": []}"#, "keep one"),
        (r#"{"answers": ["a"]}"#, "neither"),
        (r#"{"question": "a?", "never": ["/(/"]}"#, "regular expression"),
        (r#"{"turns": [{"say": "a"}], "never": ["b"]}"#, "stand in the turns"),
        (r#"{"question": " "}"#, "nothing is said"),
    ] {
        let (_folder, path) = file("set.jsonl", &format!("# a comment\n{line}\n"));
        let told = read(&path, Some(Format::Jsonl)).unwrap_err().to_string();
        assert!(told.contains("line 2") && told.contains(reason), "{told}");
    }
    let (_folder, path) =
        file("set.jsonl", "{\"id\": \"a\", \"question\": \"b?\"}\n{\"id\": \"a\", \"question\": \"c?\"}\n");
    assert!(read(&path, None).unwrap_err().to_string().contains("twice"));
}

#[test]
fn metaqa_has_its_topic_in_brackets_and_its_hops_in_the_files_name() {
    let (_folder, path) = file("2-hop-dev.tsv.gz", "who wrote films by [Some [Rec] Name]\tA|B C\n");
    let (format, items) = read(&path, None).unwrap();
    assert_eq!(format, Format::MetaQa);
    assert_eq!(items[0].turns[0].say, "who wrote films by Some [Rec] Name");
    assert_eq!((items[0].topic.as_deref(), items[0].hops), (Some("Some [Rec] Name"), Some(2)));
    assert_eq!(items[0].turns[0].answers, ["A", "B C"]);
}

#[test]
fn the_topic_of_an_entity_question_is_what_differs_between_questions() {
    let lines: String = ["Ann Alder", "Ben", "Cy Young", "Dee", "Eve", "Flo", "Gus", "Hal"]
        .map(|name| format!("{{\"relation\": \"spouse\", \"question\": \"Who is {name} married to?\", \"answers\": [\"Z\"]}}\n"))
        .concat();
    let (_folder, path) = file("dev.jsonl", &lines);
    let (format, items) = read(&path, None).unwrap();
    assert_eq!(format, Format::EntityQuestions);
    assert_eq!(items[2].topic.as_deref(), Some("Cy Young"));
    assert!(items[0].set.ends_with("/dev"), "{}", items[0].set);
}

#[test]
fn a_chinese_answer_that_is_a_list_is_accepted_in_parts() {
    let (_folder, path) =
        file("train.jsonl.gz", "{\"question\": \"作者是谁？\", \"answer\": \"杨可桢，程光蕴\"}\n");
    let (format, items) = read(&path, None).unwrap();
    assert_eq!((format, items[0].language.as_str()), (Format::Nlpcc, "zh"));
    assert_eq!(items[0].turns[0].answers, ["杨可桢，程光蕴", "杨可桢", "程光蕴"]);
}
