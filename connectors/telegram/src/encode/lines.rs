//! A tree becomes lines, each with what is special in it. In: a document in normal form. Out: lines, as in the plain text of the document, but
//! without what entities say.

use loquat_contract::{Block, Document, Inline, Mentioned};
use reqwest::Url;
use teloxide_core::types::{MessageEntityKind, User, UserId};

use super::table;

/// A part of a line that is special.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: MessageEntityKind,
    /// The block that it is a line of, where that has several.
    pub(super) block: Option<usize>,
}

/// A line, and whether it is code, which no list indents.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) spans: Vec<Span>,
    is_code: bool,
}

impl Line {
    fn bare(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Puts text before the line.
    fn indent(&mut self, text: &str) {
        self.text.insert_str(0, text);
        for span in &mut self.spans {
            span.start += text.len();
            span.end += text.len();
        }
    }

    fn cover(&mut self, start: usize, kind: MessageEntityKind, block: Option<usize>) {
        self.spans.push(Span { start, end: self.text.len(), kind, block });
    }
}

/// The lines of a document.
pub(super) fn document(tree: &Document) -> Vec<Line> {
    Writer::default().document(tree, false)
}

#[derive(Default)]
struct Writer {
    /// How many blocks of several lines there are so far.
    blocks: usize,
    /// How deep in quotes this is: Telegram has none in a quote.
    quotes: usize,
}

impl Writer {
    fn document(&mut self, tree: &Document, is_item: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut last: Option<&Block> = None;
        for block in &tree.blocks {
            let is_tight =
                is_item && !matches!((last, block), (Some(Block::Paragraph(_)), Block::Paragraph(_)));
            if last.is_some() && !is_tight {
                lines.push(Line::default());
            }
            lines.extend(self.block(block));
            last = Some(block);
        }
        lines
    }

    fn block(&mut self, block: &Block) -> Vec<Line> {
        match block {
            Block::Paragraph(inlines) => inline(inlines, Inside::default()),
            Block::Heading(inlines) => {
                let mut lines = inline(inlines, Inside::default());
                for line in &mut lines {
                    line.cover(0, MessageEntityKind::Bold, None);
                }
                lines
            }
            Block::Code { language, text } => {
                let language = Some(language.clone()).filter(|language| !language.is_empty());
                self.pre(text, language)
            }
            Block::List { start, items } => self.list(*start, items),
            Block::Quote(inner) => self.quote(inner),
            Block::Table { header, rows } => self.pre(&table::text(header, rows), None),
        }
    }

    fn pre(&mut self, text: &str, language: Option<String>) -> Vec<Line> {
        self.blocks += 1;
        let line = |text: &str| {
            let mut line = Line { is_code: true, ..Line::bare(text) };
            line.cover(0, MessageEntityKind::Pre { language: language.clone() }, Some(self.blocks));
            line
        };
        text.split('\n').map(line).collect()
    }

    fn list(&mut self, start: Option<u64>, items: &[Document]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (index, item) in (0u64..).zip(items) {
            let marker = match start {
                Some(start) => format!("{}. ", start.saturating_add(index)),
                None => "• ".to_owned(),
            };
            lines.extend(indented(self.document(item, true), &marker));
        }
        lines
    }

    fn quote(&mut self, inner: &Document) -> Vec<Line> {
        self.quotes += 1;
        self.blocks += 1;
        let block = self.blocks;
        let mut lines = self.document(inner, false);
        self.quotes -= 1;
        for line in &mut lines {
            if self.quotes == 0 {
                line.cover(0, MessageEntityKind::Blockquote, Some(block));
            } else {
                line.indent(if line.text.is_empty() { ">" } else { "> " });
            }
        }
        lines
    }
}

/// Lines behind a list's marker; the later ones stand below the first.
fn indented(lines: Vec<Line>, marker: &str) -> Vec<Line> {
    let indent = " ".repeat(marker.chars().count());
    let mut out = Vec::new();
    for (index, mut line) in lines.into_iter().enumerate() {
        if line.is_code && index == 0 {
            out.push(Line::bare(marker.trim_end()));
        }
        if !line.is_code && !line.text.is_empty() {
            line.indent(if index == 0 { marker } else { &indent });
        }
        out.push(line);
    }
    out
}

/// What an inline stands in.
#[derive(Clone, Copy, Default)]
struct Inside {
    /// In a link, where code would take the link away.
    link: bool,
}

/// The lines of a paragraph.
fn inline(inlines: &[Inline], inside: Inside) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    for inline in inlines {
        write(&mut lines, inline, inside);
    }
    lines
}

fn write(lines: &mut Vec<Line>, inline: &Inline, inside: Inside) {
    let Some(last) = lines.last_mut() else { return };
    let start = last.text.len();
    match inline {
        Inline::Text(text) => last.text.push_str(text),
        Inline::Code(code) => {
            last.text.push_str(code);
            if !inside.link {
                last.cover(start, MessageEntityKind::Code, None);
            }
        }
        Inline::Strong(inner) => styled(lines, inner, inside, &MessageEntityKind::Bold),
        Inline::Emphasis(inner) => styled(lines, inner, inside, &MessageEntityKind::Italic),
        Inline::Link { url, label } => link(lines, url, label),
        Inline::Mention(person) => mention(last, person),
        Inline::Citation(number) => last.text.push_str(&format!("[{number}]")),
        Inline::Break => lines.push(Line::default()),
    }
}

fn styled(lines: &mut Vec<Line>, inner: &[Inline], inside: Inside, kind: &MessageEntityKind) {
    let first = lines.len() - 1;
    let start = lines[first].text.len();
    for inline in inner {
        write(lines, inline, inside);
    }
    for (index, line) in lines.iter_mut().enumerate().skip(first) {
        line.cover(if index == first { start } else { 0 }, kind.clone(), None);
    }
}

/// A link's words, and the link below them; where Telegram knows no such link, where it leads stands behind.
fn link(lines: &mut Vec<Line>, url: &str, label: &[Inline]) {
    let words = table::words(label);
    let says_url = words == url || url.strip_prefix("mailto:") == Some(&*words);
    let known = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match known.filter(|_| !says_url) {
        Some(url) => styled(lines, label, Inside { link: true }, &MessageEntityKind::TextLink { url }),
        None => {
            for inline in label {
                write(lines, inline, Inside { link: true });
            }
            if let Some(last) = lines.last_mut().filter(|_| !says_url) {
                last.text.push_str(&format!(" ({url})"));
            }
        }
    }
}

/// Somebody, told that they are named: by their number, or as `@name` by Telegram itself.
fn mention(line: &mut Line, person: &Mentioned) {
    let start = line.text.len();
    line.text.push('@');
    line.text.push_str(&person.name);
    if let Ok(id) = person.id.parse() {
        let user = User {
            id: UserId(id),
            is_bot: false,
            first_name: person.name.clone(),
            last_name: None,
            username: None,
            language_code: None,
            is_premium: false,
            added_to_attachment_menu: false,
        };
        line.cover(start, MessageEntityKind::TextMention { user }, None);
    } else {
        // Telegram makes this one itself; here it says that the name is meant.
        line.cover(start, MessageEntityKind::Mention, None);
    }
}
