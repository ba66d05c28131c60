//! Blocks with a frame are cut: code, lists, quotes, tables. In: a block that fits into no part. Out: parts that do, each with
//! the frame, or without it where there is no room for it.

use loquat_contract::{Block, Document, Inline};

use super::line::Line;
use super::{Fits, Parts, holds, pack};

/// Cuts between lines; a line that is too long between words and graphemes.
pub(super) fn code(language: String, text: &str, fits: Fits<'_>) -> Vec<Vec<Block>> {
    let has_room =
        |language: &str| fits(&[Block::Code { language: language.to_owned(), text: "x".to_owned() }]);
    let language = if has_room(&language) { language } else { String::new() };
    if !has_room(&language) {
        return pack(vec![Block::Paragraph(vec![Inline::Text(text.to_owned())])], fits);
    }
    let code = |text: &str| Block::Code { language: language.clone(), text: text.to_owned() };
    let mut full: Vec<String> = Vec::new();
    let mut current: Option<String> = None;
    for unit in units(text) {
        let tried = current.as_ref().map_or_else(|| unit.clone(), |current| format!("{current}\n{unit}"));
        if fits(&[code(&tried)]) {
            current = Some(tried);
            continue;
        }
        full.extend(current.take());
        let bare = unit.trim_matches('\n');
        let fitting = [unit.as_str(), bare].into_iter().find(|text| fits(&[code(text)]));
        if let Some(fitting) = fitting {
            current = Some(fitting.to_owned());
            continue;
        }
        let fits = |inlines: Vec<Inline>| fits(&[code(&words(&inlines))]);
        let mut pieces = Line::new(&[Inline::Text(bare.to_owned())], &fits).cut(&fits);
        current = pieces.pop().map(|piece| words(&piece));
        full.extend(pieces.iter().map(|piece| words(piece)));
    }
    full.extend(current);
    let mut parts = Vec::new();
    for text in full.iter().filter(|text| !text.trim().is_empty()) {
        let block = vec![code(text)];
        if fits(&block) {
            parts.push(block);
        } else {
            parts.extend(pack(vec![Block::Paragraph(vec![Inline::Text(text.clone())])], fits));
        }
    }
    parts
}

/// The lines of code, each with the empty lines below it, and the first with those above it, so that none starts a part.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    let mut is_blank = true;
    for line in text.split('\n') {
        match units.last_mut().filter(|_| is_blank || line.trim().is_empty()) {
            Some(last) => *last = format!("{last}\n{line}"),
            None => units.push(line.to_owned()),
        }
        is_blank &= line.trim().is_empty();
    }
    units
}

fn words(inlines: &[Inline]) -> String {
    let text = |inline: &Inline| if let Inline::Text(text) = inline { text.clone() } else { String::new() };
    inlines.iter().map(text).collect()
}

/// Cuts between items; numbers go on in the next part. An item that is too long is cut inside: its first part is an item, and
/// what follows stands below without a mark.
pub(super) fn list(start: Option<u64>, items: Vec<Document>, fits: Fits<'_>) -> Vec<Vec<Block>> {
    let mut parts = Parts::default();
    // Whether the last block of the current part is this list, not one inside of it.
    let mut is_open = false;
    for (index, item) in (0u64..).zip(items) {
        let number = start.map(|start| start.saturating_add(index));
        let alone = |item: Document| Block::List { start: number, items: vec![item] };
        let mut tried = parts.current.clone();
        match tried.last_mut() {
            Some(Block::List { items, .. }) if is_open => items.push(item.clone()),
            _ => tried.push(alone(item.clone())),
        }
        if fits(&tried) {
            parts.current = tried;
            is_open = true;
            continue;
        }
        parts.close();
        is_open = fits(&[alone(item.clone())]);
        if is_open {
            parts.current.push(alone(item));
        } else {
            parts.go_on(framed(item.blocks, &|blocks| alone(Document { blocks }), true, fits));
        }
    }
    parts.finish()
}

/// Cuts inside of a quote; each part is a quote.
pub(super) fn quote(inner: Document, fits: Fits<'_>) -> Vec<Vec<Block>> {
    framed(inner.blocks, &|blocks| Block::Quote(Document { blocks }), false, fits)
}

/// Cuts blocks so that they fit into a frame, and frames all parts or only the first.
fn framed(
    blocks: Vec<Block>,
    frame: &dyn Fn(Vec<Block>) -> Block,
    first_only: bool,
    fits: Fits<'_>,
) -> Vec<Vec<Block>> {
    if !holds(&|inlines| frame(vec![Block::Paragraph(inlines)]), fits) {
        return pack(blocks, fits);
    }
    let mut parts = Vec::new();
    for part in pack(blocks, &|blocks| fits(&[frame(blocks.to_vec())])) {
        let block = vec![frame(part.clone())];
        if fits(&block) && (parts.is_empty() || !first_only) {
            parts.push(block);
        } else {
            parts.extend(pack(part, fits));
        }
    }
    parts
}

/// Cuts between rows, below a header in each part. A row for which there is no room below the header becomes a line; where that is
/// the first one, all do.
pub(super) fn table(
    header: Vec<Vec<Inline>>,
    rows: Vec<Vec<Vec<Inline>>>,
    fits: Fits<'_>,
) -> Vec<Vec<Block>> {
    let alone = |row: &Vec<Vec<Inline>>| Block::Table { header: header.clone(), rows: vec![row.clone()] };
    if !rows.first().is_some_and(|first| fits(&[alone(first)])) {
        let lines = std::iter::once(&header).chain(&rows).map(|row| Block::Paragraph(row_line(row)));
        return pack(lines.collect(), fits);
    }
    let mut parts = Parts::default();
    let mut is_open = false;
    for row in rows {
        let mut tried = parts.current.clone();
        match tried.last_mut() {
            Some(Block::Table { rows, .. }) if is_open => rows.push(row.clone()),
            _ => tried.push(alone(&row)),
        }
        if fits(&tried) {
            parts.current = tried;
            is_open = true;
            continue;
        }
        parts.close();
        is_open = fits(&[alone(&row)]);
        if is_open {
            parts.current.push(alone(&row));
        } else {
            parts.go_on(pack(vec![Block::Paragraph(row_line(&row))], fits));
        }
    }
    parts.finish()
}

/// A row as a line.
pub(super) fn row_line(row: &[Vec<Inline>]) -> Vec<Inline> {
    let bar = Inline::Text(" | ".to_owned());
    row.iter().filter(|cell| !cell.is_empty()).map(Vec::as_slice).collect::<Vec<_>>().join(&bar)
}
