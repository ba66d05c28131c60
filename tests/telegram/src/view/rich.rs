//! Draws a rich message. In goes a `RichMessage`; out comes HTML.

use serde_json::Value;

use super::escaped;

/// Draws all blocks.
pub(super) fn draw(rich: &Value, out: &mut String) {
    blocks(rich, out);
}

fn blocks(holder: &Value, out: &mut String) {
    for block in list(holder, "blocks") {
        draw_block(block, out);
    }
}

fn list<'a>(holder: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    holder.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn word<'a>(holder: &'a Value, name: &str) -> &'a str {
    holder.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn wrapped(tag: &str, inner: &str, out: &mut String) {
    out.push_str(&format!("<{tag}>{inner}</{tag}>"));
}

fn draw_block(block: &Value, out: &mut String) {
    let text = text(block.get("text"));
    match word(block, "type") {
        "heading" => {
            let size = block.get("size").and_then(Value::as_i64).unwrap_or(3);
            wrapped(&format!("h{size}"), &text, out);
        }
        "pre" => {
            let language = escaped(word(block, "language"));
            let label = if language.is_empty() { language } else { format!("<small>{language}</small>") };
            wrapped("pre", &(label + &text), out);
        }
        "divider" => out.push_str("<hr>"),
        "blockquote" | "expandable_blockquote" => {
            out.push_str("<blockquote>");
            blocks(block, out);
            out.push_str("</blockquote>");
        }
        "details" => {
            out.push_str("<details open>");
            wrapped("summary", &self::text(block.get("summary")), out);
            blocks(block, out);
            out.push_str("</details>");
        }
        "list" => draw_list(block, out),
        "table" => {
            out.push_str("<table>");
            for row in list(block, "cells") {
                out.push_str("<tr>");
                for cell in row.as_array().into_iter().flatten() {
                    let tag = if cell.get("is_header").is_some() { "th" } else { "td" };
                    let align = escaped(word(cell, "align"));
                    let words = self::text(cell.get("text"));
                    out.push_str(&format!("<{tag} style=\"text-align:{align}\">{words}</{tag}>"));
                }
                out.push_str("</tr>");
            }
            out.push_str("</table>");
        }
        _ => wrapped("p", &text, out),
    }
}

fn draw_list(block: &Value, out: &mut String) {
    let numbered = list(block, "items").any(|item| item.get("value").is_some());
    let tag = if numbered { "ol" } else { "ul" };
    out.push_str(&format!("<{tag}>"));
    for item in list(block, "items") {
        match item.get("value").and_then(Value::as_i64) {
            Some(value) => out.push_str(&format!("<li value=\"{value}\">")),
            None => out.push_str("<li>"),
        }
        blocks(item, out);
        out.push_str("</li>");
    }
    out.push_str(&format!("</{tag}>"));
}

fn text(text: Option<&Value>) -> String {
    match text {
        Some(Value::String(words)) => escaped(words).replace('\n', "<br>"),
        Some(Value::Array(parts)) => parts.iter().map(|part| self::text(Some(part))).collect(),
        Some(styled) => {
            let inner = self::text(styled.get("text"));
            let tag = match word(styled, "type") {
                "bold" => "b",
                "italic" => "i",
                "underline" => "u",
                "strikethrough" => "s",
                "code" => "code",
                "marked" => "mark",
                "subscript" => "sub",
                "superscript" => "sup",
                "url" => "a",
                "spoiler" => return format!("<span class=\"spoiler\">{inner}</span>"),
                _ => return format!("<span class=\"mention\">{inner}</span>"),
            };
            format!("<{tag}>{inner}</{tag}>")
        }
        None => String::new(),
    }
}
