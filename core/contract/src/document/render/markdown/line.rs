//! A line becomes Markdown. In: inlines in normal form. Out: one line, or more where it has breaks. Emphasis that Markdown
//! cannot write where it stands is left out, and its words stay.

use super::{hushed, longest_run};
use crate::document::Inline;
use crate::document::render::calls_all;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Strong,
    Emphasis,
}

/// What a line consists of, in order.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// Words that are still to be escaped.
    Words(String),
    /// The start of the style with this number.
    Open(Style, usize),
    /// The end of it.
    Close(Style, usize),
    /// Markup.
    Markup(String),
}

pub(super) fn line(inlines: &[Inline]) -> String {
    let mut pieces = Vec::new();
    collect(inlines, &mut pieces, &mut 0);
    while let Some(number) = pieces.iter().enumerate().find_map(|(at, _)| unwritable(&pieces, at)) {
        pieces.retain(|piece| !matches!(piece, Piece::Open(_, n) | Piece::Close(_, n) if *n == number));
        join(&mut pieces);
    }
    let mut out = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Words(words) => {
                let is_before_bracket = first(pieces.get(at + 1)) == '[';
                out = escaped(out, words, is_before_bracket);
            }
            Piece::Open(..) | Piece::Close(..) => out.push_str(mark(&pieces, at)),
            Piece::Markup(markup) => out.push_str(markup),
        }
    }
    out
}

/// A line in a table's cell, where a bar parts cells even in code.
pub(super) fn cell(inlines: &[Inline]) -> String {
    let barred: Vec<Inline> = inlines.iter().map(barred).collect();
    line(&barred)
}

fn barred(inline: &Inline) -> Inline {
    match inline {
        Inline::Code(text) if text.contains("\\|") => Inline::Text(text.clone()),
        Inline::Code(text) => Inline::Code(text.replace('|', "\\|")),
        Inline::Strong(inner) => Inline::Strong(inner.iter().map(barred).collect()),
        Inline::Emphasis(inner) => Inline::Emphasis(inner.iter().map(barred).collect()),
        Inline::Link { url, label } => {
            Inline::Link { url: url.clone(), label: label.iter().map(barred).collect() }
        }
        other => other.clone(),
    }
}

fn collect(inlines: &[Inline], pieces: &mut Vec<Piece>, count: &mut usize) {
    for inline in inlines {
        let (style, inner) = match inline {
            Inline::Strong(inner) => (Style::Strong, inner),
            Inline::Emphasis(inner) => (Style::Emphasis, inner),
            Inline::Link { url, label } if is_autolink(url, label) => {
                pieces.push(Piece::Markup(format!("<{url}>")));
                continue;
            }
            Inline::Link { url, label } => {
                pieces.push(Piece::Markup("[".to_owned()));
                collect(label, pieces, count);
                pieces.push(Piece::Markup(format!("]({})", destination(url))));
                continue;
            }
            Inline::Text(text) => {
                pieces.push(Piece::Words(text.clone()));
                continue;
            }
            Inline::Code(text) => {
                pieces.push(Piece::Markup(code(text)));
                continue;
            }
            Inline::Mention(person) => {
                pieces.push(Piece::Markup(format!("<@{}>", person.id)));
                continue;
            }
            Inline::Citation(number) => {
                pieces.push(Piece::Markup(format!("[{number}]")));
                continue;
            }
            Inline::Break => {
                pieces.push(Piece::Markup("  \n".to_owned()));
                continue;
            }
        };
        *count += 1;
        let number = *count;
        pieces.push(Piece::Open(style, number));
        collect(inner, pieces, count);
        pieces.push(Piece::Close(style, number));
    }
}

/// Makes neighbouring words one.
fn join(pieces: &mut Vec<Piece>) {
    let mut joined: Vec<Piece> = Vec::new();
    for piece in pieces.drain(..) {
        match (joined.last_mut(), piece) {
            (Some(Piece::Words(last)), Piece::Words(words)) => last.push_str(&words),
            (_, piece) => joined.push(piece),
        }
    }
    *pieces = joined;
}

/// The first character of a piece; white space where a line ends.
fn first(piece: Option<&Piece>) -> char {
    match piece {
        Some(Piece::Words(text) | Piece::Markup(text)) => text.chars().next().unwrap_or(' '),
        Some(Piece::Open(..) | Piece::Close(..)) => '*',
        None => ' ',
    }
}

/// The last character of a piece; white space where a line starts.
fn last(piece: Option<&Piece>) -> char {
    match piece {
        Some(Piece::Words(text) | Piece::Markup(text)) => text.chars().next_back().unwrap_or(' '),
        other => first(other),
    }
}

fn neighbours(pieces: &[Piece], at: usize) -> (Option<&Piece>, Option<&Piece>) {
    (at.checked_sub(1).and_then(|before| pieces.get(before)), pieces.get(at + 1))
}

/// The mark of the style that starts or ends here. Emphasis beside strong words has the other mark.
fn mark(pieces: &[Piece], at: usize) -> &'static str {
    let (Some(Piece::Open(style, number)) | Some(Piece::Close(style, number))) = pieces.get(at) else {
        return "";
    };
    if *style == Style::Strong {
        return "**";
    }
    let is_strong = |piece: Option<&Piece>| {
        matches!(piece, Some(Piece::Open(Style::Strong, _) | Piece::Close(Style::Strong, _)))
    };
    let is_end =
        |piece: &Piece| matches!(piece, Piece::Open(_, other) | Piece::Close(_, other) if other == number);
    let mut ends = pieces.iter().enumerate().filter(|(_, piece)| is_end(piece));
    let is_beside_strong = ends.any(|(at, _)| {
        let (before, after) = neighbours(pieces, at);
        is_strong(before) || is_strong(after)
    });
    if is_beside_strong { "_" } else { "*" }
}

/// The number of the style that starts or ends here, where Markdown would not see that (CommonMark 6.2, left-flanking and
/// right-flanking runs). Characters of which it is not sure whether they are punctuation count as what does harm.
fn unwritable(pieces: &[Piece], at: usize) -> Option<usize> {
    let piece = pieces.get(at)?;
    let (before, after) = neighbours(pieces, at);
    // Inside of the style, and outside of it.
    let (number, inside, outside, beside) = match piece {
        Piece::Open(_, number) => (number, first(after), last(before), before),
        Piece::Close(_, number) => (number, last(before), first(after), after),
        _ => return None,
    };
    let mark = mark(pieces, at);
    let is_free = outside.is_whitespace() || outside.is_ascii_punctuation();
    let flanks = !inside.is_whitespace() && (is_free || mark != "_" && inside.is_alphanumeric());
    let beside_at = if matches!(piece, Piece::Open(..)) { at.wrapping_sub(1) } else { at + 1 };
    let touches = matches!(beside, Some(Piece::Open(..) | Piece::Close(..)))
        && self::mark(pieces, beside_at).chars().next() == mark.chars().next();
    let is_empty =
        matches!((piece, after), (Piece::Open(_, open), Some(Piece::Close(_, close))) if open == close);
    (!flanks || touches || is_empty).then_some(*number)
}

fn is_autolink(url: &str, label: &[Inline]) -> bool {
    let is_label = match label {
        [Inline::Text(text)] => text == url,
        _ => false,
    };
    is_label
        && url.split_once(':').is_some_and(|(scheme, _)| {
            (2..=32).contains(&scheme.len())
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
        })
}

/// A URL as the target of a link; what it may not hold is percent-encoded already.
fn destination(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for (at, c) in url.char_indices() {
        if c == '&' && is_entity(&url[at + 1..]) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Code inside a line, in more backticks than it has in a row.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let text = if fence.len() > 1 { hushed(text) } else { text.to_owned() };
    let is_padded = text.starts_with('`')
        || text.ends_with('`')
        || text.starts_with(' ') && text.ends_with(' ') && !text.trim().is_empty();
    let pad = if is_padded { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Adds words to a line, with a backslash before what would be markup.
fn escaped(mut out: String, text: &str, is_before_bracket: bool) -> String {
    let is_line_start = out.is_empty() || out.ends_with('\n');
    let is_after_bracket = out.ends_with(']');
    let number_end = if is_line_start { number_end(text) } else { None };
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let is_markup = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '~' | '|' => true,
            // Between letters it is part of a name.
            '_' => !(before.is_alphanumeric() && rest.starts_with(char::is_alphanumeric)),
            '&' => is_entity(rest),
            '!' => rest.is_empty() && is_before_bracket,
            '(' | ':' => at == 0 && is_after_bracket,
            '#' | '>' | '+' | '-' | '=' => at == 0 && is_line_start,
            _ => Some(at) == number_end,
        };
        if is_markup {
            out.push('\\');
        }
        out.push(c);
        if c == '@' && calls_all(rest) {
            out.push('\u{200b}');
        }
        before = c;
    }
    out
}

/// Where the mark behind a number is that would start a numbered list.
fn number_end(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let mut rest = text[end..].chars();
    let is_item = end > 0
        && matches!(rest.next(), Some('.' | ')'))
        && rest.next().is_none_or(|next| next.is_whitespace());
    is_item.then_some(end)
}

/// Whether a text, behind an `&`, is a character written by its name or number.
fn is_entity(text: &str) -> bool {
    text.split_once(';').is_some_and(|(name, _)| {
        let name = name.strip_prefix('#').unwrap_or(name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric())
    })
}
