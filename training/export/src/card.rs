//! The model card of an export: `README.md` with the header that model hubs read. In: what is known of a model. Out: Markdown. What is not
//! known is said to be so; it must not measure anything. How good the answers are is known last: it is put into the card that is there.
//!
//! Mitchell et al., "Model Cards for Model Reporting", 2019.

use std::path::Path;

use crate::error::{ExportError, Result};
use crate::folder::{FileEntry, Manifest};

/// The file's name in a model folder.
pub const CARD_FILE: &str = "README.md";
/// Lines around the evaluation, which are not seen where the card is rendered: what is between them can be replaced.
const BEGIN: &str = "<!-- evaluation: written by loquat-train eval -->\n";
const END: &str = "<!-- end of the evaluation -->\n";

/// What a card says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Card {
    /// What the model is called.
    pub name: String,
    /// What it was trained from.
    pub base: String,
    /// The licence of the model, as hubs name it (`apache-2.0`).
    pub licence: Option<String>,
    /// The languages that it was trained on, as ISO 639-1 codes.
    pub languages: Vec<String>,
    /// What it was trained on: a name, and what is known of it, its licence among it.
    pub data: Vec<(String, String)>,
    /// Tables of numbers: a title, names of columns, rows.
    pub tables: Vec<Table>,
    /// How good the answers are, which [`evaluate_card`] replaces; none where nothing will be known of it.
    pub evaluation: Option<Table>,
    /// What was not measured, in words.
    pub missing: Vec<String>,
    /// The recipe, as TOML.
    pub recipe: String,
}

/// Numbers with a title.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What they are.
    pub title: String,
    /// What is said above them.
    pub note: String,
    /// The names of the columns; none where there is only the note.
    pub columns: Vec<String>,
    /// The rows, as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

impl Card {
    /// The card of the model folder that `manifest` describes.
    #[must_use]
    pub fn markdown(&self, manifest: &Manifest) -> String {
        let mut out = self.header();
        let line = |out: &mut String, text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        line(&mut out, &format!("\n# {}\n", self.name));
        let adapters = if manifest.adapters { ", with inputs for LoRA adapters" } else { "" };
        let stored = format!("Weights are stored as {}{adapters}.", manifest.quantisation);
        line(&mut out, &format!("Trained from {} with Loquat, for ONNX Runtime. {stored}", self.base));
        line(&mut out, "\n## Data\n");
        if self.data.is_empty() {
            line(&mut out, "Nothing is recorded of the data.");
        }
        for (name, about) in &self.data {
            line(&mut out, &format!("- **{name}**: {about}"));
        }
        for table in &self.tables {
            out.push_str(&table.markdown());
        }
        if let Some(evaluation) = &self.evaluation {
            out.push('\n');
            out.push_str(&between(evaluation));
        }
        if !self.missing.is_empty() {
            line(&mut out, "\n## Not measured\n");
        }
        for missing in &self.missing {
            line(&mut out, &format!("- {missing}"));
        }
        line(&mut out, "\n## Recipe\n");
        // A fence longer than any within.
        let fence = "`".repeat(3 + longest_run(&self.recipe, '`'));
        line(&mut out, &format!("{fence}toml\n{}\n{fence}", self.recipe.trim_end()));
        line(&mut out, "\n## Files\n");
        line(&mut out, &format!("Model: `{}` (SHA-256 over graph and weights).", manifest.model_sha256));
        let source = &manifest.source;
        line(&mut out, &format!("Made from `{}`, SHA-256 `{}`.\n", source.file, source.sha256));
        line(&mut out, "| file | bytes | SHA-256 |\n|---|---:|---|");
        for FileEntry { name, bytes, sha256 } in &manifest.files {
            line(&mut out, &format!("| {name} | {bytes} | `{sha256}` |"));
        }
        out
    }

    /// The YAML between lines of `---`.
    fn header(&self) -> String {
        let mut lines = vec!["---".to_owned()];
        lines.extend(self.licence.as_ref().map(|licence| format!("license: {}", quoted(licence))));
        if !self.languages.is_empty() {
            lines.push("language:".to_owned());
            lines.extend(self.languages.iter().map(|language| format!("- {}", quoted(language))));
        }
        lines.push(format!("base_model: {}", quoted(&self.base)));
        let fixed = [
            "library_name: onnxruntime",
            "pipeline_tag: text-generation",
            "tags:",
            "- onnx",
            "- loquat",
            "---",
        ];
        lines.extend(fixed.map(str::to_owned));
        lines.join("\n") + "\n"
    }
}

/// Puts an evaluation into the card of a model folder, in the place of the one that is there, and the card's new hash into the folder's manifest. Says
/// whether it did: a card without the two lines that an export puts around its evaluation is somebody else's and stays as it is.
///
/// # Errors
/// [`ExportError::Io`] when a file cannot be read or written, [`ExportError::Json`] when the manifest is malformed.
pub fn evaluate_card(folder: &Path, evaluation: &Table) -> Result<bool> {
    let path = folder.join(CARD_FILE);
    let (Some(mut manifest), true) = (Manifest::read(folder)?, path.exists()) else { return Ok(false) };
    let card = std::fs::read_to_string(&path).map_err(ExportError::io("read", &path))?;
    let Some(card) = replaced(&card, evaluation) else { return Ok(false) };
    manifest.replace(folder, CARD_FILE, card.as_bytes())?;
    Ok(true)
}

/// A card with another evaluation.
fn replaced(card: &str, evaluation: &Table) -> Option<String> {
    let (before, rest) = card.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{}{after}", between(evaluation)))
}

fn between(evaluation: &Table) -> String {
    format!("{BEGIN}{}\n{END}", evaluation.markdown())
}

impl Table {
    fn markdown(&self) -> String {
        let row = |cells: &[String]| {
            let cells = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut parts = vec![format!("## {}\n", self.title)];
        if !self.note.is_empty() {
            parts.push(format!("{}\n", self.note));
        }
        if !self.columns.is_empty() {
            let rule = format!("|{}\n", "---|".repeat(self.columns.len()));
            let rows = self.rows.iter().map(|cells| row(cells));
            parts.push([row(&self.columns), rule].into_iter().chain(rows).collect());
        }
        format!("\n{}", parts.join("\n"))
    }
}

/// A string that YAML reads as one, whatever is in it: its double-quoted form is JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{CARD_FILE, Card, Table, evaluate_card};
    use crate::folder::{FileEntry, MANIFEST_FILE, Manifest};

    fn manifest() -> Manifest {
        serde_json::from_value(serde_json::json!({
            "export_version": 2, "quantisation": "int8", "kv_cache": "shared", "model_sha256": "ab12",
            "source": { "file": "best", "bytes": 3, "sha256": "cd34" },
            "files": [{ "name": "model.onnx", "bytes": 7, "sha256": "ef56" }],
        }))
        .unwrap()
    }

    #[test]
    fn a_card_says_what_is_known_and_what_is_not() {
        let card = Card {
            name: "shop".into(),
            base: "SmolLM2: \"135M\"".into(),
            licence: Some("apache-2.0".into()),
            languages: vec!["en".into()],
            data: vec![("shop".into(), "120 examples, CC-BY 4.0".into())],
            tables: vec![Table {
                title: "Parity".into(),
                note: String::new(),
                columns: vec!["a|b".into(), "c".into()],
                rows: vec![vec!["1".into(), "2".into()]],
            }],
            evaluation: None,
            missing: vec!["grounded accuracy".into()],
            recipe: "name = \"shop\"\n# ```\n".into(),
        };
        let text = card.markdown(&manifest());
        let (header, rest) = text.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
        for line in ["license: \"apache-2.0\"", "base_model: \"SmolLM2: \\\"135M\\\"\"", "- \"en\""] {
            assert!(header.lines().any(|found| found == line), "{line} is not in {header}");
        }
        for part in [
            "# shop",
            "stored as int8.",
            "- **shop**: 120 examples",
            "| a\\|b | c |",
            "|---|---|",
            "- grounded accuracy",
            "````toml\nname",
            "`ab12`",
            "SHA-256 `cd34`",
            "| model.onnx | 7 | `ef56` |",
        ] {
            assert!(rest.contains(part), "{part} is not in {rest}");
        }
        let plain = Card { name: "x".into(), base: "y".into(), ..Card::default() }.markdown(&manifest());
        assert!(plain.contains("Nothing is recorded of the data.") && !plain.contains("## Not measured"));
    }

    #[test]
    fn an_evaluation_takes_the_place_of_the_one_before_and_of_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, path) = (folder.path(), folder.path().join(CARD_FILE));
        let table = |note: &str| Table {
            title: "Evaluation".into(),
            note: note.into(),
            columns: vec!["a".into()],
            rows: vec![vec!["1".into()]],
        };
        let mut manifest = manifest();
        manifest.files = vec![FileEntry { name: CARD_FILE.into(), bytes: 0, sha256: String::new() }];
        let with = |evaluation| {
            Card { name: "x".into(), base: "y".into(), evaluation, ..Card::default() }.markdown(&manifest)
        };
        // Cards without a folder of ours, without a card, and by others.
        assert!(!evaluate_card(folder, &table("later")).unwrap());
        std::fs::write(folder.join(MANIFEST_FILE), serde_json::to_string(&manifest).unwrap()).unwrap();
        assert!(!evaluate_card(folder, &table("later")).unwrap());
        let foreign = "# x\n\n## Evaluation\n\nBy hand.\n\n# Licence\n";
        std::fs::write(&path, foreign).unwrap();
        assert!(!evaluate_card(folder, &table("later")).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);

        let around = |card: String| format!("{card}\n{foreign}");
        let first = Table { title: "Evaluation".into(), note: "Not yet.".into(), ..Table::default() };
        std::fs::write(&path, around(with(Some(first)))).unwrap();
        for note in ["later", "later still"] {
            assert!(evaluate_card(folder, &table(note)).unwrap());
            let card = std::fs::read_to_string(&path).unwrap();
            assert_eq!(card, around(with(Some(table(note)))));
            let kept = Manifest::read(folder).unwrap().unwrap();
            assert_eq!(kept.verify(folder, true, &mut |_| ()).unwrap(), Vec::<String>::new());
        }
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 2);
    }
}
