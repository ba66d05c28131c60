//! A part as a message of Telegram's. In: a document. Out: text and entities, which are places in the text: no words can become markup,
//! for there is none. Never longer than the plain text that the host measured. Knows no connection.

mod lines;
mod names;
mod rich;
mod table;

use loquat_contract::{Document, Part};
use teloxide_core::types::{
    InlineKeyboardButton, InlineKeyboardButtonKind, InlineKeyboardMarkup, MessageEntity, MessageEntityKind,
};

use self::lines::{Line, Span};
use self::names::{muted, names};
pub(crate) use self::rich::rich;

/// The longest message, in UTF-16 units.
pub(crate) const LONGEST: usize = 4096;
/// The most entities of a message; Telegram passes over those behind them.
const MOST: usize = 100;
/// The longest notice on a pressed button.
const LONGEST_NOTICE: usize = 200;

/// A message's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) text: String,
    pub(crate) entities: Vec<MessageEntity>,
}

/// The text of a part and what is special in it.
pub(crate) fn encode(part: &Part) -> Encoded {
    match document(&part.document) {
        Some(encoded) if !encoded.text.trim().is_empty() => encoded,
        _ => bare(part),
    }
}

/// The words of a part alone, with where its links lead, as the host measured them. There is nothing in them that a server could refuse,
/// and names call nobody.
pub(crate) fn bare(part: &Part) -> Encoded {
    Encoded { text: muted(&part.text), entities: Vec::new() }
}

/// The keyboard below a part; `None` where it has no buttons.
pub(crate) fn keyboard(part: &Part) -> Option<InlineKeyboardMarkup> {
    let rows: Vec<Vec<InlineKeyboardButton>> = part
        .buttons
        .iter()
        .filter(|row| !row.is_empty())
        .map(|row| {
            let button = |button: &loquat_contract::Button| InlineKeyboardButton {
                text: button.label.clone(),
                kind: InlineKeyboardButtonKind::CallbackData(button.id.clone()),
            };
            row.iter().map(button).collect()
        })
        .collect();
    (!rows.is_empty()).then(|| InlineKeyboardMarkup::new(rows))
}

/// A notice on a pressed button, within its limit.
pub(crate) fn notice(text: &str) -> String {
    if text.encode_utf16().count() <= LONGEST_NOTICE {
        return text.to_owned();
    }
    let mut left = LONGEST_NOTICE - 1;
    let fits = |c: &char| {
        let is_room = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        is_room
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

fn document(document: &Document) -> Option<Encoded> {
    joined(lines::document(&document.normalised()))
}

/// Lines one below the other, and where in all of them is what; `None` where more has to be said of them than Telegram takes.
fn joined(lines: Vec<Line>) -> Option<Encoded> {
    let mut text = String::new();
    let mut spans: Vec<Span> = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let start = text.len();
        text.push_str(&line.text);
        for mut span in line.spans {
            span.start += start;
            span.end += start;
            // Lines of one block are one entity.
            match spans.iter_mut().find(|known| known.block.is_some() && known.block == span.block) {
                Some(known) => known.end = span.end,
                None => spans.push(span),
            }
        }
    }
    spans.retain(|span| span.start < span.end);
    let quiet = quieten(&text, &mut spans);
    let mut spans = beside_code(spans);
    if spans.len() > MOST {
        // What is only looks goes first.
        let is_needed = |span: &Span| {
            matches!(span.kind, MessageEntityKind::TextLink { .. } | MessageEntityKind::TextMention { .. })
                || quiet.contains(&(span.start, span.end))
        };
        let is_block = |span: &Span| matches!(span.kind, MessageEntityKind::Pre { .. });
        if spans.iter().filter(|span| is_needed(span)).count() > MOST {
            return None;
        }
        spans.sort_by_key(|span| (!is_needed(span), !is_block(span)));
        spans.truncate(MOST);
    }
    // What holds others comes first.
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let entities = spans.into_iter().map(|span| entity(&text, span)).collect();
    Some(Encoded { text, entities })
}

/// Makes code of each name that Telegram would call and nobody meant; says where. Names in code, in links and with a number of their own
/// call nobody.
fn quieten(text: &str, spans: &mut Vec<Span>) -> Vec<(usize, usize)> {
    let is_style = |kind: &MessageEntityKind| {
        matches!(kind, MessageEntityKind::Bold | MessageEntityKind::Italic | MessageEntityKind::Blockquote)
    };
    let mut loud = names(text);
    loud.retain(|name| {
        !spans.iter().any(|span| !is_style(&span.kind) && span.start < name.end && name.start < span.end)
    });
    spans.retain(|span| span.kind != MessageEntityKind::Mention);
    spans.extend(loud.iter().map(|name| Span {
        start: name.start,
        end: name.end,
        kind: MessageEntityKind::Code,
        block: None,
    }));
    loud.into_iter().map(|name| (name.start, name.end)).collect()
}

/// The same spans, with styles cut where code is: there Telegram shows none.
fn beside_code(spans: Vec<Span>) -> Vec<Span> {
    let (styles, mut kept): (Vec<Span>, Vec<Span>) = spans
        .into_iter()
        .partition(|span| matches!(span.kind, MessageEntityKind::Bold | MessageEntityKind::Italic));
    let is_code = |span: &&Span| matches!(span.kind, MessageEntityKind::Code | MessageEntityKind::Pre { .. });
    let mut code: Vec<(usize, usize)> =
        kept.iter().filter(is_code).map(|span| (span.start, span.end)).collect();
    code.sort_unstable();
    for style in styles {
        let mut from = style.start;
        for &(start, end) in code.iter().filter(|(start, end)| *start < style.end && style.start < *end) {
            kept.push(Span { start: from, end: start.max(from), ..style.clone() });
            from = from.max(end);
        }
        kept.push(Span { start: from, ..style });
    }
    kept.retain(|span| span.start < span.end);
    kept
}

fn entity(text: &str, span: Span) -> MessageEntity {
    let units = |text: &str| text.encode_utf16().count();
    let (offset, length) = (units(&text[..span.start]), units(&text[span.start..span.end]));
    MessageEntity { kind: span.kind, offset, length }
}

/// The entities of a kind that may not be known to a server or not fit its rules are not worth losing the words for.
pub(crate) fn is_refusal_of_entities(failure: &crate::api::Failure) -> bool {
    failure.says(&["entit", "can't parse", "MENTION_USER"])
}
