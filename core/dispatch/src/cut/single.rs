//! A document for platforms whose messages are one line. In: blocks. Out: blocks of one line each; empty lines are gone.

use loquat_contract::{Block, Document, Inline};

use super::frame::row_line;
use super::line::Line;

pub(super) fn lines(blocks: Vec<Block>) -> Vec<Block> {
    blocks.into_iter().flat_map(block).collect()
}

fn block(block: Block) -> Vec<Block> {
    match block {
        Block::Paragraph(inlines) | Block::Heading(inlines) => {
            Line::new(&inlines, &|_| true).lines().into_iter().map(Block::Paragraph).collect()
        }
        Block::Code { language, text } => {
            let lines = text.split('\n').filter(|line| !line.trim().is_empty());
            lines.map(|line| Block::Code { language: language.clone(), text: line.to_owned() }).collect()
        }
        Block::List { start, items } => (0u64..)
            .zip(items)
            .flat_map(|(index, item)| {
                let number = start.map(|start| start.saturating_add(index));
                marked(item, &number.map_or_else(|| "• ".to_owned(), |number| format!("{number}. ")))
            })
            .collect(),
        Block::Quote(inner) => lines(inner.blocks).into_iter().map(|line| prefixed("> ", line)).collect(),
        Block::Table { header, rows } => {
            [header].iter().chain(&rows).map(|row| Block::Paragraph(row_line(row))).collect()
        }
    }
}

/// The lines of an item, the first behind its mark.
fn marked(item: Document, marker: &str) -> Vec<Block> {
    let mut lines = lines(item.blocks);
    match lines.first_mut() {
        Some(Block::Paragraph(line)) => line.insert(0, Inline::Text(marker.to_owned())),
        _ => lines.insert(0, Block::Paragraph(vec![Inline::Text(marker.to_owned())])),
    }
    lines
}

fn prefixed(prefix: &str, line: Block) -> Block {
    match line {
        Block::Paragraph(mut line) => {
            line.insert(0, Inline::Text(prefix.to_owned()));
            Block::Paragraph(line)
        }
        other => other,
    }
}
