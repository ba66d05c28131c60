//! A part as a rich message (Bot API 10.2), for what text cannot show well: tables. In: a document. Out: blocks as JSON, in which no words
//! can become markup. What it cannot say is left to text and entities.

use loquat_contract::{Block, Document, Inline, Part};
use serde_json::{Value, json};

/// The most columns of a table.
const COLUMNS: usize = 20;
/// The most blocks, rows and items of a message, with room for what is counted in other ways.
const BLOCKS: usize = 400;
/// How deep blocks may stand in one another.
const DEPTH: usize = 12;

/// The part as a rich message; `None` where it has no table, or something that a rich message does not take.
pub(crate) fn rich(part: &Part) -> Option<Value> {
    let tree = part.document.normalised();
    if !tree.blocks.iter().any(has_table) {
        return None;
    }
    let mut writer = Writer { left: BLOCKS };
    let blocks = writer.blocks(&tree, DEPTH)?;
    // Else Telegram makes mentions of words.
    Some(json!({ "blocks": blocks, "skip_entity_detection": true }))
}

fn has_table(block: &Block) -> bool {
    match block {
        Block::Table { header, .. } => header.len() <= COLUMNS,
        Block::List { items, .. } => items.iter().flat_map(|item| &item.blocks).any(has_table),
        Block::Quote(inner) => inner.blocks.iter().any(has_table),
        Block::Paragraph(_) | Block::Heading(_) | Block::Code { .. } => false,
    }
}

struct Writer {
    left: usize,
}

impl Writer {
    fn blocks(&mut self, tree: &Document, depth: usize) -> Option<Vec<Value>> {
        let depth = depth.checked_sub(1)?;
        tree.blocks.iter().map(|block| self.block(block, depth)).collect()
    }

    fn block(&mut self, block: &Block, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        Some(match block {
            Block::Paragraph(inlines) => json!({ "type": "paragraph", "text": text(inlines)? }),
            Block::Heading(inlines) => json!({ "type": "heading", "text": text(inlines)?, "size": 3 }),
            Block::Code { language, text } if language.is_empty() => json!({ "type": "pre", "text": text }),
            Block::Code { language, text } => json!({ "type": "pre", "text": text, "language": language }),
            Block::Quote(inner) => json!({ "type": "blockquote", "blocks": self.blocks(inner, depth)? }),
            Block::List { start, items } => {
                let mut list = Vec::new();
                for (index, item) in (0u64..).zip(items) {
                    self.left = self.left.checked_sub(1)?;
                    let blocks = self.blocks(item, depth)?;
                    list.push(match start {
                        Some(start) => {
                            json!({ "blocks": blocks, "type": "1", "value": start.saturating_add(index) })
                        }
                        None => json!({ "blocks": blocks }),
                    });
                }
                json!({ "type": "list", "items": list })
            }
            Block::Table { header, rows } => {
                self.left = self.left.checked_sub(rows.len() + 1)?;
                let mut cells = vec![row(header, true)?];
                for cells_of_row in rows {
                    cells.push(row(cells_of_row, false)?);
                }
                json!({ "type": "table", "cells": cells, "is_bordered": true })
            }
        })
    }
}

fn row(cells: &[Vec<Inline>], is_header: bool) -> Option<Value> {
    let cell = |inlines: &Vec<Inline>| {
        let mut cell = json!({ "text": text(inlines)?, "align": "left", "valign": "top" });
        if is_header {
            cell["is_header"] = Value::Bool(true);
        }
        Some(cell)
    };
    cells.iter().map(cell).collect()
}

/// Words with their styles; `None` where somebody is named, which rich messages do in another way.
fn text(inlines: &[Inline]) -> Option<Value> {
    let mut parts = Vec::new();
    for inline in inlines {
        parts.push(match inline {
            Inline::Text(text) => json!(text),
            Inline::Strong(inner) => json!({ "type": "bold", "text": text(inner)? }),
            Inline::Emphasis(inner) => json!({ "type": "italic", "text": text(inner)? }),
            Inline::Code(code) => json!({ "type": "code", "text": code }),
            Inline::Link { url, label } => json!({ "type": "url", "text": text(label)?, "url": url }),
            Inline::Citation(number) => json!(format!("[{number}]")),
            Inline::Break => json!("\n"),
            Inline::Mention(_) => return None,
        });
    }
    Some(match parts.len() {
        0 => json!(""),
        1 => parts.remove(0),
        _ => Value::Array(parts),
    })
}
