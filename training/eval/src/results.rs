//! Results as they come. In: records. Out: a file with a line for each, which an interrupted run goes on from. A line that was cut by a
//! stop is taken away; what it was about is asked again.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use loquat_contract::{Outcome, TokenCount, Verdict, Wording};
use serde::{Deserialize, Serialize};

use crate::audit::Finding;
use crate::error::EvalError;
use crate::grade::Graded;
use crate::item::Expect;
use crate::stage::Stage;

const RESULTS: &str = "results.jsonl";
const IDENTITY: &str = "run.json";

/// What a run is of. Results of another cannot be gone on with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// SHA-256 over the questions as they are asked.
    pub questions: String,
    /// The systems with their models, each `name: model SHA-256`.
    pub systems: Vec<String>,
    /// The graph and its generation.
    pub graph: String,
    /// Everything else that changes replies, such as the bot's seed.
    pub settings: String,
}

/// A sentence as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentSentence {
    /// The words.
    pub text: String,
    /// The reply's own verdict.
    pub verdict: Verdict,
    /// Whose words they are.
    pub wording: Wording,
}

/// What became of a turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TurnRecord {
    /// What was said.
    pub said: String,
    /// What was expected.
    pub expect: Expect,
    /// Accepted answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// What was replied; empty where the engine failed.
    pub reply: String,
    /// The reply's language.
    pub language: String,
    /// What kind of reply it is; `None` where the engine failed.
    pub outcome: Option<Outcome>,
    /// The values that it lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Its sentences.
    pub sentences: Vec<SentSentence>,
    /// What it cites, as `subject | predicate | object`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cited: Vec<String>,
    /// What its names were taken to mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<String>,
    /// How it compares with what was expected.
    pub graded: Graded,
    /// Where it went wrong, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// What the audit found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// From the question to the whole reply, in milliseconds; waiting for other questions that are asked at the same time included.
    pub milliseconds: f64,
    /// What it cost.
    pub tokens: TokenCount,
    /// Why the engine failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which system was asked.
    pub system: String,
    /// The set.
    pub set: String,
    /// The item.
    pub id: String,
    /// The item's language.
    pub language: String,
    /// The relation asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Facts between topic and answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<u8>,
    /// What kind of question or attack it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whether it stood in other words than its set has it in.
    pub is_paraphrase: bool,
    /// Its turns.
    pub turns: Vec<TurnRecord>,
}

impl Record {
    /// Whether all of its turns are right; `None` where nothing was expected of any.
    pub fn is_right(&self) -> Option<bool> {
        let mut graded = self.turns.iter().filter_map(|turn| turn.graded.is_right).peekable();
        graded.peek()?;
        Some(graded.all(|is_right| is_right))
    }
}

/// The results of a run, on disk.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    file: File,
    known: HashSet<(String, String, String)>,
    records: Vec<Record>,
}

impl Results {
    /// Opens `folder` for a run; with `resume`, goes on where an earlier one stopped.
    ///
    /// # Errors
    /// When it has results and `resume` was not asked for, or they are of another run, or it cannot be read or written.
    pub fn open(folder: &Path, identity: &RunIdentity, resume: bool) -> Result<Self, EvalError> {
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| EvalError::Write { path, source }
        };
        fs::create_dir_all(folder).map_err(write(folder))?;
        let (results, about) = (folder.join(RESULTS), folder.join(IDENTITY));
        let is_begun = results.exists() || about.exists();
        if is_begun && !resume {
            return Err(EvalError::Taken { path: folder.into() });
        }
        if about.exists() {
            let text = fs::read_to_string(&about)
                .map_err(|source| EvalError::Read { path: about.clone(), source })?;
            let was: RunIdentity = serde_json::from_str(&text)
                .map_err(|error| EvalError::Damaged { path: about.clone(), reason: error.to_string() })?;
            compare(folder, &was, identity)?;
        } else if results.exists() {
            let reason = format!("{IDENTITY} is missing");
            return Err(EvalError::Damaged { path: folder.into(), reason });
        } else {
            let text = serde_json::to_string_pretty(identity)
                .map_err(|error| EvalError::Damaged { path: about.clone(), reason: error.to_string() })?;
            // Written beside and moved, so that it is whole or not there.
            let beside = folder.join(format!("{IDENTITY}.new"));
            fs::write(&beside, text).and_then(|()| fs::rename(&beside, &about)).map_err(write(&about))?;
        }
        let records = read_back(&results)?;
        let file = OpenOptions::new().append(true).create(true).open(&results).map_err(write(&results))?;
        let known = records.iter().map(key).collect();
        Ok(Self { folder: folder.into(), file, known, records })
    }

    /// Whether an item has been asked already.
    pub fn has(&self, system: &str, set: &str, id: &str) -> bool {
        self.known.contains(&(system.to_owned(), set.to_owned(), id.to_owned()))
    }

    /// Keeps a record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&mut self, record: Record) -> Result<(), EvalError> {
        let write = |source: std::io::Error| EvalError::Write { path: self.folder.join(RESULTS), source };
        let mut line = serde_json::to_vec(&record).map_err(|error| write(error.into()))?;
        line.push(b'\n');
        // One call, so that a process that is killed leaves whole lines and one torn one at most.
        self.file.write_all(&line).map_err(write)?;
        self.known.insert(key(&record));
        self.records.push(record);
        Ok(())
    }

    /// All records so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn key(record: &Record) -> (String, String, String) {
    (record.system.clone(), record.set.clone(), record.id.clone())
}

fn compare(folder: &Path, was: &RunIdentity, is: &RunIdentity) -> Result<(), EvalError> {
    let parts = [
        ("the set of questions", was.questions.clone(), is.questions.clone()),
        ("the model or mode", was.systems.join("; "), is.systems.join("; ")),
        ("the graph", was.graph.clone(), is.graph.clone()),
        ("the bot's config", was.settings.clone(), is.settings.clone()),
    ];
    match parts.into_iter().find(|(_, was, is)| was != is) {
        Some((what, was, is)) => Err(EvalError::Differs { path: folder.into(), what, was, is }),
        None => Ok(()),
    }
}

/// The records of a file, which is cut behind the last whole line.
fn read_back(path: &Path) -> Result<Vec<Record>, EvalError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(EvalError::Read { path: path.into(), source }),
    };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut records = Vec::new();
    for (number, line) in (1..).zip(bytes[..whole].split(|byte| *byte == b'\n')) {
        if !line.is_empty() {
            let record = serde_json::from_slice(line).map_err(|error| EvalError::Damaged {
                path: path.into(),
                reason: format!("line {number}: {error}"),
            })?;
            records.push(record);
        }
    }
    if whole < bytes.len() {
        let cut = |source| EvalError::Write { path: path.into(), source };
        let mut file = OpenOptions::new().write(true).open(path).map_err(cut)?;
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(cut)?;
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> Record {
        Record {
            system: "verified".to_owned(),
            set: "set".to_owned(),
            id: id.to_owned(),
            language: "en".to_owned(),
            relation: None,
            hops: None,
            category: None,
            is_paraphrase: false,
            turns: Vec::new(),
        }
    }

    fn identity(graph: &str) -> RunIdentity {
        RunIdentity { graph: graph.to_owned(), ..RunIdentity::default() }
    }

    #[test]
    fn a_torn_line_is_cut_and_the_rest_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let mut results = Results::open(folder.path(), &identity("a"), false).unwrap();
        for id in ["1", "2"] {
            results.keep(record(id)).unwrap();
        }
        drop(results);
        let path = folder.path().join(RESULTS);
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 7);
        fs::write(&path, bytes).unwrap();
        let mut results = Results::open(folder.path(), &identity("a"), true).unwrap();
        assert!(results.has("verified", "set", "1") && !results.has("verified", "set", "2"));
        results.keep(record("2")).unwrap();
        drop(results);
        assert_eq!(Results::open(folder.path(), &identity("a"), true).unwrap().records().len(), 2);
    }

    #[test]
    fn results_of_another_run_are_neither_overwritten_nor_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        drop(Results::open(folder.path(), &identity("a"), true).unwrap());
        let taken = Results::open(folder.path(), &identity("a"), false).unwrap_err();
        assert!(taken.to_string().contains("--resume"));
        let differs = Results::open(folder.path(), &identity("b"), true).unwrap_err().to_string();
        assert!(differs.contains("the graph was a, and is now b"), "{differs}");
    }
}
