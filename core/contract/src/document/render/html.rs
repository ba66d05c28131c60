//! A tree becomes HTML of few elements. In: a tree in normal form. Out: lines with `b`, `i`, `code`, `pre`, `a`, `blockquote`;
//! a line break is a line break. Knows no style sheets.

use super::{plain, says_url, words};
use crate::document::{Block, Document, Inline};

/// What an inline stands in.
#[derive(Clone, Copy, Default)]
struct Inside {
    strong: bool,
    link: bool,
}

pub(super) fn render(tree: &Document) -> String {
    document(tree, false, false)
}

fn document(tree: &Document, is_item: bool, is_quote: bool) -> String {
    let mut out = String::new();
    let mut last: Option<&Block> = None;
    for block in &tree.blocks {
        if let Some(last) = last {
            let is_tight = is_item && !matches!((last, block), (Block::Paragraph(_), Block::Paragraph(_)));
            out.push_str(if is_tight { "\n" } else { "\n\n" });
        }
        out.push_str(&self::block(block, is_quote));
        last = Some(block);
    }
    out
}

fn block(block: &Block, is_quote: bool) -> String {
    match block {
        Block::Paragraph(inlines) => line(inlines, Inside::default()),
        Block::Heading(inlines) => {
            format!("<b>{}</b>", line(inlines, Inside { strong: true, ..Inside::default() }))
        }
        Block::Code { language, text } if language.is_empty() => format!("<pre>{}</pre>", escaped(text)),
        Block::Code { language, text } => {
            format!("<pre><code class=\"language-{}\">{}</code></pre>", escaped(language), escaped(text))
        }
        Block::List { start, items } => {
            let mut lines = Vec::new();
            for (index, item) in (0u64..).zip(items) {
                let marker = match start {
                    Some(start) => format!("{}. ", start.saturating_add(index)),
                    None => "• ".to_owned(),
                };
                lines.push(indented(&document(item, true, is_quote), &marker));
            }
            lines.join("\n")
        }
        // Quotes do not nest on the platforms that show this.
        Block::Quote(inner) if is_quote => {
            let lines = document(inner, false, true);
            lines.split('\n').map(|line| format!("&gt; {line}")).collect::<Vec<_>>().join("\n")
        }
        Block::Quote(inner) => format!("<blockquote>{}</blockquote>", document(inner, false, true)),
        Block::Table { header, rows } => format!("<pre>{}</pre>", escaped(&plain::table(header, rows))),
    }
}

/// Lines behind a list's marker; the later ones stand below the first, but for code, which stays as it is.
fn indented(lines: &str, marker: &str) -> String {
    let indent = " ".repeat(marker.chars().count());
    let mut out = marker.to_owned();
    let mut is_code = false;
    for (index, line) in lines.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            if !is_code && !line.is_empty() {
                out.push_str(&indent);
            }
        }
        out.push_str(line);
        is_code = match (line.rfind("<pre>"), line.rfind("</pre>")) {
            (start, Some(end)) => start.is_some_and(|start| start > end),
            (start, None) => is_code || start.is_some(),
        };
    }
    out
}

fn line(inlines: &[Inline], inside: Inside) -> String {
    let mut out = String::new();
    for inline in inlines {
        match inline {
            Inline::Text(text) => out.push_str(&escaped(text)),
            Inline::Strong(inner) if inside.strong => out.push_str(&line(inner, inside)),
            Inline::Strong(inner) => {
                out.push_str(&format!("<b>{}</b>", line(inner, Inside { strong: true, ..inside })));
            }
            Inline::Emphasis(inner) => out.push_str(&format!("<i>{}</i>", line(inner, inside))),
            Inline::Code(text) => out.push_str(&format!("<code>{}</code>", escaped(text))),
            Inline::Link { url, label } if leads_out(url) && !inside.link => {
                let label = line(label, Inside { link: true, ..inside });
                out.push_str(&format!("<a href=\"{}\">{label}</a>", escaped(url)));
            }
            Inline::Link { url, label } => {
                out.push_str(&line(label, inside));
                if !says_url(&words(label), url) {
                    out.push_str(&format!(" ({})", escaped(url)));
                }
            }
            Inline::Mention(person) => out.push_str(&escaped(&format!("@{}", person.name))),
            Inline::Citation(number) => out.push_str(&format!("[{number}]")),
            Inline::Break => out.push('\n'),
        }
    }
    out
}

/// Whether a link may be pressed; any other scheme could run something.
fn leads_out(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    url.contains(':') && matches!(scheme.as_str(), "http" | "https" | "mailto")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
