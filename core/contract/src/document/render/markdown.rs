//! A tree becomes Markdown. In: a tree in normal form. Out: CommonMark with tables, which reads back as the same tree.

mod line;

use self::line::line;
use crate::document::{Block, Document};

/// The longest number that starts an item.
const LAST_NUMBER: u64 = 999_999_999;

pub(super) fn render(tree: &Document) -> String {
    lines(tree, false).join("\n")
}

fn lines(tree: &Document, is_item: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut last: Option<&Block> = None;
    let mut is_second = false;
    for block in &tree.blocks {
        if let Some(last) = last
            && !(is_item && is_tight(last, block))
        {
            lines.push(String::new());
        }
        // A list right below one of its kind would continue it, had it the same marks.
        is_second =
            !is_second && last.is_some_and(|last| is_numbered(last) == is_numbered(block) && is_list(block));
        lines.extend(self::block(block, is_second));
        last = Some(block);
    }
    lines
}

fn is_list(block: &Block) -> bool {
    matches!(block, Block::List { .. })
}

fn is_numbered(block: &Block) -> Option<bool> {
    if let Block::List { start, .. } = block { Some(start.is_some()) } else { None }
}

/// Whether a list may follow without an empty line between; one that starts with another number than 1 may not.
fn is_tight(above: &Block, below: &Block) -> bool {
    matches!((above, below), (Block::Paragraph(_), Block::List { start: None | Some(1), .. }))
}

fn block(block: &Block, is_second: bool) -> Vec<String> {
    match block {
        Block::Paragraph(inlines) => line(inlines).split('\n').map(str::to_owned).collect(),
        Block::Heading(inlines) => vec![heading(&line(inlines))],
        Block::Code { language, text } => code(language, text),
        Block::List { start, items } => {
            let mut out = Vec::new();
            let first = start.map(|start| start.min(LAST_NUMBER.saturating_sub(items.len() as u64)));
            for (index, item) in (0u64..).zip(items) {
                let marker = match (first, is_second) {
                    (Some(first), false) => format!("{}. ", first + index),
                    (Some(first), true) => format!("{}) ", first + index),
                    (None, false) => "- ".to_owned(),
                    (None, true) => "* ".to_owned(),
                };
                let indent = " ".repeat(marker.len());
                for (index, line) in lines(item, true).into_iter().enumerate() {
                    out.push(match (index, line.is_empty()) {
                        (0, _) => format!("{marker}{line}"),
                        (_, true) => line,
                        (_, false) => format!("{indent}{line}"),
                    });
                }
            }
            out
        }
        Block::Quote(inner) => {
            let quoted = |line: String| if line.is_empty() { ">".to_owned() } else { format!("> {line}") };
            lines(inner, false).into_iter().map(quoted).collect()
        }
        Block::Table { header, rows } => {
            let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
            let cells = |row: &Vec<_>| row.iter().map(|cell: &Vec<_>| line::cell(cell)).collect::<Vec<_>>();
            let mut out = vec![row(cells(header)), row(vec!["---".to_owned(); header.len()])];
            out.extend(rows.iter().map(|cells_of| row(cells(cells_of))));
            out
        }
    }
}

/// A heading; hashes at its end would be taken for its frame.
fn heading(line: &str) -> String {
    let bare = line.trim_end_matches('#');
    let hashes = line.len() - bare.len();
    let is_frame = hashes > 0 && (bare.is_empty() || bare.ends_with(char::is_whitespace));
    if is_frame { format!("## {bare}\\{}", "#".repeat(hashes)) } else { format!("## {line}") }
}

fn code(language: &str, text: &str) -> Vec<String> {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    // A client that knows fences of three marks alone would show the rest as words.
    let text = if fence.len() > 3 { hushed(text) } else { text.to_owned() };
    let mut out = vec![format!("{fence}{language}")];
    out.extend(text.split('\n').map(str::to_owned));
    out.push(fence);
    out
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// With nobody called, in places where a backslash would be shown.
fn hushed(text: &str) -> String {
    super::guarded(text).replace("<@", "<\u{200b}@").replace("<#", "<\u{200b}#")
}
