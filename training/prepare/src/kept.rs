//! What was asked already. In: each question's outcome as soon as it is known. Out: the same after a run that was cut short, also where it
//! asks other questions too. The file is appended to, line by line; a last line that was cut off, at whatever byte, is asked again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::asker::Fate;
use crate::case::Case;
use crate::error::PrepareError;
use crate::question::Question;

#[derive(Serialize, Deserialize)]
struct Head {
    /// What the cases depend on.
    made_of: String,
}

/// The outcome of one question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) question: Question,
    pub(crate) fate: Fate,
    pub(crate) cases: Vec<Case>,
}

/// A file of outcomes.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    file: File,
    pub(crate) known: HashMap<Question, Outcome>,
}

impl Kept {
    /// Opens the file, or begins it. One that was made of something else is refused.
    pub(crate) fn open(path: &Path, made_of: &str) -> Result<Self, PrepareError> {
        let read = |source| PrepareError::Read { path: path.to_owned(), source };
        let write = |source| PrepareError::Write { path: path.to_owned(), source };
        let mut known = HashMap::new();
        // How many bytes of it are whole lines.
        let mut whole = 0;
        if path.exists() {
            let mut reader = BufReader::new(File::open(path).map_err(read)?);
            let mut line = Vec::new();
            let mut number = 0;
            while reader.read_until(b'\n', &mut line).map_err(read)? > 0 && line.ends_with(b"\n") {
                number += 1;
                if whole == 0 {
                    let head = serde_json::from_slice::<Head>(&line).ok();
                    if head.is_none_or(|head| head.made_of != made_of) {
                        return Err(PrepareError::Stale { path: path.to_owned() });
                    }
                } else {
                    let outcome: Outcome = serde_json::from_slice(&line).map_err(|source| {
                        PrepareError::Kept { path: path.to_owned(), line: number, source }
                    })?;
                    known.insert(outcome.question.clone(), outcome);
                }
                whole += line.len() as u64;
                line.clear();
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(write)?;
        file.set_len(whole).map_err(write)?;
        if whole == 0 {
            let head = serde_json::to_string(&Head { made_of: made_of.to_owned() });
            let head = head.map_err(|error| write(error.into()))?;
            writeln!(file, "{head}").map_err(write)?;
        }
        Ok(Self { path: path.to_owned(), file, known })
    }

    /// Keeps an outcome; when this returns, a run that is cut short does not lose it.
    pub(crate) fn keep(&mut self, outcome: Outcome) -> Result<(), PrepareError> {
        let write = |source| PrepareError::Write { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(&outcome).map_err(|error| write(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(write)?;
        self.known.insert(outcome.question.clone(), outcome);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_asked_again_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asked.jsonl");
        let question = |asked: &str| Question { turns: vec![asked.to_owned()], ..Question::default() };
        let outcome =
            |asked: &str| Outcome { question: question(asked), fate: Fate::NotAnswered, cases: vec![] };
        let mut kept = Kept::open(&path, "x").unwrap();
        kept.keep(outcome("a")).unwrap();
        let before = std::fs::metadata(&path).unwrap().len() as usize;
        kept.keep(outcome("首都是哪里？")).unwrap();
        drop(kept);
        let text = std::fs::read(&path).unwrap();
        // At each byte, also within a character.
        for end in before..text.len() {
            std::fs::write(&path, &text[..end]).unwrap();
            let kept = Kept::open(&path, "x").unwrap();
            assert_eq!(kept.known.keys().collect::<Vec<_>>(), [&question("a")], "cut at {end}");
        }
        let mut kept = Kept::open(&path, "x").unwrap();
        kept.keep(outcome("c")).unwrap();
        drop(kept);
        assert_eq!(Kept::open(&path, "x").unwrap().known.len(), 2);
        let refused = Kept::open(&path, "y").unwrap_err().to_string();
        assert!(refused.contains("asked.jsonl") && refused.contains("remove it"), "{refused}");
        // What is damaged before whole lines is no torn end.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("not_answered", "not_an", 1)).unwrap();
        let damaged = Kept::open(&path, "x").unwrap_err().to_string();
        assert!(damaged.contains("asked.jsonl:2"), "{damaged}");
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
