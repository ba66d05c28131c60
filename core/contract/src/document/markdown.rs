//! Markdown becomes a tree. In: CommonMark with tables. Out: a [`Document`]; what the tree has no place for stays as words.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag};

use super::{Block, Document, Inline};

/// Lists and quotes deeper than this lose their frames, inline styles too; their words stay.
const DEEPEST: usize = 12;

impl Document {
    /// Reads CommonMark with tables, in any language and however broken; the tree is in [normal form](Document::normalised).
    ///
    /// Every word is kept. Raw HTML, link targets that no link uses and cells beyond the header stay as words. Images become
    /// links with their description; rules, titles of links and alignments go. A line break is a space, or nothing beside a
    /// script that has none; only a hard break is [`Inline::Break`].
    pub fn from_markdown(text: &str) -> Self {
        let text = without_unused_targets(text);
        let events = Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter().collect();
        let mut reader = Reader { text: &text, events, at: 0 };
        Document { blocks: reader.blocks(0) }.normalised()
    }
}

/// Escapes the targets (`[name]: url`) that no link uses: they would vanish.
fn without_unused_targets(text: &str) -> String {
    let mut text = text.replace('\0', "\u{fffd}");
    loop {
        let mut events = Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter();
        let used: Vec<String> = events
            .by_ref()
            .filter_map(|(event, _)| match event {
                Event::Start(Tag::Link { id, .. } | Tag::Image { id, .. }) => Some(id.to_lowercase()),
                _ => None,
            })
            .collect();
        let targets = events.reference_definitions().iter();
        let mut unused: Vec<usize> = targets
            .filter(|(name, _)| !used.contains(&name.to_lowercase()))
            .map(|(_, target)| target.span.start)
            .collect();
        unused.sort_unstable();
        if unused.is_empty() {
            return text;
        }
        for start in unused.into_iter().rev() {
            let bracket = text[start..].find('[').map_or(start, |at| start + at);
            text.insert(bracket, '\\');
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    events: Vec<(Event<'a>, Range<usize>)>,
    /// The event that is read next.
    at: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Range<usize>)> {
        let event = self.events.get(self.at).cloned();
        self.at += 1;
        event
    }

    /// Blocks until the end of what they stand in.
    fn blocks(&mut self, depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut loose = Vec::new();
        let mut skipped = 0;
        while let Some((event, range)) = self.next() {
            if is_inline(&event) {
                self.inline(event, &mut loose, 0);
                continue;
            }
            if !loose.is_empty() {
                blocks.push(Block::Paragraph(std::mem::take(&mut loose)));
            }
            match event {
                Event::Start(Tag::Paragraph | Tag::HtmlBlock) => {
                    blocks.push(Block::Paragraph(self.inlines(0)))
                }
                Event::Start(Tag::Heading { .. }) => blocks.push(Block::Heading(self.inlines(0))),
                Event::Start(Tag::CodeBlock(kind)) => blocks.push(self.code(kind)),
                Event::Start(Tag::Table(_)) => blocks.push(self.table()),
                Event::Start(Tag::BlockQuote(_)) if depth < DEEPEST => {
                    blocks.push(Block::Quote(Document { blocks: self.blocks(depth + 1) }));
                }
                Event::Start(Tag::List(start)) if depth < DEEPEST => {
                    blocks.push(self.list(start, range, depth + 1));
                }
                Event::Start(_) => skipped += 1,
                Event::End(_) if skipped > 0 => skipped -= 1,
                Event::End(_) => return blocks,
                _ => {}
            }
        }
        if !loose.is_empty() {
            blocks.push(Block::Paragraph(loose));
        }
        blocks
    }

    fn list(&mut self, start: Option<u64>, range: Range<usize>, depth: usize) -> Block {
        let mut items = Vec::new();
        while let Some((Event::Start(_), _)) = self.next() {
            items.push(Document { blocks: self.blocks(depth) });
        }
        // A number alone, such as a year that ends a sentence, is no list.
        if start.is_some() && items.iter().all(|item| item.normalised().is_empty()) {
            return Block::Paragraph(vec![Inline::Text(self.text[range].trim().to_owned())]);
        }
        Block::List { start, items }
    }

    fn code(&mut self, kind: CodeBlockKind<'_>) -> Block {
        let mut text = String::new();
        while let Some((Event::Text(piece), _)) = self.next() {
            text.push_str(&piece);
        }
        if text.ends_with('\n') {
            text.pop();
        }
        let language = match kind {
            CodeBlockKind::Fenced(language) => language.to_string(),
            CodeBlockKind::Indented => String::new(),
        };
        Block::Code { language, text }
    }

    fn table(&mut self) -> Block {
        let mut rows = Vec::new();
        while let Some((Event::Start(_), range)) = self.next() {
            let mut row = Vec::new();
            let mut end = range.start;
            while let Some((Event::Start(_), cell)) = self.next() {
                row.push(self.inlines(0));
                end = cell.end;
            }
            // What the parser leaves out: cells beyond the header.
            let rest = self.text.get(end..range.end).unwrap_or_default();
            let cells = rest.trim().trim_matches('|').split('|').map(str::trim);
            row.extend(cells.filter(|cell| !cell.is_empty()).map(|cell| vec![Inline::Text(cell.to_owned())]));
            rows.push(row);
        }
        let header = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        Block::Table { header, rows }
    }

    /// Inlines until the end of what they stand in.
    fn inlines(&mut self, depth: usize) -> Vec<Inline> {
        let mut out = Vec::new();
        let mut skipped = 0;
        while let Some((event, _)) = self.next() {
            match event {
                Event::Start(_) if depth >= DEEPEST => skipped += 1,
                Event::End(_) if skipped > 0 => skipped -= 1,
                Event::End(_) => break,
                event => self.inline(event, &mut out, depth),
            }
        }
        out
    }

    fn inline(&mut self, event: Event<'_>, out: &mut Vec<Inline>, depth: usize) {
        match event {
            Event::Start(Tag::Strong) => out.push(Inline::Strong(self.inlines(depth + 1))),
            Event::Start(Tag::Emphasis) => out.push(Inline::Emphasis(self.inlines(depth + 1))),
            Event::Start(
                Tag::Link { link_type, dest_url: url, .. } | Tag::Image { link_type, dest_url: url, .. },
            ) => {
                let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
                out.push(Inline::Link { url: format!("{scheme}{url}"), label: self.inlines(depth + 1) });
            }
            Event::Start(_) => out.extend(self.inlines(depth + 1)),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push(Inline::Text(text.to_string()));
            }
            Event::Code(text) => out.push(Inline::Code(text.to_string())),
            Event::HardBreak => out.push(Inline::Break),
            Event::SoftBreak if self.is_between_words() => out.push(Inline::Text(" ".to_owned())),
            _ => {}
        }
    }

    /// Whether a space belongs to the line break just read.
    fn is_between_words(&self) -> bool {
        let (before, after) = self.events.split_at(self.at.min(self.events.len()));
        let before = before.iter().rev().find_map(|(event, _)| said(event)?.chars().next_back());
        let after = after.iter().find_map(|(event, _)| said(event)?.chars().next());
        ![before, after].into_iter().flatten().any(is_unspaced)
    }
}

fn said<'e>(event: &'e Event<'_>) -> Option<&'e str> {
    match event {
        Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => Some(text),
        _ => None,
    }
}

fn is_inline(event: &Event<'_>) -> bool {
    match event {
        Event::Start(tag) => {
            matches!(tag, Tag::Strong | Tag::Emphasis | Tag::Link { .. } | Tag::Image { .. })
        }
        Event::End(_) | Event::Rule => false,
        _ => true,
    }
}

/// Scripts whose sentences stand side by side: CJK punctuation, kana, ideographs, full-width forms.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}
