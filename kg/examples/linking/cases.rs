//! Questions with the entity that each is about. In: data sets as published. Out: texts, the entity's id, where its name stands.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;

use flate2::read::GzDecoder;
use xxhash_rust::xxh3::xxh3_64;

use super::Failure;

/// A question whose entity is known.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) text: String,
    /// The id of the entity that it is about.
    pub(crate) gold: String,
    /// Where its name stands.
    pub(crate) range: Range<usize>,
}

impl Case {
    /// The question with another spelling of the name.
    pub(crate) fn respelt(&self, name: &str) -> Self {
        let Range { start, end } = self.range;
        let text = format!("{}{name}{}", &self.text[..start], &self.text[end..]);
        Self { text, gold: self.gold.clone(), range: start..start + name.len() }
    }

    /// The question changed as a whole; `None` where that moves the name.
    pub(crate) fn changed(&self, change: impl Fn(&str) -> String) -> Option<Self> {
        let before = change(&self.text[..self.range.start]);
        let name = change(&self.text[self.range.clone()]);
        let text = before.clone() + &name + &change(&self.text[self.range.end..]);
        Some(Self { text, gold: self.gold.clone(), range: before.len()..before.len() + name.len() })
    }
}

/// Rows of subject, predicate, object.
pub(crate) struct Facts(pub(crate) Vec<[String; 3]>);

impl Facts {
    pub(crate) fn rows(&self) -> impl Iterator<Item = [&str; 3]> {
        self.0.iter().map(|row| row.each_ref().map(String::as_str))
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        for line in lines(path)? {
            let line = line?;
            let cells: Vec<&str> = line.split('\t').collect();
            if let [subject, predicate, object] = cells[..] {
                rows.push([subject, predicate, object].map(str::to_owned));
            }
        }
        Ok(Self(rows))
    }
}

/// The questions of a file of JSON objects with `question`, an optional `relation`, and `answers` or `answer`. The data does
/// not name the subject: it is the longest name in the question that is the subject of a fact with that relation and an
/// answer. Also says how many questions have none.
pub(crate) fn questions(path: &Path, facts: &Facts) -> Result<(Vec<Case>, usize), Failure> {
    let mut by_fact: HashMap<(&str, &str), Vec<&str>> = HashMap::new();
    for [subject, relation, object] in facts.rows() {
        by_fact.entry((relation, object)).or_default().push(subject);
        by_fact.entry(("", object)).or_default().push(subject);
    }
    let (mut cases, mut skipped) = (Vec::new(), 0);
    for line in lines(path)? {
        let record: serde_json::Value = serde_json::from_str(&line?)?;
        let question = record["question"].as_str().unwrap_or_default();
        let relation = record["relation"].as_str().unwrap_or_default();
        let answers = record["answers"].as_array().into_iter().flatten().chain(record.get("answer"));
        let answers = answers.filter_map(|answer| answer.as_str());
        let subjects = answers.flat_map(|answer| by_fact.get(&(relation, answer))).flatten();
        let places = subjects.filter_map(|subject| Some((*subject, place(question, subject)?)));
        match places.max_by_key(|(subject, _)| subject.len()) {
            Some((gold, range)) => {
                cases.push(Case { text: question.to_owned(), gold: gold.to_owned(), range })
            }
            None => skipped += 1,
        }
    }
    Ok((cases, skipped))
}

/// Where the name stands in the text, ASCII capitals aside: the Chinese facts are in lower case.
fn place(text: &str, name: &str) -> Option<Range<usize>> {
    let found = text.find(name).or_else(|| text.to_ascii_lowercase().find(name))?;
    let range = found..found + name.len();
    text.get(range.clone())?;
    Some(range)
}

/// MetaQA's questions, which have their entity in brackets; the brackets are taken away.
pub(crate) fn bracketed(path: &Path) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for line in lines(path)? {
        let line = line?;
        let question = line.split('\t').next().unwrap_or_default();
        let parts = question.split_once('[').and_then(|(before, rest)| Some((before, rest.split_once(']')?)));
        if let Some((before, (gold, after))) = parts {
            let range = before.len()..before.len() + gold.len();
            cases.push(Case { text: format!("{before}{gold}{after}"), gold: gold.to_owned(), range });
        }
    }
    Ok(cases)
}

/// At most this many, chosen by hash, in their order.
pub(crate) fn sample(cases: Vec<Case>, most: usize) -> Vec<Case> {
    let mut hashes: Vec<u64> = cases.iter().map(|case| hash(&case.text)).collect();
    hashes.sort_unstable();
    let last = hashes.get(most.saturating_sub(1)).copied().unwrap_or(u64::MAX);
    cases.into_iter().filter(|case| hash(&case.text) <= last).collect()
}

/// The same in every run.
pub(crate) fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// The lines of a file that is packed with gzip.
pub(crate) fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>>, Failure> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(BufReader::new(GzDecoder::new(file)).lines())
}
