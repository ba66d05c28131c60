//! Plain text to go on training on. In: files. Out: pieces, cut where paragraphs end, else where sentences do; neighbours stay together in the
//! split.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use unicode_segmentation::UnicodeSegmentation;

use crate::dice::{Dice, digest};
use crate::error::PrepareError;
use crate::example::{Example, Kind};
use crate::settings;

/// A piece of fewer characters teaches little.
const LEAST: usize = 40;

/// Neighbouring pieces of a file are in one part of the set, at most so many, and fewer where there would not be about `RUNS` such runs.
const RUN: usize = 16;
const RUNS: usize = 40;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The file, as seen from what the recipe names, and the place in it.
    pub id: String,
    /// What it belongs to: pieces of one unit are in the same part.
    pub unit: String,
    /// The text.
    pub text: String,
}

impl Piece {
    /// The same from a later sentence on.
    pub(crate) fn cropped(&self, dice: &mut Dice) -> Self {
        let has_words = |(_, sentence): &(usize, &str)| sentence.contains(char::is_alphanumeric);
        let starts: Vec<usize> =
            self.text.split_sentence_bound_indices().filter(has_words).map(|(at, _)| at).collect();
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
            entities: BTreeSet::from([self.unit.clone()]),
            group: None,
            question: None,
            answers: Vec::new(),
            unfinished: false,
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        collect(path, &name, &mut files)?;
    }
    let mut texts = Vec::new();
    for (name, path) in files {
        let text = std::fs::read_to_string(&path)
            .map_err(|source| PrepareError::Read { path: path.clone(), source })?;
        texts.push((name, pieces_of(&text, settings.characters)));
    }
    let all: usize = texts.iter().map(|(_, pieces)| pieces.len()).sum();
    let run = (all / RUNS).clamp(1, RUN);
    let named = |(name, pieces): (String, Vec<String>)| {
        pieces.into_iter().enumerate().map(move |(n, text)| Piece {
            id: format!("{name}#{n}"),
            unit: format!("{name}#{}", n / run * run),
            text,
        })
    };
    Ok(texts.into_iter().flat_map(named).collect())
}

/// The files of a path, by names that are the same wherever the recipe lies.
fn collect(path: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), PrepareError> {
    let read = |source| PrepareError::Read { path: path.to_owned(), source };
    if !path.is_dir() {
        files.push((name.to_owned(), path.to_owned()));
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(read)?.collect();
    let mut found: Vec<PathBuf> = entries.map_err(read)?.into_iter().map(|entry| entry.path()).collect();
    found.sort();
    for path in found {
        let is_text = path.extension().is_some_and(|ending| ending == "txt" || ending == "md");
        if path.is_dir() || is_text {
            let own = path.file_name().unwrap_or_default().to_string_lossy();
            collect(&path, &format!("{name}/{own}"), files)?;
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
    }

    #[test]
    fn crops_begin_with_a_sentence() {
        let paragraphs = ["Ann was here. Bob was not.", "Cid came late.", "Dot stayed at home. Eve slept."];
        let english = paragraphs.join("\n\n").repeat(4);
        let chinese = "第一段在这里。还有一句。\n\n第二段在这里。\n\n第三段也在。最后一句。".to_owned();
        for text in [english, chinese] {
            let piece = Piece { id: "a#0".into(), unit: "a#0".into(), text };
            let crops: BTreeSet<String> =
                (0..100).map(|seed| piece.cropped(&mut Dice::new(seed, "", "")).text).collect();
            assert!(crops.len() > 2, "{crops:?}");
            for crop in crops {
                let before = piece.text.strip_suffix(&crop).unwrap().trim_end();
                assert!(before.is_empty() || before.ends_with(['.', '。']), "{crop}");
                assert!(!crop.starts_with(char::is_whitespace), "{crop:?}");
            }
        }
    }

    #[test]
    fn neighbouring_pieces_stay_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.txt");
        let paragraph = |n: usize| {
            format!(
                "Paragraph {n} of this book has words enough to be a piece by itself, as {n} of them have."
            )
        };
        std::fs::write(&path, (0..400).map(|n| paragraph(n) + "\n\n").collect::<String>()).unwrap();
        let pieces = read(&settings::Text { files: vec![path], characters: 100 }).unwrap();
        assert_eq!(pieces.len(), 400);
        let units: BTreeSet<&String> = pieces.iter().map(|piece| &piece.unit).collect();
        assert_eq!(units.len(), RUNS);
        assert!(pieces[..10].iter().all(|piece| piece.unit == "book.txt#0"));
    }

    #[test]
    fn folders_are_gone_through_for_texts() {
        let folder = tempfile::tempdir().unwrap();
        let long = "This is a text that is long enough to teach something to somebody.";
        std::fs::create_dir_all(folder.path().join("texts/sub")).unwrap();
        std::fs::write(folder.path().join("texts/b.md"), long).unwrap();
        std::fs::write(folder.path().join("texts/sub/a.txt"), long.replace("text", "note")).unwrap();
        std::fs::write(folder.path().join("texts/c.png"), [0xff, 0xfe]).unwrap();
        let settings = |files| settings::Text { files, characters: 500 };
        let read_in = |folder: &Path| read(&settings(vec![folder.join("texts")])).unwrap();
        let pieces = read_in(folder.path());
        assert_eq!(
            pieces.iter().map(|piece| &*piece.id).collect::<Vec<_>>(),
            ["texts/b.md#0", "texts/sub/a.txt#0"]
        );
        // Wherever the recipe lies, the same text has the same name.
        let other = tempfile::tempdir().unwrap();
        std::fs::rename(folder.path().join("texts"), other.path().join("texts")).unwrap();
        assert_eq!(read_in(other.path()), pieces);
        let missing = read(&settings(vec![folder.path().join("none.txt")])).unwrap_err().to_string();
        assert!(missing.contains("none.txt") && missing.contains("[prepare]"), "{missing}");
    }
}
