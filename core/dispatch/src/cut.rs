//! A document is cut to length. In: a tree and a limit. Out: trees that each fit, in order, with nothing broken.

mod frame;
mod line;
mod single;
#[cfg(test)]
mod tests;

use loquat_contract::{Block, Capabilities, Document, Format, Inline};

use self::line::Line;

/// Whether blocks fit into one part, in whatever they stand in.
type Fits<'f> = &'f dyn Fn(&[Block]) -> bool;

/// Cuts a tree into parts that fit the platform: the text of each in its format, and its tree. It cuts between blocks, else
/// between items, lines of code or rows, else between sentences, words and last graphemes. What fits nowhere in its frame, such
/// as a quote, loses the frame. No part is blank; a document without visible words has none.
///
/// Only a part of one grapheme can be longer than the limit, where that is smaller still.
pub(crate) fn cut(document: &Document, capabilities: &Capabilities) -> Vec<(String, Document)> {
    let tree = document.normalised();
    if capabilities.max_length.is_none() && capabilities.max_lines.is_none() {
        return whole(tree, capabilities.format).into_iter().collect();
    }
    let fits = |blocks: &[Block]| is_within(&render(blocks, capabilities.format), capabilities);
    let parts = match capabilities.max_lines {
        Some(0 | 1) => {
            single::lines(tree.blocks).into_iter().flat_map(|line| pack(vec![line], &fits)).collect()
        }
        _ => pack(tree.blocks, &fits),
    };
    let documents = parts.into_iter().map(|blocks| Document { blocks }.normalised());
    let visible = documents.filter(|part| is_visible(&part.render(Format::Plain)));
    visible.map(|part| (part.render(capabilities.format), part)).collect()
}

/// A tree that is one part; none where it shows nothing. Drafts come by here with each sentence, so nothing is read twice.
fn whole(tree: Document, format: Format) -> Option<(String, Document)> {
    let plain = tree.render(Format::Plain);
    let text = if format == Format::Plain { None } else { Some(tree.render(format)) };
    is_visible(&plain).then(|| (text.unwrap_or(plain), tree))
}

/// Whether a text shows anything: more than white space and characters without width.
pub(crate) fn is_visible(text: &str) -> bool {
    text.chars().any(|c| {
        let is_mark = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
        !c.is_whitespace() && !c.is_control() && !is_mark
    })
}

fn render(blocks: &[Block], format: Format) -> String {
    Document { blocks: blocks.to_vec() }.render(format)
}

fn is_within(text: &str, capabilities: &Capabilities) -> bool {
    let is_short = capabilities.max_length.is_none_or(|length| length.unit.measure(text) <= length.limit);
    is_short && capabilities.max_lines.is_none_or(|lines| text.split('\n').count() <= lines.max(1))
}

/// Fills parts with blocks; one that fits into none is split.
fn pack(blocks: Vec<Block>, fits: Fits<'_>) -> Vec<Vec<Block>> {
    if blocks.is_empty() {
        return Vec::new();
    }
    if fits(&blocks) {
        return vec![blocks];
    }
    let mut parts = Parts::default();
    for block in blocks {
        parts.current.push(block);
        if fits(&parts.current) {
            continue;
        }
        let Some(block) = parts.current.pop() else { continue };
        let heading = parts.take_heading();
        parts.close();
        let mut with_heading: Vec<Block> = heading.iter().cloned().collect();
        with_heading.push(block.clone());
        if fits(&with_heading) {
            parts.current = with_heading;
        } else if let Some(pieces) =
            heading.clone().and_then(|heading| split_below(heading, block.clone(), fits))
        {
            parts.go_on(pieces);
        } else {
            // There is no room for both.
            parts.full.extend(heading.map(|heading| vec![heading]));
            if fits(std::slice::from_ref(&block)) {
                parts.current.push(block);
            } else {
                parts.go_on(split(block, fits));
            }
        }
    }
    parts.finish()
}

/// Parts that are full, and the one that is being filled.
#[derive(Default)]
struct Parts {
    full: Vec<Vec<Block>>,
    current: Vec<Block>,
}

impl Parts {
    fn close(&mut self) {
        if !self.current.is_empty() {
            self.full.push(std::mem::take(&mut self.current));
        }
    }

    /// The heading at the end of what is being filled: it belongs to what comes next.
    fn take_heading(&mut self) -> Option<Block> {
        self.current.pop_if(|block| matches!(block, Block::Heading(_)))
    }

    /// Adds parts; the last of them can still be filled.
    fn go_on(&mut self, parts: Vec<Vec<Block>>) {
        for part in parts {
            self.close();
            self.current = part;
        }
    }

    fn finish(mut self) -> Vec<Vec<Block>> {
        self.close();
        self.full
    }
}

/// Splits a block below its heading; `None` where the heading leaves too little room.
fn split_below(heading: Block, block: Block, fits: Fits<'_>) -> Option<Vec<Vec<Block>>> {
    let below = |piece: &[Block]| {
        let mut blocks = vec![heading.clone()];
        blocks.extend_from_slice(piece);
        fits(&blocks)
    };
    // Every piece gets no more room than there is below the heading: where that is the smaller half, there would be many.
    if !below(std::slice::from_ref(&heading)) {
        return None;
    }
    let mut pieces = split(block, &below);
    if !pieces.iter().all(|piece| below(piece)) {
        return None;
    }
    pieces.first_mut()?.insert(0, heading.clone());
    Some(pieces)
}

/// Splits a block that fits into no part.
fn split(block: Block, fits: Fits<'_>) -> Vec<Vec<Block>> {
    match block {
        Block::Paragraph(inlines) => sentences(&inlines, Block::Paragraph, fits),
        Block::Heading(inlines) if holds(&Block::Heading, fits) => sentences(&inlines, Block::Heading, fits),
        Block::Heading(inlines) => sentences(&inlines, Block::Paragraph, fits),
        Block::Code { language, text } => frame::code(language, &text, fits),
        Block::List { start, items } => frame::list(start, items, fits),
        Block::Quote(inner) => frame::quote(inner, fits),
        Block::Table { header, rows } => frame::table(header, rows, fits),
    }
}

fn sentences(inlines: &[Inline], wrap: fn(Vec<Inline>) -> Block, fits: Fits<'_>) -> Vec<Vec<Block>> {
    let fits = |inlines: Vec<Inline>| fits(&[wrap(inlines)]);
    Line::new(inlines, &fits).cut(&fits).into_iter().map(|inlines| vec![wrap(inlines)]).collect()
}

/// Whether there is room in a frame for as little as one letter.
fn holds(wrap: &dyn Fn(Vec<Inline>) -> Block, fits: Fits<'_>) -> bool {
    fits(&[wrap(vec![Inline::Text("x".to_owned())])])
}
