//! The citations of a reply become a block. In: facts in words. Out: a numbered line for each. Facts are data: nothing in them is
//! markup.

use loquat_contract::{Block, Citation, Inline};

use super::one_line;

/// A line for each citation, or one line for all; `None` where there are none. Facts in a row from one source name it once, at the
/// last of them.
pub(super) fn block(citations: &[Citation], is_one_line: bool) -> Option<Block> {
    let mut line = Vec::new();
    let mut citations = (1..).zip(citations).peekable();
    while let Some((number, citation)) = citations.next() {
        if number > 1 {
            line.push(if is_one_line { Inline::Text("; ".to_owned()) } else { Inline::Break });
        }
        let words = [&citation.subject, &citation.predicate, &citation.object].map(|text| one_line(text));
        let mut text = format!(" {}", words.join(" — "));
        let is_last = citations.peek().is_none_or(|(_, next)| next.source != citation.source);
        let source = one_line(&citation.source);
        if is_last && !source.is_empty() {
            text.push_str(&format!(" ({source})"));
        }
        line.push(Inline::Citation(number));
        line.push(Inline::Text(text));
    }
    (!line.is_empty()).then_some(Block::Paragraph(line))
}
