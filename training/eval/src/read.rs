//! Question sets from files. In: a path and, where it is known, the format. Out: items. Must not know what is asked of them.

mod benchmarks;
mod own;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::item::Item;

/// What a set is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The project's own.
    Jsonl,
    /// EntityQuestions (Sciavolino et al. 2021).
    EntityQuestions,
    /// MetaQA (Zhang et al. 2018).
    MetaQa,
    /// NLPCC 2016 KBQA (Duan 2016).
    Nlpcc,
}

impl Format {
    /// Its name, which paraphrases name their set by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::EntityQuestions => "entityquestions",
            Self::MetaQa => "metaqa",
            Self::Nlpcc => "nlpcc",
        }
    }
}

/// The items of a set, named after its file, and the format that it is in.
///
/// # Errors
/// When the file cannot be read, or a line of it is not understood.
pub fn read(path: &Path, format: Option<Format>) -> Result<(Format, Vec<Item>), EvalError> {
    let file = |path: &Path| File::open(path).map_err(|source| EvalError::Read { path: path.into(), source });
    let is_packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
    let reader: Box<dyn Read> =
        if is_packed { Box::new(MultiGzDecoder::new(file(path)?)) } else { Box::new(file(path)?) };
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(reader).lines()) {
        let line = line.map_err(|source| EvalError::Read { path: path.into(), source })?;
        let line = line.trim_start_matches('\u{feff}').trim();
        let is_comment = line.starts_with('#') && !line.contains('\t') || line.starts_with("//");
        if !line.is_empty() && !is_comment {
            lines.push((number, line.to_owned()));
        }
    }
    let format = format.or_else(|| lines.first().and_then(|(_, first)| guess(first)));
    let format = format.ok_or_else(|| match lines.is_empty() {
        true => EvalError::Empty { path: path.into() },
        false => EvalError::Format { path: path.into() },
    })?;
    let set = name_of(path);
    let hops = hops_of(&set);
    let item = |line: &str| match format {
        Format::Jsonl => own::item(line),
        Format::EntityQuestions => benchmarks::entityquestions(line),
        Format::MetaQa => benchmarks::metaqa(line, hops),
        Format::Nlpcc => benchmarks::nlpcc(line),
    };
    let mut items = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        let at = |reason| EvalError::Line { path: path.into(), line: number, reason };
        let mut item: Item = item(&line).map_err(at)?;
        if item.id.is_empty() {
            item.id = format!("{set}:{number}");
        }
        item.set.clone_from(&set);
        items.push(item);
    }
    if format == Format::EntityQuestions {
        benchmarks::find_topics(&mut items);
    }
    let mut ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(EvalError::Line {
            path: path.into(),
            line: items.iter().rposition(|item| item.id == pair[0]).unwrap_or_default() + 1,
            reason: format!("the id {:?} is there twice; give each item its own", pair[0]),
        }),
        None if items.is_empty() => Err(EvalError::Empty { path: path.into() }),
        None => Ok((format, items)),
    }
}

/// The format that a line is in, by what it holds.
fn guess(line: &str) -> Option<Format> {
    let Ok(serde_json::Value::Object(keys)) = serde_json::from_str(line) else {
        return (line.contains('\t') && line.contains('[')).then_some(Format::MetaQa);
    };
    let only =
        |names: &[&str]| keys.len() == names.len() && names.iter().all(|name| keys.contains_key(*name));
    if only(&["relation", "question", "answers"]) {
        Some(Format::EntityQuestions)
    } else if only(&["question", "answer"]) {
        Some(Format::Nlpcc)
    } else if keys.contains_key("question") || keys.contains_key("turns") {
        Some(Format::Jsonl)
    } else {
        None
    }
}

/// A set's name: its folder, where that says more than the file, and the file without its endings.
fn name_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let stem = file.split('.').next().unwrap_or(&file).to_owned();
    let folder = path.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned());
    let says_little = |name: &str| {
        matches!(name, "dev" | "train" | "test" | "valid")
            || name.ends_with("-dev")
            || name.ends_with("-train")
    };
    match folder {
        Some(folder) if says_little(&stem) => format!("{folder}/{stem}"),
        _ => stem,
    }
}

/// `2` of `metaqa/2-hop-dev`.
fn hops_of(set: &str) -> Option<u8> {
    let before = set.split("-hop").next().filter(|before| before.len() < set.len())?;
    before.chars().next_back()?.to_digit(10).and_then(|hops| u8::try_from(hops).ok())
}

#[cfg(test)]
mod tests;
