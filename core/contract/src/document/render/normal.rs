//! The normal form of a tree. In: any tree. Out: one that says the same, with nothing empty in it and no formatting that says
//! nothing, as Markdown can write it. Knows no markup.

use super::words;
use crate::document::{Block, Document, Inline};

impl Document {
    /// The same text in normal form. Neighbours of one kind are one, strong words hold no strong words, links no links, and
    /// emphasis neither starts nor ends with white space. Lines are trimmed, an empty line parts paragraphs, headings and cells
    /// are one line, rows are as long as the header. Blocks, items and marks without words are left out. What a URL may not
    /// hold is percent-encoded.
    pub fn normalised(&self) -> Self {
        Self { blocks: self.blocks.iter().flat_map(block).collect() }
    }
}

fn block(block: &Block) -> Vec<Block> {
    let normal = match block {
        Block::Paragraph(inlines) => return paragraphs(inlines),
        Block::Heading(inlines) => Some(line(inlines)).filter(|line| !line.is_empty()).map(Block::Heading),
        Block::Code { language, text } => {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            let is_mark = |c: char| "`\\&<>\"'".contains(c) || c.is_control();
            let language = language.split_whitespace().next().unwrap_or_default().replace(is_mark, "");
            (!text.trim().is_empty()).then_some(Block::Code { language, text })
        }
        Block::List { start, items } => {
            let items = items.iter().map(Document::normalised).filter(|item| !item.is_empty());
            let items: Vec<Document> = items.collect();
            (!items.is_empty()).then_some(Block::List { start: *start, items })
        }
        Block::Quote(inner) => Some(inner.normalised()).filter(|inner| !inner.is_empty()).map(Block::Quote),
        Block::Table { header, rows } => table(header, rows),
    };
    normal.into_iter().collect()
}

fn table(header: &[Vec<Inline>], rows: &[Vec<Vec<Inline>>]) -> Option<Block> {
    let width = rows.iter().map(Vec::len).chain([header.len()]).max()?;
    let normal = |row: &Vec<Vec<Inline>>| {
        let mut row: Vec<Vec<Inline>> = row.iter().map(|cell| line(cell)).collect();
        row.resize(width, Vec::new());
        row
    };
    let header = normal(&header.to_vec());
    let rows: Vec<_> = rows.iter().map(normal).collect();
    let has_words = rows.iter().chain([&header]).flatten().any(|cell| !cell.is_empty());
    has_words.then_some(Block::Table { header, rows })
}

/// What an inline stands in.
#[derive(Clone, Copy, Default)]
struct Inside {
    strong: bool,
    emphasis: bool,
    link: bool,
    /// Whether a new line is a space here.
    one_line: bool,
}

fn paragraphs(inlines: &[Inline]) -> Vec<Block> {
    let all = trimmed(collected(inlines, Inside::default()), true);
    let paragraphs = all.split(|inline| *inline == Inline::Break).collect::<Vec<_>>();
    let mut blocks: Vec<Vec<Inline>> = Vec::new();
    let mut is_apart = true;
    for line in paragraphs {
        match blocks.last_mut().filter(|_| !is_apart) {
            _ if line.is_empty() => is_apart = true,
            Some(open) => {
                open.push(Inline::Break);
                open.extend_from_slice(line);
            }
            None => {
                blocks.push(line.to_vec());
                is_apart = false;
            }
        }
    }
    blocks.into_iter().map(Block::Paragraph).collect()
}

fn line(inlines: &[Inline]) -> Vec<Inline> {
    trimmed(collected(inlines, Inside { one_line: true, ..Inside::default() }), true)
}

fn collected(inlines: &[Inline], inside: Inside) -> Vec<Inline> {
    let mut out = Vec::new();
    for inline in inlines {
        add(&mut out, inline, inside);
    }
    out
}

fn add(out: &mut Vec<Inline>, inline: &Inline, inside: Inside) {
    match inline {
        Inline::Text(text) if inside.one_line => push(out, Inline::Text(text.replace(['\n', '\r'], " "))),
        Inline::Text(text) => {
            for (index, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
                if index > 0 {
                    out.push(Inline::Break);
                }
                push(out, Inline::Text(line.to_owned()));
            }
        }
        Inline::Break if inside.one_line => push(out, Inline::Text(" ".to_owned())),
        Inline::Code(code) => {
            let code = code.replace(['\n', '\r'], " ");
            let is_blank = code.trim().is_empty();
            push(out, if is_blank { Inline::Text(code) } else { Inline::Code(code) });
        }
        Inline::Strong(inner) if !inside.strong => {
            styled(out, collected(inner, Inside { strong: true, ..inside }), Inline::Strong);
        }
        Inline::Emphasis(inner) if !inside.emphasis => {
            styled(out, collected(inner, Inside { emphasis: true, ..inside }), Inline::Emphasis);
        }
        Inline::Link { url, label } if !inside.link && !url.trim().is_empty() => {
            let url = encoded(url.trim());
            let mut label = collected(label, Inside { link: true, one_line: true, ..inside });
            if words(&label).trim().is_empty() {
                label = vec![Inline::Text(url.clone())];
            }
            styled(out, label, |label| Inline::Link { url, label });
        }
        Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Link { label: inner, .. } => {
            for inline in inner {
                add(out, inline, inside);
            }
        }
        Inline::Mention(_) | Inline::Citation(_) | Inline::Break => out.push(inline.clone()),
    }
}

/// Adds an inline; it joins the last one where both are of one kind.
fn push(out: &mut Vec<Inline>, inline: Inline) {
    match (out.last_mut(), inline) {
        (_, Inline::Text(text)) if text.is_empty() => {}
        (Some(Inline::Text(last)), Inline::Text(text)) => last.push_str(&text),
        (Some(Inline::Code(last)), Inline::Code(text)) => last.push_str(&text),
        (Some(Inline::Strong(last)), Inline::Strong(inner))
        | (Some(Inline::Emphasis(last)), Inline::Emphasis(inner)) => {
            for inline in inner {
                push(last, inline);
            }
        }
        (_, inline) => out.push(inline),
    }
}

/// Adds inlines in a style, with the white space at their ends outside of it.
fn styled(out: &mut Vec<Inline>, mut inner: Vec<Inline>, style: impl FnOnce(Vec<Inline>) -> Inline) {
    let is_blank = |inline: &Inline| match inline {
        Inline::Break => true,
        Inline::Text(text) => text.trim().is_empty(),
        _ => false,
    };
    let Some(first) = inner.iter().position(|inline| !is_blank(inline)) else {
        return inner.into_iter().for_each(|blank| push(out, blank));
    };
    for blank in inner.drain(..first) {
        push(out, blank);
    }
    if let Some(Inline::Text(text)) = inner.first_mut() {
        let words = text.trim_start().to_owned();
        push(out, Inline::Text(text[..text.len() - words.len()].to_owned()));
        *text = words;
    }
    let last = inner.iter().rposition(|inline| !is_blank(inline)).unwrap_or_default();
    let mut after: Vec<Inline> = inner.drain(last + 1..).collect();
    if let Some(Inline::Text(text)) = inner.last_mut() {
        let blank = text.split_off(text.trim_end().len());
        after.insert(0, Inline::Text(blank));
    }
    push(out, style(trimmed(inner, false)));
    for blank in after {
        push(out, blank);
    }
}

/// Without white space around new lines and, in a block, at its ends; in a style, with single new lines.
fn trimmed(inlines: Vec<Inline>, is_block: bool) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::new();
    for inline in inlines {
        let is_start = out.last().map_or(is_block, |last| *last == Inline::Break);
        match inline {
            Inline::Text(text) if is_start => push(&mut out, Inline::Text(text.trim_start().to_owned())),
            Inline::Break => {
                trim_end(&mut out);
                if is_block || out.last() != Some(&Inline::Break) {
                    out.push(Inline::Break);
                }
            }
            other => push(&mut out, other),
        }
    }
    if is_block {
        trim_end(&mut out);
    }
    out
}

fn trim_end(out: &mut Vec<Inline>) {
    if let Some(Inline::Text(text)) = out.last_mut() {
        text.truncate(text.trim_end().len());
        if text.is_empty() {
            out.pop();
        }
    }
}

/// A URL with what no URL may hold percent-encoded (RFC 3986), and brackets that do not pair.
fn encoded(url: &str) -> String {
    let mut depth = 0;
    let mut is_paired = true;
    for c in url.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        is_paired &= (0..4).contains(&depth);
    }
    is_paired &= depth == 0;
    let mut out = String::with_capacity(url.len());
    for (at, c) in url.char_indices() {
        let is_mark = c.is_control() || c.is_whitespace() || "<>\"\\`{}|^".contains(c);
        let is_bracket = !is_paired && matches!(c, '(' | ')');
        if is_mark || is_bracket || c == '@' && super::calls_all(&url[at + 1..]) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}
