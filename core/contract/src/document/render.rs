//! A tree becomes markup. In: a [`Document`]. Out: text in one of the portable formats. Knows no platform.

mod chat;
mod html;
mod markdown;
mod normal;
mod plain;
#[cfg(test)]
mod tests;

use super::{Document, Inline};
pub(super) use plain::columns;

/// The markup that a platform shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// None: words alone.
    #[default]
    Plain,
    /// CommonMark with tables.
    Markdown,
    /// Markdown as chats show it that are no browsers, such as Discord: tables are code, with their columns one below the other;
    /// fences have three backticks; an empty line of a quote keeps its space.
    ChatMarkdown,
    /// HTML of few elements: `b`, `i`, `code`, `pre`, `a`, `blockquote`.
    Html,
}

impl Document {
    /// The tree as text in `format`, without a line break at its end. What is only white space is left out.
    ///
    /// No words of the tree become markup. Except in `Html`, `@everyone` and `@here` get a U+200B behind the `@`, so that nobody is
    /// called by a quotation; `<@123>` in words is escaped in both kinds of Markdown. Only [`Inline::Mention`] calls.
    pub fn render(&self, format: Format) -> String {
        let tree = self.normalised();
        match format {
            Format::Plain => plain::render(&tree),
            Format::Markdown => markdown::render(&tree),
            Format::ChatMarkdown => chat::render(&tree),
            Format::Html => html::render(&tree),
        }
    }
}

/// Puts a U+200B behind each `@` that would call everybody.
fn guarded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        if c == '@' && calls_all(&text[at + 1..]) {
            out.push('\u{200b}');
        }
    }
    out
}

/// Whether a text, behind an `@`, calls everybody.
fn calls_all(text: &str) -> bool {
    ["everyone", "here"]
        .iter()
        .any(|name| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
}

/// The words of a line without markup; what the label of a link says, without where it leads.
fn words(inlines: &[Inline]) -> String {
    let mut out = String::new();
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) => out.push_str(text),
            Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Link { label: inner, .. } => {
                out.push_str(&words(inner));
            }
            Inline::Mention(person) => out.push_str(&format!("@{}", person.name)),
            Inline::Citation(number) => out.push_str(&format!("[{number}]")),
            Inline::Break => out.push('\n'),
        }
    }
    out
}

/// Whether the label of a link says where it leads, so that it need not be said twice.
fn says_url(label: &str, url: &str) -> bool {
    label == url || url.strip_prefix("mailto:") == Some(label)
}
