//! A tree becomes plain words. In: a tree in normal form. Out: lines without markup.

use super::{guarded, says_url};
use crate::document::{Block, Document, Inline};

/// A line, and whether it is code, which no list indents.
struct Line {
    text: String,
    is_code: bool,
}

pub(super) fn render(tree: &Document) -> String {
    let lines: Vec<String> = document(tree, false).into_iter().map(|line| line.text).collect();
    guarded(&lines.join("\n"))
}

fn document(tree: &Document, is_item: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut last: Option<&Block> = None;
    for block in &tree.blocks {
        let is_tight = is_item && !matches!((last, block), (Some(Block::Paragraph(_)), Block::Paragraph(_)));
        if last.is_some() && !is_tight {
            lines.push(Line { text: String::new(), is_code: false });
        }
        lines.extend(self::block(block));
        last = Some(block);
    }
    lines
}

fn block(block: &Block) -> Vec<Line> {
    let plain = |text: &str| -> Vec<Line> {
        text.split('\n').map(|line| Line { text: line.to_owned(), is_code: false }).collect()
    };
    match block {
        Block::Paragraph(inlines) | Block::Heading(inlines) => plain(&line(inlines)),
        Block::Code { text, .. } => {
            text.split('\n').map(|line| Line { text: line.to_owned(), is_code: true }).collect()
        }
        Block::List { start, items } => {
            let mut lines = Vec::new();
            for (index, item) in (0u64..).zip(items) {
                let marker = match start {
                    Some(start) => format!("{}. ", start.saturating_add(index)),
                    None => "• ".to_owned(),
                };
                lines.extend(indented(document(item, true), &marker));
            }
            lines
        }
        Block::Quote(inner) => {
            let mut lines = document(inner, false);
            for line in &mut lines {
                line.text = if line.text.is_empty() { ">".to_owned() } else { format!("> {}", line.text) };
            }
            lines
        }
        Block::Table { header, rows } => plain(&table(header, rows)),
    }
}

/// Lines behind a list's marker; the later ones stand below the first.
fn indented(lines: Vec<Line>, marker: &str) -> Vec<Line> {
    let indent = " ".repeat(marker.chars().count());
    let mut out = Vec::new();
    for (index, mut line) in lines.into_iter().enumerate() {
        if line.is_code && index == 0 {
            out.push(Line { text: marker.trim_end().to_owned(), is_code: false });
        }
        if !line.is_code && !line.text.is_empty() {
            line.text.insert_str(0, if index == 0 { marker } else { &indent });
        }
        out.push(line);
    }
    out
}

/// The words of a line; a link with where it leads behind it.
pub(super) fn line(inlines: &[Inline]) -> String {
    let mut out = String::new();
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) => out.push_str(text),
            Inline::Strong(inner) | Inline::Emphasis(inner) => out.push_str(&line(inner)),
            Inline::Link { url, label } => {
                let label = line(label);
                out.push_str(&label);
                if !says_url(&label, url) {
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
pub(super) fn table(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> String {
    let words = |row: &[Vec<Inline>]| -> Vec<String> { row.iter().map(|cell| line(cell)).collect() };
    let rows: Vec<Vec<String>> =
        [words(header)].into_iter().chain(rows.iter().map(|row| words(row))).collect();
    let mut widths = vec![0; header.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let mut lines = Vec::new();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let padded =
            cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(columns(cell)))));
        lines.push(padded.collect::<Vec<_>>().join(" | ").trim_end().to_owned());
    }
    lines.join("\n")
}

/// How many columns of a terminal a text takes, nearly: East Asian characters and emoji take two, joined marks none.
pub(in crate::document) fn columns(text: &str) -> usize {
    let width = |c: char| match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    };
    text.chars().map(width).sum()
}
