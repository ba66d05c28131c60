//! The questions. In: the example bots' files and the sets' files. Out: questions, each with a graph that has its fact.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use loquat_contract::testing::MemoryGraph;
use loquat_contract::{Fact, Knowledge, Label, Language, Predicate};
use loquat_kg::{Graph, ImportOptions};
use xxhash_rust::xxh3::xxh3_64;

use super::Failure;

/// A question with the graph that answers it.
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) language: Language,
    /// The conversation that it belongs to; empty where it stands alone.
    pub(crate) dialogue: String,
    pub(crate) graph: Arc<dyn Knowledge>,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Example,
    EntityQuestions,
    Nlpcc,
}

/// A set: a graph's file and questions.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    facts: PathBuf,
    questions: PathBuf,
    form: Form,
}

/// Every set.
pub(crate) fn all(data: &Path) -> Vec<Set> {
    let examples = loquat_tests::root().join("examples");
    let example = |name: &'static str| Set {
        name,
        facts: examples.join(name).join(format!("{name}.ttl")),
        questions: examples.join(name).join("questions.tsv"),
        form: Form::Example,
    };
    let (entity, nlpcc) = (data.join("entityquestions"), data.join("nlpcc2016-kbqa"));
    vec![
        example("world"),
        example("shop"),
        Set {
            name: "entityquestions",
            facts: entity.join("facts.tsv.gz"),
            questions: entity.join("dev.jsonl.gz"),
            form: Form::EntityQuestions,
        },
        Set {
            name: "nlpcc",
            facts: nlpcc.join("facts.tsv.gz"),
            questions: nlpcc.join("train.jsonl.gz"),
            form: Form::Nlpcc,
        },
    ]
}

impl Set {
    /// A sample, the same each time, all of the examples'; `None` where the files are not there.
    pub(crate) fn questions(&self, sample: usize) -> Result<Option<Vec<Asked>>, Failure> {
        if !self.facts.is_file() || !self.questions.is_file() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let graph = Graph::open(folder.path())?;
        graph.import(&self.facts, &ImportOptions::default(), |_| {})?;
        let graph = Arc::new(graph);
        if self.form == Form::Example {
            // The store's folder has to outlive the questions; the program ends soon after.
            let _ = folder.keep();
            return Ok(Some(self.rows(&graph)?));
        }
        let subjects = if self.form == Form::Nlpcc { self.by_object()? } else { HashMap::new() };
        let mut lines = lines(&self.questions)?;
        lines.sort_by_key(|line| xxh3_64(line.as_bytes()));
        let asked = lines.iter().filter_map(|line| self.question(line, &graph, &subjects));
        Ok(Some(asked.take(sample).collect()))
    }

    /// The rows of an example's table.
    fn rows(&self, graph: &Arc<Graph>) -> Result<Vec<Asked>, Failure> {
        let row = |line: String| {
            let mut cells = line.split('\t').map(str::to_owned);
            let text = cells.next().unwrap_or_default();
            let has_han = text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
            let language = if has_han { Language::chinese() } else { Language::english() };
            let dialogue = cells.nth(2).unwrap_or_default();
            Asked { text, language, dialogue, graph: graph.clone() }
        };
        Ok(std::fs::read_to_string(&self.questions)?
            .lines()
            .skip(1)
            .map(|line| row(line.to_owned()))
            .collect())
    }

    /// A question of a set, where its subject and its relation can be told: the graph has a fact with the answer.
    fn question(
        &self,
        line: &str,
        graph: &Graph,
        by_object: &HashMap<String, Vec<(String, String)>>,
    ) -> Option<Asked> {
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = json["question"].as_str()?.to_owned();
        let (subject, relation, language) = if self.form == Form::Nlpcc {
            let answer = json["answer"].as_str()?;
            let held = by_object.get(answer)?.iter().filter(|(subject, _)| text.contains(subject.as_str()));
            let (subject, relation) = held.max_by_key(|(subject, _)| subject.len())?.clone();
            (subject, relation, Language::chinese())
        } else {
            let relation = json["relation"].as_str()?.to_owned();
            let subject = longest_subject(&text, graph, &relation)?;
            (subject, relation, Language::english())
        };
        let shown = graph.show(&subject, 200).into_iter().next()?;
        let (before, after) = text.split_once(&subject)?;
        let facts: Vec<Fact> =
            shown.facts.into_iter().map(|fact| asked_by(fact, &relation, [before, after])).collect();
        let has_relation = facts.iter().any(|fact| fact.predicate.label(&language) == relation);
        has_relation.then(|| Asked {
            text,
            language,
            dialogue: String::new(),
            graph: Arc::new(MemoryGraph::new(facts)),
        })
    }

    /// Subjects and relations by their object.
    fn by_object(&self) -> Result<HashMap<String, Vec<(String, String)>>, Failure> {
        let mut found: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for line in lines(&self.facts)? {
            if let [subject, relation, object] = line.split('\t').collect::<Vec<_>>()[..] {
                found.entry(object.to_owned()).or_default().push((subject.to_owned(), relation.to_owned()));
            }
        }
        Ok(found)
    }
}

/// The longest stretch of the question that is a subject with this relation.
fn longest_subject(text: &str, graph: &Graph, relation: &str) -> Option<String> {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let is_edge = |at: usize| {
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !(word(text[..at].chars().next_back()) && word(text[at..].chars().next()))
    };
    let edges: Vec<usize> = ends.into_iter().filter(|at| is_edge(*at)).collect();
    let mut stretches: Vec<&str> = Vec::new();
    for start in &edges {
        stretches.extend(edges.iter().filter(|end| *end > start).map(|end| &text[*start..*end]));
    }
    stretches.sort_by_key(|stretch| std::cmp::Reverse(stretch.len()));
    let has_relation = |name: &str| {
        let shown = graph.show(name, 200);
        let facts = shown.iter().flat_map(|shown| &shown.facts);
        let mut own = facts.filter(|fact| fact.subject.names().any(|own| own == name));
        own.any(|fact| fact.predicate.names().any(|label| label == relation))
    };
    stretches
        .into_iter()
        .find(|stretch| stretch.trim() == *stretch && has_relation(stretch))
        .map(str::to_owned)
}

/// The fact, whose relation is also called as the question asks for it.
fn asked_by(fact: Fact, relation: &str, words: [&str; 2]) -> Fact {
    if !fact.predicate.names().any(|name| name == relation) {
        return fact;
    }
    let aliases = words.iter().map(|words| words.trim_matches(|c: char| !c.is_alphanumeric()));
    let aliases = aliases.filter(|words| !words.is_empty()).map(Label::plain);
    let predicate = Predicate { aliases: aliases.collect(), ..(*fact.predicate).clone() };
    Fact { predicate: Arc::new(predicate), ..fact }
}

fn lines(path: &Path) -> Result<Vec<String>, Failure> {
    Ok(BufReader::new(GzDecoder::new(File::open(path)?)).lines().collect::<Result<_, _>>()?)
}
