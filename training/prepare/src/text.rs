//! Plain text to go on training on. In: files. Out: pieces, cut where paragraphs end, else where sentences do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use unicode_segmentation::UnicodeSegmentation;

use crate::dice::{Dice, digest};
use crate::error::PrepareError;
use crate::example::{Example, Kind};
use crate::settings;

/// A piece of fewer characters teaches little.
const LEAST: usize = 40;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The file and the place in it.
    pub id: String,
    /// The text.
    pub text: String,
}

impl Piece {
    /// The same from a later sentence on.
    pub(crate) fn cropped(&self, dice: &mut Dice) -> Self {
        let starts: Vec<usize> = self
            .text
            .unicode_sentences()
            .scan(0, |at, sentence| Some(std::mem::replace(at, *at + sentence.len())))
            .collect();
        let latest = starts.len() / 2;
        let at = starts.get(dice.below(latest + 1)).copied().unwrap_or_default();
        Self { text: self.text.get(at..).unwrap_or(&self.text).to_owned(), ..self.clone() }
    }

    pub(crate) fn example(&self) -> Example {
        Example {
            id: format!("text-{:016x}", digest(0, "text", &format!("{}\n{}", self.id, self.text))),
            kind: Kind::Text,
            messages: Vec::new(),
            text: Some(self.text.clone()),
            entities: BTreeSet::from([self.id.clone()]),
            group: None,
            question: None,
            answers: Vec::new(),
        }
    }
}

/// Reads the files of the recipe, and those with the endings `.txt` and `.md` in its folders, in the order of their names.
///
/// # Errors
/// When one cannot be read, or is no UTF-8.
pub fn read(settings: &settings::Text) -> Result<Vec<Piece>, PrepareError> {
    let mut files = Vec::new();
    for path in &settings.files {
        collect(path, &mut files)?;
    }
    let mut pieces = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path)
            .map_err(|source| PrepareError::Read { path: path.clone(), source })?;
        let cut = pieces_of(&text, settings.characters);
        pieces.extend(
            cut.into_iter()
                .enumerate()
                .map(|(n, text)| Piece { id: format!("{}#{n}", path.display()), text }),
        );
    }
    Ok(pieces)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), PrepareError> {
    let read = |source| PrepareError::Read { path: path.to_owned(), source };
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(read)?.collect();
    let mut found: Vec<PathBuf> = entries.map_err(read)?.into_iter().map(|entry| entry.path()).collect();
    found.sort();
    for path in found {
        let is_text = path.extension().is_some_and(|ending| ending == "txt" || ending == "md");
        if path.is_dir() || is_text {
            collect(&path, files)?;
        }
    }
    Ok(())
}

/// Pieces of at most `characters`: whole paragraphs as long as they fit, else whole sentences, else what fits.
fn pieces_of(text: &str, characters: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    let mut length = 0;
    let mut add = |unit: &str, gap: &str| {
        let more = unit.chars().count();
        if length > 0 && length + more > characters {
            pieces.push(std::mem::take(&mut piece));
            length = 0;
        }
        if length > 0 {
            piece.push_str(gap);
        }
        piece.push_str(unit);
        length += more + gap.len();
    };
    for paragraph in text.replace("\r\n", "\n").split("\n\n").map(str::trim).filter(|p| !p.is_empty()) {
        if paragraph.chars().count() <= characters {
            add(paragraph, "\n\n");
            continue;
        }
        for sentence in paragraph.unicode_sentences() {
            let letters: Vec<char> = sentence.trim_end().chars().collect();
            for part in letters.chunks(characters) {
                add(&part.iter().collect::<String>(), " ");
            }
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| piece.chars().filter(|c| c.is_alphanumeric()).count() >= LEAST);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_it_ends_and_nothing_is_lost() {
        let paragraph =
            |n: usize| format!("Paragraph {n} has a sentence. It has another one, {}.", "and more".repeat(5));
        let text: String = (0..20).map(|n| paragraph(n) + "\r\n\r\n").collect();
        let pieces = pieces_of(&text, 300);
        assert!(pieces.iter().all(|piece| piece.chars().count() <= 300), "{pieces:?}");
        for n in 0..20 {
            assert_eq!(pieces.iter().filter(|piece| piece.contains(&paragraph(n))).count(), 1);
        }
        let long = "word ".repeat(400);
        assert!(pieces_of(&long, 300).iter().all(|piece| piece.chars().count() <= 300));
        assert_eq!(pieces_of("Too short.", 300), Vec::<String>::new());
        let piece = Piece { id: "a".into(), text: pieces[0].clone() };
        let cropped = piece.cropped(&mut Dice::new(4, "", ""));
        assert!(piece.text.ends_with(&cropped.text) && cropped.text.len() > LEAST);
    }

    #[test]
    fn folders_are_gone_through_for_texts() {
        let folder = tempfile::tempdir().unwrap();
        let long = "This is a text that is long enough to teach something to somebody.";
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("b.md"), long).unwrap();
        std::fs::write(folder.path().join("sub/a.txt"), long.replace("text", "note")).unwrap();
        std::fs::write(folder.path().join("c.png"), [0xff, 0xfe]).unwrap();
        let settings = |files| settings::Text { files, characters: 500 };
        assert_eq!(read(&settings(vec![folder.path().to_owned()])).unwrap().len(), 2);
        let missing = read(&settings(vec![folder.path().join("none.txt")])).unwrap_err().to_string();
        assert!(missing.contains("none.txt") && missing.contains("[prepare]"), "{missing}");
    }
}
