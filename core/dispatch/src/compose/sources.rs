//! The citations of a reply become a block. In: facts in words. Out: a numbered line for each, or one line. Facts are data:
//! nothing in them is markup.

use loquat_contract::{Block, Citation, Inline, Language};

use super::one_line;

/// The most citations that are named where messages are one line.
const NAMED: usize = 3;
/// The most characters of a subject, predicate or object.
const LONGEST: usize = 120;

/// A line for each citation; `None` where there are none.
pub(super) fn block(citations: &[Citation]) -> Option<Block> {
    paragraph(facts(citations), &Inline::Break)
}

/// One line with the first citations, and how many more there are; `None` where there are none.
pub(super) fn line(citations: &[Citation], language: &Language) -> Option<Block> {
    let (named, more) = citations.split_at(citations.len().min(NAMED));
    let mut facts = facts(named);
    if !more.is_empty() {
        facts.push(vec![Inline::Text(and_more(more.len(), language))]);
    }
    paragraph(facts, &Inline::Text("; ".to_owned()))
}

fn paragraph(facts: Vec<Vec<Inline>>, separator: &Inline) -> Option<Block> {
    let line = facts.join(separator);
    (!line.is_empty()).then_some(Block::Paragraph(line))
}

/// The facts with their numbers. Those in a row from one source name it once, at the last of them.
fn facts(citations: &[Citation]) -> Vec<Vec<Inline>> {
    let mut facts = Vec::new();
    let mut citations = (1..).zip(citations).peekable();
    while let Some((number, citation)) = citations.next() {
        let words =
            [&citation.subject, &citation.predicate, &citation.object].map(|text| shorten(&one_line(text)));
        let mut text = format!(" {}", words.join(" — "));
        let is_last = citations.peek().is_none_or(|(_, next)| next.source != citation.source);
        let source = one_line(&citation.source);
        if is_last && !source.is_empty() {
            text.push_str(&format!(" ({source})"));
        }
        facts.push(vec![Inline::Citation(number), Inline::Text(text)]);
    }
    facts
}

/// A fact that is a whole text stands in the answer already; its beginning tells which one it is.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many facts are not named.
pub(crate) fn and_more(count: usize, language: &Language) -> String {
    match count {
        _ if language.matches(&Language::chinese()) => format!("以及另外 {count} 条事实"),
        1 => "and 1 more fact".to_owned(),
        _ => format!("and {count} more facts"),
    }
}
