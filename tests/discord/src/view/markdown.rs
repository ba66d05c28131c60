//! Discord's markdown, by lines: fences, headings, small print, quotes, lists. What it does not know, as tables, stays as it is.

use super::inline::{self, Names};

/// A message's words as HTML.
pub(super) fn html(content: &str, names: &Names<'_>) -> String {
    let mut out = String::new();
    let mut rest = content;
    // Fences go before all else, and may begin within a line.
    while let Some(start) = rest.find("```") {
        let inside = &rest[start + 3..];
        let Some(end) = inside.find("```").filter(|end| *end > 0) else { break };
        lines(&rest[..start], names, &mut out);
        fence(&inside[..end], &mut out);
        rest = inside[end + 3..].strip_prefix('\n').unwrap_or(&inside[end + 3..]);
    }
    lines(rest, names, &mut out);
    out
}

fn fence(inside: &str, out: &mut String) {
    let is_language = |word: &str| {
        !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '#' | '_'))
    };
    let (language, code) = match inside.split_once('\n') {
        Some((word, code)) if is_language(word) && !code.trim().is_empty() => (word, code),
        _ => ("", inside),
    };
    let code = code.trim_start_matches('\n').trim_end();
    let label = if language.is_empty() { String::new() } else { format!(" data-language=\"{language}\"") };
    out.push_str(&format!("<pre{label}><code>{}</code></pre>", inline::escaped(code)));
}

/// What a line is.
enum Line<'a> {
    Heading(usize, &'a str),
    Small(&'a str),
    Quote(&'a str),
    Item { depth: usize, number: Option<u64>, text: &'a str },
    Plain(&'a str),
}

fn line(text: &str) -> Line<'_> {
    let trimmed = text.trim_start_matches(' ');
    let indent = text.len() - trimmed.len();
    for (mark, level) in [("# ", 1), ("## ", 2), ("### ", 3)] {
        if let Some(words) = text.strip_prefix(mark).filter(|words| !words.trim().is_empty()) {
            return Line::Heading(level, words);
        }
    }
    if let Some(words) = text.strip_prefix("-# ") {
        return Line::Small(words);
    }
    if let Some(words) = text.strip_prefix("> ") {
        return Line::Quote(words);
    }
    // Two blanks, or more, are a step down.
    let depth = indent.div_ceil(2).min(10);
    if let Some(text) = trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* ")) {
        return Line::Item { depth, number: None, text };
    }
    if let Some((digits, text)) = trimmed.split_once(". ")
        && digits.len() <= 10
        && let Ok(number) = digits.parse()
    {
        return Line::Item { depth, number: Some(number), text };
    }
    Line::Plain(text)
}

fn lines(text: &str, names: &Names<'_>, out: &mut String) {
    let (text, rest) =
        match text.find(">>> ").filter(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')) {
            Some(at) => (&text[..at], Some(&text[at + 4..])),
            None => (text, None),
        };
    let mut plain: Vec<&str> = Vec::new();
    let mut quote: Vec<&str> = Vec::new();
    let mut list: Vec<(usize, Option<u64>, &str)> = Vec::new();
    for text in text.lines() {
        let kind = line(text);
        if !matches!(kind, Line::Plain(_)) {
            paragraph(&mut plain, names, out);
        }
        if !matches!(kind, Line::Quote(_)) {
            quoted(&mut quote, names, out);
        }
        if !matches!(kind, Line::Item { .. }) {
            items(&mut list, names, out);
        }
        match kind {
            Line::Plain(text) => plain.push(text),
            Line::Quote(text) => quote.push(text),
            Line::Item { depth, number, text } => list.push((depth, number, text)),
            Line::Heading(level, text) => within(&format!("h{level}"), text, names, out),
            Line::Small(text) => within("h6", text, names, out),
        }
    }
    paragraph(&mut plain, names, out);
    quoted(&mut quote, names, out);
    items(&mut list, names, out);
    if let Some(rest) = rest {
        out.push_str("<blockquote>");
        lines(rest, names, out);
        out.push_str("</blockquote>");
    }
}

fn within(tag: &str, text: &str, names: &Names<'_>, out: &mut String) {
    out.push_str(&format!("<{tag}>"));
    inline::html(text, names, out);
    out.push_str(&format!("</{tag}>"));
}

/// Marks of emphasis may span lines.
fn paragraph(plain: &mut Vec<&str>, names: &Names<'_>, out: &mut String) {
    if !plain.is_empty() {
        let text = std::mem::take(plain).join("\n");
        out.push_str("<p>");
        inline::html(&text, names, out);
        out.push_str("</p>");
    }
}

fn quoted(quote: &mut Vec<&str>, names: &Names<'_>, out: &mut String) {
    if !quote.is_empty() {
        let text = std::mem::take(quote).join("\n");
        out.push_str("<blockquote>");
        lines(&text, names, out);
        out.push_str("</blockquote>");
    }
}

fn items(list: &mut Vec<(usize, Option<u64>, &str)>, names: &Names<'_>, out: &mut String) {
    // The lists that are open: how deep, and by what they are closed.
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (depth, number, text) in std::mem::take(list) {
        while open.last().is_some_and(|(other, _)| *other > depth) {
            out.push_str(open.pop().map_or("", |(_, end)| end));
        }
        let end = if number.is_some() { "</ol>" } else { "</ul>" };
        if open.last().is_some_and(|(other, tag)| *other == depth && *tag != end) {
            out.push_str(open.pop().map_or("", |(_, end)| end));
        }
        if open.last().is_none_or(|(other, _)| *other < depth) {
            match number {
                Some(number) => out.push_str(&format!("<ol start=\"{number}\">")),
                None => out.push_str("<ul>"),
            }
            open.push((depth, end));
        }
        within("li", text, names, out);
    }
    while let Some((_, end)) = open.pop() {
        out.push_str(end);
    }
}
