//! A part as a message of Telegram's. In: a document. Out: text and entities, which are places in the text: no words can become markup,
//! for there is none. Never longer than the plain text that the host measured. Knows no connection.

mod lines;
mod rich;
mod table;

use loquat_contract::{Document, Part};
use teloxide_core::types::{
    InlineKeyboardButton, InlineKeyboardButtonKind, InlineKeyboardMarkup, MessageEntity, MessageEntityKind,
};

use self::lines::{Line, Span};
pub(crate) use self::rich::rich;

/// The longest message, in UTF-16 units.
pub(crate) const LONGEST: usize = 4096;
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
    let encoded = document(&part.document);
    if encoded.text.trim().is_empty() {
        return Encoded { text: part.text.clone(), entities: Vec::new() };
    }
    encoded
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
    if text.chars().count() <= LONGEST_NOTICE {
        return text.to_owned();
    }
    text.chars().take(LONGEST_NOTICE - 1).chain(['…']).collect()
}

fn document(document: &Document) -> Encoded {
    joined(lines::document(&document.normalised()))
}

/// Lines one below the other, and where in all of them is what.
fn joined(lines: Vec<Line>) -> Encoded {
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
    let mut spans = beside_code(spans);
    // What holds others comes first.
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let entities = spans.into_iter().map(|span| entity(&text, span)).collect();
    Encoded { text, entities }
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
