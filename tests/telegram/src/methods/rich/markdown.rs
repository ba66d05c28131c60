//! Markdown of a rich message, as far as it is that of GitHub: headings, lists, tables, quotes, code, links. In goes the source; out
//! come blocks.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};

/// Where what is read goes: into a text, or into the list of blocks of something.
#[derive(Default)]
struct Level {
    blocks: Vec<Value>,
    text: Vec<Value>,
}

impl Level {
    /// The text so far, and none from now on.
    fn take_text(&mut self) -> Value {
        let mut text = std::mem::take(&mut self.text);
        match text.len() {
            1 => text.remove(0),
            _ => Value::Array(text),
        }
    }

    /// A text that stands alone, as in tight lists, becomes a paragraph.
    fn into_blocks(mut self) -> Vec<Value> {
        if !self.text.is_empty() {
            let text = self.take_text();
            self.blocks.push(json!({"type": "paragraph", "text": text}));
        }
        self.blocks
    }
}

#[derive(Default)]
struct Reader {
    levels: Vec<Level>,
    /// The next number of each open list.
    lists: Vec<Option<u64>>,
    aligns: Vec<&'static str>,
    is_header: bool,
}

/// The blocks of Markdown.
pub(super) fn blocks(source: &str) -> Vec<Value> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut reader = Reader { levels: vec![Level::default()], ..Reader::default() };
    for event in Parser::new_ext(source, options) {
        reader.event(event);
    }
    reader.levels.pop().map(Level::into_blocks).unwrap_or_default()
}

impl Reader {
    fn top(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn close(&mut self) -> Level {
        self.levels.pop().unwrap_or_default()
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.top().text.push(text.as_ref().into());
            }
            Event::Code(code) => self.top().text.push(json!({"type": "code", "text": code.as_ref()})),
            Event::SoftBreak => self.top().text.push(" ".into()),
            Event::HardBreak => self.top().text.push("\n".into()),
            Event::Rule => self.top().blocks.push(json!({"type": "divider"})),
            Event::TaskListMarker(done) => {
                let mark = if done { "☑ " } else { "☐ " };
                self.top().text.push(mark.into());
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => {
                // What stands before it in its item is a paragraph.
                let level = self.close().into_blocks();
                self.levels.push(Level { blocks: level, text: Vec::new() });
                self.lists.push(first);
            }
            Tag::Table(ref aligns) => {
                self.aligns = aligns
                    .iter()
                    .map(|align| match align {
                        Alignment::Center => "center",
                        Alignment::Right => "right",
                        Alignment::Left | Alignment::None => "left",
                    })
                    .collect();
            }
            Tag::TableHead => self.is_header = true,
            _ => {}
        }
        self.levels.push(Level::default());
        if let Tag::Link { dest_url, .. } = &tag {
            self.top().blocks.push(dest_url.as_ref().into());
        }
        if let Tag::CodeBlock(CodeBlockKind::Fenced(language)) = &tag {
            self.top().blocks.push(language.as_ref().into());
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let mut level = self.close();
        match tag {
            TagEnd::Paragraph => {
                let text = level.take_text();
                self.top().blocks.push(json!({"type": "paragraph", "text": text}));
            }
            TagEnd::Heading(size) => {
                let text = level.take_text();
                self.top().blocks.push(json!({"type": "heading", "text": text, "size": number(size)}));
            }
            TagEnd::BlockQuote(_) => {
                let blocks = level.into_blocks();
                self.top().blocks.push(json!({"type": "blockquote", "blocks": blocks}));
            }
            TagEnd::CodeBlock => {
                let text: String = level.text.iter().filter_map(Value::as_str).collect();
                let mut block = json!({"type": "pre", "text": text.trim_end_matches('\n')});
                if let Some(language) = level.blocks.first().filter(|language| **language != "") {
                    block["language"] = language.clone();
                }
                self.top().blocks.push(block);
            }
            TagEnd::Item => {
                let mut item = json!({"blocks": level.into_blocks()});
                if let Some(Some(next)) = self.lists.last_mut() {
                    item["value"] = (*next).into();
                    item["type"] = "1".into();
                    *next += 1;
                }
                self.top().blocks.push(item);
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.top().blocks.push(json!({"type": "list", "items": level.blocks}));
            }
            TagEnd::TableCell => {
                let (text, row) = (level.take_text(), self.top().blocks.len());
                let align = self.aligns.get(row).copied().unwrap_or("left");
                let mut cell = json!({"text": text, "align": align, "valign": "top"});
                if self.is_header {
                    cell["is_header"] = true.into();
                }
                self.top().blocks.push(cell);
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                self.is_header = false;
                self.top().blocks.push(level.blocks.into());
            }
            TagEnd::Table => {
                self.top().blocks.push(json!({"type": "table", "cells": level.blocks, "is_bordered": true}));
            }
            TagEnd::Emphasis => self.styled("italic", level),
            TagEnd::Strong => self.styled("bold", level),
            TagEnd::Strikethrough => self.styled("strikethrough", level),
            TagEnd::Link => {
                let url = level.blocks.first().cloned().unwrap_or_default();
                let text = level.take_text();
                self.top().text.push(json!({"type": "url", "text": text, "url": url}));
            }
            _ => {
                let text = level.text;
                self.top().text.extend(text);
            }
        }
    }

    fn styled(&mut self, kind: &str, mut level: Level) {
        let text = level.take_text();
        self.top().text.push(json!({"type": kind, "text": text}));
    }
}

fn number(size: HeadingLevel) -> u8 {
    match size {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
