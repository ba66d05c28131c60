//! Imports files into a new graph and says how long things take.
//!
//! ```text
//! cargo run --release -p loquat-kg --example measure -- FILE… [--questions QUESTIONS.jsonl.gz --subjects FACTS.tsv.gz]
//! ```
//!
//! With questions (one JSON object a line, with `question`, `relation` and `answers`, as EntityQuestions has them) it also says
//! for how many the question's subject is linked: the subject is the one that has such a fact and
//! stands in the question. The data does not name it, so questions that do not spell a subject as the facts do are skipped, and the
//! share is of the others: it does not tell how well other spellings are found, or namesakes told apart.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use loquat_contract::Mention;
use loquat_kg::{Graph, ImportOptions};

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn main() -> Result<(), Failure> {
    let (mut files, mut questions, mut subjects) = (Vec::new(), None, None);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--questions") => questions = arguments.next().map(PathBuf::from),
            Some("--subjects") => subjects = arguments.next().map(PathBuf::from),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    let folder = tempfile::tempdir()?;
    let graph = Graph::open(folder.path())?;
    for file in &files {
        let start = Instant::now();
        let report = graph.import(file, &ImportOptions::default(), |_| {})?;
        let took = start.elapsed();
        let statements = report.facts + report.descriptions;
        println!(
            "{}: {} facts, {} descriptions, {} bad lines in {took:.2?}: {:.0} statements/s, with the new view",
            file.display(),
            report.facts,
            report.descriptions,
            report.bad,
            statements as f64 / took.as_secs_f64()
        );
    }
    drop(graph);
    let start = Instant::now();
    let graph = Graph::open(folder.path())?;
    let took = start.elapsed();
    let stats = graph.stats()?;
    println!(
        "open: {took:.2?} for {} entities, {} facts, {} bytes",
        stats.entities, stats.facts, stats.bytes
    );
    if let Some((questions, subjects)) = questions.zip(subjects) {
        measure_linking(&graph, &questions, &subjects)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the numbers are what the program is for")]
fn measure_linking(graph: &Graph, questions: &Path, subjects: &Path) -> Result<(), Failure> {
    let mut of_fact: HashMap<(String, String), Vec<String>> = HashMap::new();
    for line in lines(subjects)? {
        let line = line?;
        let cells: Vec<&str> = line.split('\t').collect();
        if let [subject, relation, object] = cells[..] {
            of_fact.entry((relation.to_owned(), object.to_owned())).or_default().push(subject.to_owned());
        }
    }
    let (mut asked, mut skipped, mut mentioned, mut first, mut extra) = (0, 0, 0, 0, 0);
    let mut times: Vec<Duration> = Vec::new();
    let mut misses = Vec::new();
    for line in lines(questions)? {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let question = record["question"].as_str().unwrap_or_default();
        let relation = record["relation"].as_str().unwrap_or_default();
        let answers = record["answers"].as_array().into_iter().flatten().filter_map(|answer| answer.as_str());
        let candidates =
            answers.flat_map(|answer| of_fact.get(&(relation.to_owned(), answer.to_owned()))).flatten();
        let Some(subject) = candidates.filter(|s| question.contains(s.as_str())).max_by_key(|s| s.len())
        else {
            skipped += 1;
            continue;
        };
        asked += 1;
        let start = Instant::now();
        let mentions = graph.mentions(question);
        times.push(start.elapsed());
        let any = |mention: &&Mention| mention.candidates.iter().any(|c| c.entity.id.as_str() == subject);
        match mentions.iter().find(any) {
            Some(mention) => {
                mentioned += 1;
                first += usize::from(mention.candidates[0].entity.id.as_str() == subject);
                extra += mentions.len() - 1;
            }
            None => misses.push(format!(
                "{subject:?} in {question:?}: {:?}",
                mentions.iter().map(|m| &m.text).collect::<Vec<_>>()
            )),
        }
    }
    times.sort();
    let share = |count: usize| 100.0 * count as f64 / asked as f64;
    println!(
        "linking {asked} questions: subject mentioned {:.1} %, as first candidate {:.1} %",
        share(mentioned),
        share(first)
    );
    println!("skipped, with no known subject in the question: {skipped}");
    println!("other mentions a question: {:.2}", extra as f64 / mentioned as f64);
    println!(
        "time: median {:.1?}, p99 {:.1?}, longest {:.1?}",
        times[asked / 2],
        times[asked * 99 / 100],
        times[asked - 1]
    );
    misses.iter().take(15).for_each(|miss| println!("missed {miss}"));
    Ok(())
}

fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>>, Failure> {
    Ok(BufReader::new(GzDecoder::new(File::open(path)?)).lines())
}
