//! Reads a part of a training set. In: `train.jsonl` or its like. Out: examples, or which line is wrong and why.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use loquat_prepare::{Example, Role};

/// Why a set cannot be learnt from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}; make the set with `loquat-train prepare`, or name its folder as `run.set`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no example.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no example.
    #[error("{} has no example; a line of it is like {}", path.display(), EXAMPLE)]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

const EXAMPLE: &str = r#"{"id": "1", "kind": "dialogue", "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}"#;

/// The examples of a file, one a line; empty lines are passed over.
///
/// # Errors
/// When the file cannot be read, a line is no example, or there is none.
pub fn read(path: &Path) -> Result<Vec<Example>, SetError> {
    let examples = lines(path)?;
    if examples.is_empty() {
        return Err(SetError::Empty { path: path.to_owned() });
    }
    Ok(examples)
}

/// The examples of a part that a set may lack; none where there is no such file, or it is empty.
///
/// # Errors
/// When it cannot be read, or a line is no example.
pub fn read_part(path: &Path) -> Result<Vec<Example>, SetError> {
    if path.exists() { lines(path) } else { Ok(Vec::new()) }
}

fn lines(path: &Path) -> Result<Vec<Example>, SetError> {
    let unreadable = |source| SetError::Unreadable { path: path.to_owned(), source };
    let mut examples = Vec::new();
    for (line, text) in (1..).zip(BufReader::new(File::open(path).map_err(unreadable)?).lines()) {
        let text = text.map_err(unreadable)?;
        if text.trim().is_empty() {
            continue;
        }
        let wrong = |problem| SetError::Line { path: path.to_owned(), line, problem };
        let mut reader = serde_json::Deserializer::from_str(&text);
        let example: Example = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| wrong(format!("`{}`: {}", error.path(), error.inner())))?;
        reader.end().map_err(|error| wrong(error.to_string()))?;
        check(&example).map_err(wrong)?;
        examples.push(example);
    }
    Ok(examples)
}

/// What the form does not say.
fn check(example: &Example) -> Result<(), String> {
    match (&example.text, example.messages.as_slice()) {
        (Some(_), [_, ..]) => return Err("it has both `text` and `messages`; leave one out".to_owned()),
        (None, []) => return Err("it has neither `text` nor `messages`".to_owned()),
        (Some(_), []) => return Ok(()),
        (None, [_, ..]) => {}
    }
    for (at, message) in example.messages.iter().enumerate() {
        if message.weight.is_some_and(|weight| weight > 1) {
            return Err(format!("`messages[{at}].weight` has to be 0 (read) or 1 (learnt)"));
        }
    }
    if !example.messages.iter().any(|message| message.role == Role::Assistant) {
        return Err("no message is the assistant's, so there is nothing to learn".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.jsonl");
        std::fs::write(&path, text).unwrap();
        match read(&path) {
            Ok(examples) => format!("{} examples", examples.len()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_part_may_be_empty_or_missing_but_not_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dev.jsonl");
        assert!(read_part(&path).unwrap().is_empty());
        std::fs::write(&path, "").unwrap();
        assert!(read_part(&path).unwrap().is_empty() && read(&path).is_err());
        std::fs::write(&path, "{").unwrap();
        assert!(read_part(&path).unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(told(&format!("{EXAMPLE}\n\n{EXAMPLE}\n")), "2 examples");
        let wrong = [
            ("{", "line 2"),
            (r#"{"id": "1", "kind": "dialogue"}"#, "neither `text` nor"),
            (r#"{"id": "1", "kind": "talk", "text": "x"}"#, "`kind`: unknown variant `talk`"),
            (r#"{"id": "1", "kind": "text", "text": "x", "colour": 1}"#, "unknown field `colour`"),
            (r#"{"id": "1", "kind": "text", "text": "x"} x"#, "trailing characters"),
            (
                r#"{"id": "1", "kind": "dialogue", "messages": [{"role": "user", "content": "a"}]}"#,
                "nothing to learn",
            ),
            (
                r#"{"id": "1", "kind": "dialogue", "messages": [{"role": "assistant", "content": "a", "weight": 2}]}"#,
                "`messages[0].weight`",
            ),
        ];
        for (line, what) in wrong {
            let told = told(&format!("{EXAMPLE}\n{line}\n"));
            assert!(told.contains("train.jsonl, line 2") && told.contains(what), "{told}");
        }
        assert!(told("\n").contains("has no example"));
        assert!(read(Path::new("/nowhere/train.jsonl")).unwrap_err().to_string().contains("prepare"));
    }
}
