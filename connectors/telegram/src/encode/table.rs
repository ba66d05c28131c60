//! A table becomes columns of one width. In: cells. Out: lines for a block of code, no longer than the plain text of the table.

use loquat_contract::{Block, Document, Format, Inline};
use unicode_width::UnicodeWidthStr;

/// The words of a line; a link with where it leads behind it, since no link is in code.
pub(super) fn words(inlines: &[Inline]) -> String {
    let mut out = String::new();
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) => out.push_str(text),
            Inline::Strong(inner) | Inline::Emphasis(inner) => out.push_str(&words(inner)),
            Inline::Link { url, label } => {
                let label = words(label);
                out.push_str(&label);
                if label != *url && url.strip_prefix("mailto:") != Some(&*label) {
                    out.push_str(&format!(" ({url})"));
                }
            }
            Inline::Mention(person) => out.push_str(&format!("@{}", person.name)),
            Inline::Citation(number) => out.push_str(&format!("[{number}]")),
            Inline::Break => out.push('\n'),
        }
    }
    out
}

/// A table with its columns one below the other.
pub(super) fn text(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> String {
    let row = |row: &[Vec<Inline>]| -> Vec<String> { row.iter().map(|cell| words(cell)).collect() };
    let all: Vec<Vec<String>> =
        [row(header)].into_iter().chain(rows.iter().map(|cells| row(cells))).collect();
    let mut widths = vec![0; header.len()];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let lines = all.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        let padded =
            cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width()))));
        padded.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    });
    let aligned = lines.collect::<Vec<_>>().join("\n");
    let table = Block::Table { header: header.to_vec(), rows: rows.to_vec() };
    let measured = Document { blocks: vec![table] }.render(Format::Plain);
    // The host counts widths in its own way, and cut the part by that.
    if units(&aligned) <= units(&measured) { aligned } else { measured }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
