//! The sets of questions. In: their files. Out: a deterministic sample of questions with their answers.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use xxhash_rust::xxh3::xxh3_64;

use super::Failure;

/// A question with its answers' names.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) answers: Vec<String>,
    /// What it is about, where the data says so.
    pub(crate) topic: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    EntityQuestions,
    MetaQa,
    Nlpcc,
}

/// A set: a graph and questions.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) facts: PathBuf,
    questions: PathBuf,
    form: Form,
    /// Which half of the questions; `None` takes all.
    half: Option<u64>,
}

/// Every set, to learn from or to report.
pub(crate) fn all(data: &Path, tuning: bool) -> Vec<Set> {
    let half = Some(u64::from(tuning));
    let entity = data.join("entityquestions");
    let questions = entity.join(if tuning { "train.jsonl.gz" } else { "dev.jsonl.gz" });
    let name = if tuning { "EntityQuestions train" } else { "EntityQuestions dev" }.to_owned();
    let mut sets = vec![Set {
        name,
        facts: entity.join("facts.tsv.gz"),
        questions,
        form: Form::EntityQuestions,
        half: None,
    }];
    let metaqa = data.join("metaqa");
    sets.extend((1..=3).map(|hops| Set {
        name: format!("MetaQA {hops}-hop"),
        facts: metaqa.join("kb.tsv.gz"),
        questions: metaqa.join(format!("{hops}-hop-dev.tsv.gz")),
        form: Form::MetaQa,
        half,
    }));
    let nlpcc = data.join("nlpcc2016-kbqa");
    sets.push(Set {
        name: "NLPCC 2016".to_owned(),
        facts: nlpcc.join("facts.tsv.gz"),
        questions: nlpcc.join("train.jsonl.gz"),
        form: Form::Nlpcc,
        half,
    });
    sets
}

impl Set {
    /// A sample, the same each time; `None` where the files are not there.
    pub(crate) fn questions(&self, sample: usize) -> Result<Option<Vec<Question>>, Failure> {
        if !self.facts.is_file() || !self.questions.is_file() {
            return Ok(None);
        }
        let lines = BufReader::new(GzDecoder::new(File::open(&self.questions)?)).lines();
        let mut lines = lines.collect::<Result<Vec<String>, _>>()?;
        lines.retain(|line| self.half.is_none_or(|half| xxh3_64(line.as_bytes()) % 2 == half));
        lines.sort_by_key(|line| xxh3_64(line.as_bytes()) / 2);
        lines.iter().take(sample).map(|line| self.question(line)).collect::<Result<_, _>>().map(Some)
    }

    fn question(&self, line: &str) -> Result<Question, Failure> {
        if self.form == Form::MetaQa {
            let (text, answers) = line.split_once('\t').ok_or("a line without a tab")?;
            let topic = text
                .split_once('[')
                .and_then(|(_, rest)| rest.split_once(']'))
                .map(|(name, _)| name.to_owned());
            let answers = answers.split('|').map(str::to_owned).collect();
            return Ok(Question { text: text.replace(['[', ']'], ""), answers, topic });
        }
        let json: serde_json::Value = serde_json::from_str(line)?;
        let text = json["question"].as_str().ok_or("a line without a question")?.to_owned();
        let answers = match &json["answers"] {
            serde_json::Value::Array(all) => {
                all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
            }
            _ => json["answer"].as_str().map(str::to_owned).into_iter().collect(),
        };
        Ok(Question { text, answers, topic: None })
    }
}

/// A name without regard to case and spaces.
pub(crate) fn plain(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
