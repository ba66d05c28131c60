//! A reply becomes parts. In: a reply and what a platform can do. Out: messages within its limits and in its markup.

mod body;
mod sources;
#[cfg(test)]
mod tests;

use loquat_contract::{Block, Button, Capabilities, Choice, Document, Format, Inline, Part, Reply};

use crate::cut::{cut, is_visible};
pub(crate) use body::{each, ranges};
pub(crate) use sources::{and_more, shorten};

/// What is said where there is nothing to say: platforms refuse empty messages.
const NOTHING: &str = "…";

/// The parts of a reply: its sentences with the numbers of their citations, the citations below, then what can be chosen.
/// Where messages are one line, numbers in a row are a range, and only the first citations are named.
/// Sentences are Markdown; facts, labels and choices are words.
pub(crate) fn compose(reply: &Reply, choices: &[Choice], capabilities: &Capabilities) -> Vec<Part> {
    let is_one_line = capabilities.max_lines.is_some_and(|lines| lines <= 1);
    let mut document = visible(Document { blocks: body::blocks(reply, is_one_line) });
    document.blocks.extend(match is_one_line {
        _ if capabilities.citations_apart => None,
        true => sources::line(&reply.citations, &reply.language),
        false => sources::block(&reply.citations),
    });
    parts(document, choices, capabilities)
}

/// The parts of a plain text, such as a greeting, and what can be chosen. Nothing in it is markup.
pub(crate) fn notice(text: &str, choices: &[Choice], capabilities: &Capabilities) -> Vec<Part> {
    parts(visible(Document::plain(text)), choices, capabilities)
}

/// The parts that say that a message could not be answered.
pub(crate) fn apology(text: &str, capabilities: &Capabilities) -> Vec<Part> {
    let parts = notice(text, &[], capabilities).into_iter();
    parts.map(|part| Part { is_apology: true, ..part }).collect()
}

/// The parts of a document that is no reply.
pub(crate) fn show(document: Document, capabilities: &Capabilities) -> Vec<Part> {
    parts(visible(document), &[], capabilities)
}

fn visible(document: Document) -> Document {
    if is_visible(&document.render(Format::Plain)) { document } else { Document::plain(NOTHING) }
}

/// Cuts a document; choices are buttons on the last part, or numbered lines where the platform has too few.
fn parts(mut document: Document, choices: &[Choice], capabilities: &Capabilities) -> Vec<Part> {
    let are_lines = capabilities.buttons < choices.len();
    if are_lines {
        let items = choices.iter().map(|choice| Document {
            blocks: vec![Block::Paragraph(vec![Inline::Text(one_line(&choice.label))])],
        });
        document.blocks.push(Block::List { start: Some(1), items: items.collect() });
    }
    let pieces = cut(&document, capabilities).into_iter();
    let mut parts: Vec<Part> =
        pieces.map(|(text, document)| Part { text, document, ..Part::default() }).collect();
    if let Some(last) = parts.last_mut().filter(|_| !are_lines) {
        let button = |(place, choice): (usize, &Choice)| {
            vec![Button { id: format!("c{place}"), label: choice.label.clone() }]
        };
        last.buttons = choices.iter().enumerate().map(button).collect();
    }
    parts
}

/// Words that may have line breaks and control characters, as one line without.
pub(crate) fn one_line(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}
