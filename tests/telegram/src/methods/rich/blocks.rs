//! The blocks of a rich message. In go `InputRichBlock`s; out come `RichBlock`s, which have a little more, and their words; or why
//! they are refused.

use serde_json::{Value, json};

use crate::refusal::Refusal;

/// "Up to 32768 UTF-8 characters in the rich message text."
const LONGEST: usize = 32_768;
/// "Up to 500 blocks, including nested blocks, list items, ordered list items, table rows, quotation blocks, and details blocks."
const MOST_BLOCKS: usize = 500;
/// "Up to 16 levels of nested formatting and blocks."
const DEEPEST: usize = 16;
/// "Up to 20 columns in a table."
const MOST_COLUMNS: usize = 20;

/// The texts with another text in them.
const STYLES: [&str; 18] = [
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "subscript",
    "superscript",
    "marked",
    "code",
    "url",
    "email_address",
    "phone_number",
    "mention",
    "text_mention",
    "hashtag",
    "bot_command",
    "date_time",
    "anchor_link",
];

/// Checks the blocks of a message.
pub(super) fn check(blocks: &Value, is_draft: bool) -> Result<(Vec<Value>, String), Refusal> {
    let mut reader = Reader { is_draft, ..Reader::default() };
    let blocks = reader.list(blocks, 1)?;
    if reader.plain.trim().is_empty() && !is_draft {
        return Err(Refusal::bad("rich message must be non-empty"));
    }
    if reader.length > LONGEST {
        return Err(Refusal::bad("RICH_MESSAGE_TEXT_TOO_LONG"));
    }
    Ok((blocks, reader.plain.trim_end().to_owned()))
}

#[derive(Default)]
struct Reader {
    is_draft: bool,
    count: usize,
    /// How many characters the texts have, without what is between them.
    length: usize,
    plain: String,
}

fn wrong(why: &str) -> Refusal {
    Refusal::bad(format!("can't parse InputRichBlock: {why}"))
}

fn deeper(depth: usize) -> Result<usize, Refusal> {
    if depth >= DEEPEST { Err(Refusal::bad("RICH_MESSAGE_DEPTH_INVALID")) } else { Ok(depth + 1) }
}

fn list_of<'a>(block: &'a Value, name: &str) -> Result<&'a Vec<Value>, Refusal> {
    block
        .get(name)
        .and_then(Value::as_array)
        .ok_or_else(|| wrong(&format!("Field \"{name}\" must be of type Array")))
}

impl Reader {
    fn counted(&mut self) -> Result<(), Refusal> {
        self.count += 1;
        match self.count > MOST_BLOCKS {
            true => Err(Refusal::bad("RICH_MESSAGE_BLOCKS_TOO_MUCH")),
            false => Ok(()),
        }
    }

    fn line(&mut self) {
        if !self.plain.is_empty() && !self.plain.ends_with('\n') {
            self.plain.push('\n');
        }
    }

    fn list(&mut self, blocks: &Value, depth: usize) -> Result<Vec<Value>, Refusal> {
        let blocks = blocks.as_array().ok_or_else(|| wrong("expected an Array of blocks"))?;
        blocks.iter().map(|block| self.block(block, depth)).collect()
    }

    fn block(&mut self, block: &Value, depth: usize) -> Result<Value, Refusal> {
        self.counted()?;
        let kind =
            block.get("type").and_then(Value::as_str).ok_or_else(|| wrong("Can't find field \"type\""))?;
        let mut shape = block.clone();
        match kind {
            "paragraph" | "footer" | "pre" | "mathematical_expression" => {
                self.text_of(block, "text", depth)?;
                self.line();
            }
            "heading" => {
                self.text_of(block, "text", depth)?;
                self.line();
                if !block.get("size").and_then(Value::as_i64).is_some_and(|size| (1..=6).contains(&size)) {
                    return Err(wrong("Field \"size\" must be 1 to 6"));
                }
            }
            "thinking" if self.is_draft => {
                self.text_of(block, "text", depth)?;
                self.line();
            }
            "divider" => {}
            "blockquote" | "expandable_blockquote" => {
                shape["blocks"] = self.nested(block, depth)?;
            }
            "details" => {
                self.text_of(block, "summary", depth)?;
                self.line();
                shape["blocks"] = self.nested(block, depth)?;
            }
            "list" => {
                let mut items = Vec::new();
                for item in list_of(block, "items")? {
                    items.push(self.item(item, depth)?);
                }
                shape["items"] = items.into();
            }
            "table" => shape["cells"] = self.table(block, depth)?,
            _ => return Err(wrong(&format!("unsupported block type \"{kind}\""))),
        }
        Ok(shape)
    }

    fn nested(&mut self, block: &Value, depth: usize) -> Result<Value, Refusal> {
        let inner = block.get("blocks").ok_or_else(|| wrong("Can't find field \"blocks\""))?;
        Ok(self.list(inner, deeper(depth)?)?.into())
    }

    fn item(&mut self, item: &Value, depth: usize) -> Result<Value, Refusal> {
        self.counted()?;
        let label = match (item.get("value").and_then(Value::as_i64), item.get("has_checkbox")) {
            (Some(number), _) => format!("{number}."),
            (None, Some(Value::Bool(true))) => String::new(),
            _ => "•".to_owned(),
        };
        self.line();
        self.plain.push_str(&label);
        self.plain.push(' ');
        let mut shape = item.clone();
        shape["blocks"] = self.nested(item, depth)?;
        shape["label"] = label.into();
        Ok(shape)
    }

    fn table(&mut self, block: &Value, depth: usize) -> Result<Value, Refusal> {
        let mut rows = Vec::new();
        for row in list_of(block, "cells")? {
            self.counted()?;
            let row = row.as_array().ok_or_else(|| wrong("a row must be an Array of cells"))?;
            if row.len() > MOST_COLUMNS {
                return Err(Refusal::bad("RICH_MESSAGE_TABLE_COLUMNS_TOO_MUCH"));
            }
            let mut cells = Vec::new();
            for (column, cell) in row.iter().enumerate() {
                if !cell.is_object() {
                    return Err(wrong("a cell must be an Object"));
                }
                if column > 0 {
                    self.plain.push_str(" | ");
                }
                if let Some(text) = cell.get("text") {
                    self.text(text, depth)?;
                }
                let mut shape = cell.clone();
                for (name, usual, known) in [
                    ("align", "left", ["left", "center", "right"]),
                    ("valign", "top", ["top", "middle", "bottom"]),
                ] {
                    match cell.get(name).and_then(Value::as_str) {
                        None => shape[name] = usual.into(),
                        Some(given) if known.contains(&given) => {}
                        Some(_) => return Err(wrong(&format!("Field \"{name}\" is unknown"))),
                    }
                }
                cells.push(shape);
            }
            self.line();
            rows.push(Value::Array(cells));
        }
        Ok(rows.into())
    }

    fn text_of(&mut self, block: &Value, name: &str, depth: usize) -> Result<(), Refusal> {
        let text = block.get(name).ok_or_else(|| wrong(&format!("Can't find field \"{name}\"")))?;
        self.text(text, depth)
    }

    fn text(&mut self, text: &Value, depth: usize) -> Result<(), Refusal> {
        match text {
            Value::String(words) => {
                self.length += words.chars().count();
                self.plain.push_str(words);
            }
            Value::Array(parts) => {
                for part in parts {
                    self.text(part, depth)?;
                }
            }
            Value::Object(fields) => {
                let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
                if !STYLES.contains(&kind) {
                    return Err(Refusal::bad(format!("can't parse RichText: unsupported type \"{kind}\"")));
                }
                if kind == "url" && fields.get("url").and_then(Value::as_str).is_none_or(str::is_empty) {
                    return Err(Refusal::bad("RICH_MESSAGE_URL_INVALID"));
                }
                let inner = fields.get("text").unwrap_or(&json!("")).clone();
                self.text(&inner, deeper(depth)?)?;
            }
            _ => return Err(Refusal::bad("can't parse RichText: expected a String, an Array or an Object")),
        }
        Ok(())
    }
}
