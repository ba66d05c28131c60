//! `parse_mode=HTML`. In goes text with tags; out come the text and its entities, or why not, in the real server's words.

use super::{Entity, units};

/// An open tag.
struct Open {
    tag: String,
    attribute: Option<String>,
    /// Where it began, in UTF-16 units of the text.
    from: usize,
}

/// Reads the tags that the Bot API knows.
pub(super) fn parse(source: &str) -> Result<(String, Vec<Entity>), String> {
    let mut text = String::new();
    let mut length = 0;
    let mut entities: Vec<Entity> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = source.get(at..).unwrap_or_default();
        if c == '&'
            && let Some((decoded, taken)) = reference(rest)
        {
            text.push(decoded);
            length += decoded.len_utf16();
            at += taken;
        } else if c == '<' {
            let Some(end) = tag_end(rest) else {
                return Err(format!("Unclosed start tag at byte offset {at}"));
            };
            let inner = rest.get(1..end).unwrap_or_default();
            if let Some(name) = inner.strip_prefix('/') {
                let name = name.trim().to_ascii_lowercase();
                let Some(last) = open.pop() else {
                    return Err(format!("Unexpected end tag at byte offset {at}"));
                };
                if !name.is_empty() && name != last.tag {
                    return Err(format!(
                        "Unmatched end tag at byte offset {at}, expected \"</{}>\", found \"</{name}>\"",
                        last.tag
                    ));
                }
                close(last, &open, length, &text, &mut entities);
            } else {
                open.push(start(inner, at, length)?);
            }
            at += end + 1;
        } else {
            text.push(c);
            length += c.len_utf16();
            at += c.len_utf8();
        }
    }
    match open.last() {
        Some(last) => Err(format!("Can't find end tag corresponding to start tag \"{}\"", last.tag)),
        None => Ok((text, entities)),
    }
}

/// Where the tag ends, quotes respected.
fn tag_end(rest: &str) -> Option<usize> {
    let mut quote = None;
    for (index, c) in rest.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(index),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

fn start(inner: &str, at: usize, from: usize) -> Result<Open, String> {
    let (name, attributes) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let tag = name.trim_end_matches('/').to_ascii_lowercase();
    let value = |wanted: &str| attribute(attributes, wanted);
    let attribute = match tag.as_str() {
        "b" | "strong" | "i" | "em" | "u" | "ins" | "s" | "strike" | "del" | "tg-spoiler" | "pre" => None,
        "a" => value("href"),
        "code" => value("class"),
        "blockquote" => attributes.contains("expandable").then(String::new),
        "tg-emoji" => value("emoji-id"),
        "span" => {
            if value("class").as_deref() != Some("tg-spoiler") {
                return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}"));
            }
            None
        }
        _ => return Err(format!("Unsupported start tag \"{tag}\" at byte offset {at}")),
    };
    Ok(Open { tag, attribute, from })
}

fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let (_, after) = attributes.split_once(&format!("{wanted}="))?;
    let quote = after.chars().next()?;
    let value = match quote {
        '"' | '\'' => after.get(1..)?.split(quote).next()?,
        _ => after.split_whitespace().next()?,
    };
    let mut decoded = String::new();
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        let (c, taken) = reference(rest).filter(|_| c == '&').unwrap_or((c, c.len_utf8()));
        decoded.push(c);
        rest = rest.get(taken..).unwrap_or_default();
    }
    Some(decoded)
}

fn close(last: Open, open: &[Open], end: usize, text: &str, entities: &mut Vec<Entity>) {
    if end == last.from {
        return;
    }
    let kind = match last.tag.as_str() {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "tg-spoiler" | "span" => "spoiler",
        "tg-emoji" => "custom_emoji",
        "a" => "text_link",
        "blockquote" if last.attribute.is_some() => "expandable_blockquote",
        other => other,
    };
    let mut entity = Entity::new(kind, last.from, end - last.from);
    match kind {
        "text_link" => {
            let url = last.attribute.unwrap_or_else(|| entity.words(text));
            match url.strip_prefix("tg://user?id=").and_then(|id| id.parse().ok()) {
                Some(user) => {
                    entity.kind = "text_mention".to_owned();
                    entity.user = Some(user);
                }
                // What is no address is no link either.
                None if !url.contains('.') && !url.contains("://") => return,
                None if url.contains("://") => entity.url = Some(url),
                None => entity.url = Some(format!("http://{url}")),
            }
        }
        "code" => {
            let language = last.attribute.as_deref().and_then(|class| class.strip_prefix("language-"));
            if let (Some(outer), Some(language)) = (open.last(), language)
                && outer.tag == "pre"
                && outer.from == last.from
            {
                entity.kind = "pre".to_owned();
                entity.language = Some(language.to_owned());
            }
        }
        "pre" => {
            // `<pre><code class="language-…">` is one entity.
            if entities.last().is_some_and(|inner| {
                matches!(inner.kind.as_str(), "pre" | "code")
                    && (inner.offset, inner.length) == (entity.offset, entity.length)
            }) && let Some(inner) = entities.pop()
            {
                entity.language = inner.language;
            }
        }
        "custom_emoji" => entity.custom_emoji = last.attribute,
        _ => {}
    }
    entities.push(entity);
    debug_assert!(end <= units(text));
}

/// `&lt;` and its like: the character, and how many bytes it took.
fn reference(rest: &str) -> Option<(char, usize)> {
    let end = rest.find(';').filter(|end| *end < 12)?;
    let name = rest.get(1..end)?;
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c != '\0')?
        }
    };
    Some((c, end + 1))
}
