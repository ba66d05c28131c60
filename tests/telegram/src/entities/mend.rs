//! Mends a text and its entities as the real server does: mostly without a word. In goes what the client said; out comes what is
//! kept, with a note of everything that was mended, so that a test can insist that nothing was.

use super::{Entity, Formatted, detect, units};
use crate::refusal::Refusal;

/// How many entities a message has at most; those behind them are passed over, as people found out
/// (<https://github.com/rubenlagus/TelegramBots/issues/854>).
const MOST: usize = 100;
/// About how many bytes of addresses and languages they may have together (<https://github.com/tdlib/telegram-bot-api/issues/165>).
const MOST_BYTES: usize = 9500;

/// Cleans and trims the text, and fits the entities to it and to each other.
pub(super) fn mend(given: String, entities: Vec<Entity>) -> Result<Formatted, Refusal> {
    let mut mended = Vec::new();
    let mut entities = entities;
    let length = units(&given);
    let starts: Vec<usize> = boundaries(&given);
    for entity in &mut entities {
        if entity.end() > length {
            mended.push(format!("{} at {} ends after the text", entity.kind, entity.offset));
            entity.length = length.saturating_sub(entity.offset);
        }
        for at in [entity.offset, entity.end()] {
            if at <= length && starts.binary_search(&at).is_err() {
                return Err(Refusal::bad(format!(
                    "entity beginning at UTF-16 offset {} ends in a middle of a UTF-16 symbol at byte offset {at}",
                    entity.offset
                )));
            }
        }
    }
    let text = clean(&given, &mut entities);
    entities.retain(|entity| entity.length > 0);
    let text = trim(text, &mut entities, &mut mended);
    entities.retain(|entity| entity.length > 0);
    let mut fitted = fit(entities, &mut mended);
    let bytes = |entity: &Entity| entity.url.iter().chain(&entity.language).map(String::len).sum::<usize>();
    if fitted.iter().map(bytes).sum::<usize>() > MOST_BYTES {
        return Err(Refusal::bad("ENTITIES_TOO_LONG"));
    }
    fitted.sort_by(|a, b| (a.offset, b.length).cmp(&(b.offset, a.length)));
    if fitted.len() > MOST {
        mended.push(format!("{} entities are too many", fitted.len()));
        fitted.truncate(MOST);
    }
    for found in detect(&text) {
        let taken = fitted.iter().filter(|other| overlap(&found, other)).any(|other| {
            other.is_code()
                || matches!(other.kind.as_str(), "text_link" | "text_mention" | "custom_emoji")
                || (is_quote(other) && !inside(&found, other))
        });
        if !taken {
            fitted.push(found);
        }
    }
    fitted = split_crossings(fitted);
    fitted.sort_by(|a, b| (a.offset, b.length, &a.kind).cmp(&(b.offset, a.length, &b.kind)));
    Ok(Formatted { text, entities: fitted, mended })
}

/// Where characters begin, in UTF-16 units, the end included.
fn boundaries(text: &str) -> Vec<usize> {
    let mut at = 0;
    let mut all: Vec<usize> = text
        .chars()
        .map(|c| {
            at += c.len_utf16();
            at - c.len_utf16()
        })
        .collect();
    all.push(at);
    all
}

/// Without carriage returns, and with spaces for control characters.
fn clean(text: &str, entities: &mut [Entity]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut removed: Vec<usize> = Vec::new();
    let mut at = 0;
    for c in text.chars() {
        match c {
            '\r' => removed.push(at),
            '\n' => kept.push('\n'),
            c if c.is_ascii_control() => kept.push(' '),
            c => kept.push(c),
        }
        at += c.len_utf16();
    }
    if !removed.is_empty() {
        for entity in entities {
            let before = |at: usize| removed.partition_point(|removed| *removed < at);
            let (offset, end) = (entity.offset, entity.end());
            entity.offset = offset - before(offset);
            entity.length = end - before(end) - entity.offset;
        }
    }
    kept
}

/// Without blanks at the ends; at the beginning only up to the first entity.
fn trim(text: String, entities: &mut [Entity], mended: &mut Vec<String>) -> String {
    let kept = text.trim_end_matches([' ', '\n']);
    let end = units(kept);
    let first = entities.iter().map(|entity| entity.offset).min().unwrap_or(usize::MAX);
    let blank = kept.chars().take_while(|c| matches!(c, ' ' | '\n')).count().min(first);
    let kept: String = kept.chars().skip(blank).collect();
    for entity in entities.iter_mut() {
        let (from, to) = (entity.offset.min(end), entity.end().min(end));
        if to - from < entity.length && to == from {
            mended.push(format!("{} at {} covers only blanks", entity.kind, entity.offset));
        }
        entity.offset = from - blank.min(from);
        entity.length = to - from;
    }
    kept
}

fn is_style(entity: &Entity) -> bool {
    matches!(entity.kind.as_str(), "bold" | "italic" | "underline" | "strikethrough" | "spoiler")
}

fn is_quote(entity: &Entity) -> bool {
    entity.kind.ends_with("blockquote")
}

fn overlap(a: &Entity, b: &Entity) -> bool {
    a.offset < b.end() && b.offset < a.end()
}

fn inside(inner: &Entity, outer: &Entity) -> bool {
    outer.offset <= inner.offset && inner.end() <= outer.end()
}

/// Quotes do not nest, code stands alone but for quotes, links do not overlap, and styles keep out of code.
fn fit(mut entities: Vec<Entity>, mended: &mut Vec<String>) -> Vec<Entity> {
    entities.sort_by(|a, b| (a.offset, b.length).cmp(&(b.offset, a.length)));
    let mut kept: Vec<Entity> = Vec::new();
    for entity in entities.iter().filter(|entity| is_quote(entity)) {
        if kept.iter().any(|other| overlap(other, entity)) {
            mended.push(format!("{} at {} is in another one", entity.kind, entity.offset));
        } else {
            kept.push(entity.clone());
        }
    }
    for solid in [true, false] {
        for entity in entities.iter().filter(|e| !is_quote(e) && !is_style(e) && e.is_code() == solid) {
            let clash = kept.iter().any(|other| {
                overlap(other, entity) && if is_quote(other) { !inside(entity, other) } else { true }
            });
            if clash {
                mended.push(format!("{} at {} overlaps with another", entity.kind, entity.offset));
            } else {
                kept.push(entity.clone());
            }
        }
    }
    let codes: Vec<Entity> = kept.iter().filter(|entity| entity.is_code()).cloned().collect();
    for entity in entities.iter().filter(|entity| is_style(entity)) {
        let mut from = entity.offset;
        let mut pieces = Vec::new();
        for code in codes.iter().filter(|code| overlap(code, entity)) {
            mended.push(format!("{} at {} runs into {}", entity.kind, entity.offset, code.kind));
            if code.offset > from {
                pieces.push((from, code.offset));
            }
            from = from.max(code.end());
        }
        if from < entity.end() {
            pieces.push((from, entity.end()));
        }
        for (from, to) in pieces {
            match kept.iter_mut().find(|e| e.kind == entity.kind && e.offset <= to && from <= e.end()) {
                // Two of a kind become one.
                Some(other) => {
                    let end = other.end().max(to);
                    other.offset = other.offset.min(from);
                    other.length = end - other.offset;
                }
                None => kept.push(Entity { offset: from, length: to - from, ..entity.clone() }),
            }
        }
    }
    kept
}

/// Of two that cross, a style is cut in two at the border of the other; of two styles, the one that begins later.
fn split_crossings(mut entities: Vec<Entity>) -> Vec<Entity> {
    let crossing = |a: &Entity, b: &Entity| overlap(a, b) && !inside(a, b) && !inside(b, a);
    let next = |entities: &[Entity]| {
        let cuts = entities.iter().enumerate().filter(|(_, entity)| is_style(entity)).filter_map(
            |(index, entity)| {
                let other = entities.iter().find(|other| crossing(entity, other))?;
                let at = if other.offset > entity.offset { other.offset } else { other.end() };
                Some((index, at))
            },
        );
        cuts.max_by_key(|(index, _)| entities.get(*index).map(|entity| entity.offset))
    };
    while let Some((cut, at)) = next(&entities) {
        let whole = entities.swap_remove(cut);
        entities.push(Entity { length: at - whole.offset, ..whole.clone() });
        entities.push(Entity { offset: at, length: whole.end() - at, ..whole });
    }
    entities
}
