//! Texts whose perplexity is taken. In: examples, and files of examples or of plain text. Out: texts, each behind the chat that it answers.

use std::path::Path;

use anyhow::{Context, bail};
use loquat_contract::ChatMessage;
use loquat_prepare::{Example, Role};

use super::{examples, said};

/// Pieces of plain text are cut at paragraphs to about so many characters.
const PIECE: usize = 1500;

/// A text that is judged, behind a chat where it is a reply.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands::eval) struct Text {
    pub(in crate::commands::eval) id: String,
    pub(in crate::commands::eval) chat: Vec<ChatMessage>,
    pub(in crate::commands::eval) text: String,
}

/// What is judged of an example: the last reply behind what was said before, or the text.
pub(super) fn judged(example: &Example) -> Option<Text> {
    let id = example.id.clone();
    if let Some(text) = &example.text {
        return Some(Text { id, chat: Vec::new(), text: text.clone() });
    }
    let (last, before) = example.messages.split_last()?;
    (last.role == Role::Assistant && last.weight != Some(0)).then(|| Text {
        id,
        chat: before.iter().map(said).collect(),
        text: last.content.clone(),
    })
}

/// The texts of a file: examples, or pieces of plain text. Each is named after the file and its place there.
pub(super) fn texts(path: &Path, name: &str) -> anyhow::Result<Vec<Text>> {
    let mut texts = if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl")) {
        if !path.is_file() {
            bail!("{} does not exist; correct `eval.general`", path.display());
        }
        examples(path)?.iter().filter_map(judged).collect()
    } else {
        let text = std::fs::read_to_string(path);
        pieces(&text.with_context(|| format!("{} cannot be read", path.display()))?)
    };
    for (number, text) in texts.iter_mut().enumerate() {
        text.id = format!("{name}/{}", number + 1);
    }
    Ok(texts)
}

fn pieces(text: &str) -> Vec<Text> {
    let mut pieces: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match pieces.last_mut().filter(|last| last.chars().count() < PIECE) {
            Some(last) => *last = format!("{last}\n\n{paragraph}"),
            None => pieces.push(paragraph.to_owned()),
        }
    }
    pieces.into_iter().map(|text| Text { id: String::new(), chat: Vec::new(), text }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_cut_at_paragraphs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let long = "word ".repeat(400);
        std::fs::write(&path, format!("one\n\ntwo\n\n{long}\n\nthree\n")).unwrap();
        let pieces = texts(&path, "a").unwrap();
        assert_eq!(pieces.len(), 2, "{pieces:?}");
        assert!(pieces[0].text.starts_with("one\n\ntwo") && pieces[1].text == "three");
        assert_eq!(pieces[1].id, "a/2");
        assert!(texts(&folder.path().join("gone.jsonl"), "gone").is_err());
    }
}
