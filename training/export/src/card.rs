//! The model card of an export: `README.md` with the header that model hubs read. In: what is known of a model. Out: Markdown. What is not
//! known is said to be so; it must not measure anything.
//!
//! Mitchell et al., "Model Cards for Model Reporting", 2019.

use std::fmt::Write as _;

use crate::folder::{FileEntry, Manifest};

/// The file's name in a model folder.
pub const CARD_FILE: &str = "README.md";

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
    /// The names of the columns.
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
        let mut out = "---\n".to_owned();
        // Writing to a String cannot fail.
        if let Some(licence) = &self.licence {
            let _ = writeln!(out, "license: {}", quoted(licence));
        }
        if !self.languages.is_empty() {
            let _ = writeln!(out, "language:");
            for language in &self.languages {
                let _ = writeln!(out, "- {}", quoted(language));
            }
        }
        let _ = writeln!(out, "base_model: {}", quoted(&self.base));
        let _ = writeln!(out, "library_name: onnxruntime\npipeline_tag: text-generation");
        let _ = writeln!(out, "tags:\n- onnx\n- loquat");
        out.push_str("---\n");
        out
    }
}

impl Table {
    fn markdown(&self) -> String {
        let mut out = format!("\n## {}\n\n", self.title);
        if !self.note.is_empty() {
            let _ = writeln!(out, "{}\n", self.note);
        }
        let row = |cells: &[String]| {
            let cells = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        out.push_str(&row(&self.columns));
        let _ = writeln!(out, "|{}", "---|".repeat(self.columns.len()));
        self.rows.iter().for_each(|cells| out.push_str(&row(cells)));
        out
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
    use super::{Card, Table};
    use crate::folder::Manifest;

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
}
