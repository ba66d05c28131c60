//! A tree becomes the Markdown of chats. In: a tree in normal form. Out: Markdown without what chats do not show.

use super::{markdown, plain};
use crate::document::{Block, Document, Inline};

pub(super) fn render(tree: &Document) -> String {
    let mut out = String::new();
    let mut is_quoted = false;
    for (index, line) in markdown::render(&adapted(tree)).split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        // A mark without its space ends the quote.
        is_quoted = line.starts_with("> ") || is_quoted && line == ">";
        out.push_str(if is_quoted && line == ">" { "> " } else { line });
    }
    out
}

fn adapted(tree: &Document) -> Document {
    Document { blocks: tree.blocks.iter().map(block).collect() }
}

/// An item. Quotes inside of lists are not shown as such, so their words stand there without a frame.
fn item(tree: &Document) -> Document {
    let blocks = tree.blocks.iter().flat_map(|block| match block {
        Block::Quote(inner) => item(inner).blocks,
        other => vec![self::block(other)],
    });
    Document { blocks: blocks.collect() }
}

fn block(block: &Block) -> Block {
    match block {
        Block::Table { header, rows } => {
            Block::Code { language: String::new(), text: unfenced(&plain::table(header, rows)) }
        }
        Block::Code { language, text } => {
            let is_known = language.chars().all(|c| c.is_ascii_alphanumeric() || "_+-.#".contains(c));
            Block::Code {
                language: if is_known { language.clone() } else { String::new() },
                text: unfenced(text),
            }
        }
        Block::List { start, items } => {
            Block::List { start: *start, items: items.iter().map(item).collect() }
        }
        Block::Quote(inner) => Block::Quote(adapted(inner)),
        Block::Paragraph(inlines) => Block::Paragraph(line(inlines)),
        Block::Heading(inlines) => Block::Heading(line(inlines)),
    }
}

/// With no bracket in the address of a link, where some clients see its end.
fn line(inlines: &[Inline]) -> Vec<Inline> {
    let inline = |inline: &Inline| match inline {
        Inline::Link { url, label } => {
            Inline::Link { url: url.replace('(', "%28").replace(')', "%29"), label: label.clone() }
        }
        Inline::Strong(inner) => Inline::Strong(line(inner)),
        Inline::Emphasis(inner) => Inline::Emphasis(line(inner)),
        other => other.clone(),
    };
    inlines.iter().map(inline).collect()
}

/// Without three backticks in a row, which would end the fence.
fn unfenced(text: &str) -> String {
    text.replace("```", "`\u{200b}`\u{200b}`")
}
