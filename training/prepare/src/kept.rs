//! What was asked already. In: each question's outcome as soon as it is known. Out: the same after a run that was cut short, also where it
//! asks other questions too.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::asker::Fate;
use crate::case::Case;
use crate::error::PrepareError;
use crate::lines::{self, Lines};
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
    lines: Lines,
    pub(crate) known: HashMap<Question, Outcome>,
}

impl Kept {
    /// Opens the file, or begins it. One that was made of something else is refused.
    pub(crate) fn open(path: &Path, made_of: &str) -> Result<Self, PrepareError> {
        let mut known = HashMap::new();
        let mut is_new = true;
        let mut lines = Lines::open(path, |number, line| {
            if number == 1 {
                is_new = false;
                let head = serde_json::from_slice::<Head>(line).ok();
                return match head.is_some_and(|head| head.made_of == made_of) {
                    true => Ok(()),
                    false => Err(PrepareError::Stale { path: path.to_owned() }),
                };
            }
            let outcome: Outcome = lines::value(path, number, line)?;
            known.insert(outcome.question.clone(), outcome);
            Ok(())
        })?;
        if is_new {
            lines.push(&Head { made_of: made_of.to_owned() })?;
        }
        Ok(Self { lines, known })
    }

    /// Keeps an outcome.
    pub(crate) fn keep(&mut self, outcome: Outcome) -> Result<(), PrepareError> {
        self.lines.push(&outcome)?;
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
