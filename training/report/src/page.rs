//! A page of Markdown with its pictures. In: headings, tables, drawings. Out: a file, and beside it the drawings as SVG and PNG. Must not know
//! what it is about.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{ReportError, unwritten};
use crate::plot::png;

/// The folder of drawings, beside the page.
const PLOTS: &str = "plots";
/// Pixels for each unit of a drawing: sharp on screens of high resolution.
const SHARP: f32 = 2.0;

/// Rows under heads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What each column has.
    pub heads: Vec<String>,
    /// The rows, each as wide as the heads.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows yet.
    pub fn new(heads: &[&str]) -> Self {
        Self { heads: heads.iter().map(|&head| head.into()).collect(), rows: Vec::new() }
    }

    /// Comma-separated values with a line of heads (RFC 4180).
    pub fn csv(&self) -> String {
        let cell = |cell: &String| {
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
        [&self.heads].into_iter().chain(&self.rows).map(line).collect()
    }

    /// A table of GitHub's Markdown; columns that hold numbers alone are set to the right.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.heads.iter().map(|head| in_cell(head)).collect());
        let rule = |column| if self.is_of_numbers(column) { "--:" } else { "---" };
        text.push_str(&line((0..self.heads.len()).map(|column| rule(column).into()).collect()));
        for row in &self.rows {
            text.push_str(&line(row.iter().map(|cell| in_cell(cell)).collect()));
        }
        text
    }

    fn is_of_numbers(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(column)).peekable();
        cells.peek().is_some()
            && cells
                .all(|cell| cell.starts_with(|first: char| first.is_ascii_digit() || "–-+≤≥".contains(first)))
    }
}

/// A page that is being put together. Its drawings are written at once, the page by [`write`](Self::write).
#[derive(Debug)]
pub struct Page {
    folder: PathBuf,
    text: String,
}

impl Page {
    /// A page for a folder, which is made where it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: &Path, title: &str) -> Result<Self, ReportError> {
        fs::create_dir_all(folder).map_err(unwritten(folder))?;
        Ok(Self { folder: folder.to_owned(), text: format!("# {}\n", plain(title)) })
    }

    /// A heading below the title.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        self.put(format_args!("\n## {}\n", plain(text)))
    }

    /// Some words, in Markdown.
    pub fn words(&mut self, markdown: &str) -> &mut Self {
        self.put(format_args!("\n{markdown}\n"))
    }

    /// Names with what they are.
    pub fn facts<'a>(&mut self, facts: impl IntoIterator<Item = (&'a str, String)>) -> &mut Self {
        self.text.push('\n');
        for (name, what) in facts {
            self.put(format_args!("- {}: {}\n", plain(name), plain(&what)));
        }
        self
    }

    /// Text as it is, such as a recipe.
    pub fn listing(&mut self, language: &str, text: &str) -> &mut Self {
        // The fence has to be longer than any inside.
        let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        self.put(format_args!("\n{fence}{language}\n{}\n{fence}\n", text.trim_end()))
    }

    /// A table; nothing where it has no rows.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        if table.rows.is_empty() { self } else { self.put(format_args!("\n{}", table.markdown())) }
    }

    /// A drawing, which becomes `plots/NAME.svg` and `plots/NAME.png`; the page shows the SVG, which suits light and dark. The PNG's bytes come back.
    ///
    /// # Errors
    /// When it cannot be drawn or written.
    pub fn plot(&mut self, name: &str, title: &str, svg: &str) -> Result<Vec<u8>, ReportError> {
        let folder = self.folder.join(PLOTS);
        fs::create_dir_all(&folder).map_err(unwritten(&folder))?;
        let pixels = png(svg, SHARP)?;
        for (ending, bytes) in [("svg", svg.as_bytes()), ("png", pixels.as_slice())] {
            let path = folder.join(format!("{name}.{ending}"));
            fs::write(&path, bytes).map_err(unwritten(&path))?;
        }
        self.put(format_args!("\n![{}]({PLOTS}/{name}.svg)\n", plain(title)));
        Ok(pixels)
    }

    /// Writes the page into its folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str) -> Result<PathBuf, ReportError> {
        let path = self.folder.join(name);
        fs::write(&path, &self.text).map_err(unwritten(&path))?;
        Ok(path)
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) -> &mut Self {
        // Writing into a text cannot fail.
        let _ = self.text.write_fmt(what);
        self
    }
}

/// Text in which nothing is a mark of Markdown, in one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => plain.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' => plain.extend(['\\', letter]),
            _ => plain.push(letter),
        }
    }
    plain
}

/// A cell may have marks, such as code, but no ends of cells and rows.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests;
