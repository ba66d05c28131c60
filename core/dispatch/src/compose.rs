//! A reply becomes parts. In: a reply and what a platform can do. Out: messages within its limits and in its markup.

mod body;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use loquat_contract::{
    Block, Capabilities, Choice, Citation, Document, Format, Generation, Inline, Language, ModelIdentity,
    Outcome, Part, Policy, Reply, Sentence, Timings, TokenCount,
};

use crate::buttons::are_buttons;
use crate::cut::{cut, is_visible};
pub(crate) use body::{Piece, each, ranges};
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

/// What the first part of a reply would be, were it to end with these sentences: with the numbers of its citations, and without the
/// citations themselves, which only the reply has.
pub(crate) fn draft(sentences: &[Sentence], capabilities: &Capabilities) -> Part {
    let document = Document { blocks: Growing::new(capabilities).add(sentences).blocks };
    let first = |document| parts(document, &[], capabilities).into_iter().next();
    first(document).or_else(|| first(Document::plain(NOTHING))).unwrap_or_default()
}

/// A reply that is still being written, of which no more is kept than what the next sentences need.
pub(crate) struct Growing {
    /// Without sentences; its citations are those so far.
    reply: Reply,
    body: body::Body,
    is_one_line: bool,
}

impl Growing {
    pub(crate) fn new(capabilities: &Capabilities) -> Self {
        let reply = Reply {
            answer: String::new(),
            language: Language::english(),
            outcome: Outcome::Answered,
            sentences: Vec::new(),
            citations: Vec::new(),
            entities: Vec::new(),
            values: Vec::new(),
            gaps: Vec::new(),
            choices: Vec::new(),
            policy: Policy::default(),
            model: ModelIdentity { name: String::new(), sha256: String::new() },
            graph: Generation::default(),
            seed: 0,
            timings: Timings::default(),
            tokens: TokenCount::default(),
        };
        let is_one_line = capabilities.max_lines.is_some_and(|lines| lines <= 1);
        Self { reply, body: body::Body::default(), is_one_line }
    }

    /// What sentences add to it.
    pub(crate) fn add(&mut self, sentences: &[Sentence]) -> Piece {
        let citations = &mut self.reply.citations;
        for id in sentences.iter().flat_map(|sentence| &sentence.facts) {
            if !citations.iter().any(|citation| citation.id == *id) {
                citations.push(unnamed(id.clone()));
            }
        }
        let is_han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}');
        if sentences.iter().any(|sentence| sentence.text.chars().any(is_han)) {
            self.reply.language = Language::chinese();
        }
        self.body.add(&self.reply, sentences, self.is_one_line)
    }
}

/// A citation of which only the fact is known.
fn unnamed(id: loquat_contract::FactId) -> Citation {
    let (subject, predicate, object) = Default::default();
    Citation {
        id,
        entity: Default::default(),
        subject,
        predicate,
        object,
        source: Arc::from(""),
        since: Generation::default(),
    }
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

/// Cuts a document; choices are numbered lines where the platform has too few buttons, which are added later.
fn parts(mut document: Document, choices: &[Choice], capabilities: &Capabilities) -> Vec<Part> {
    if !are_buttons(choices, capabilities) {
        let items = choices.iter().map(|choice| Document {
            blocks: vec![Block::Paragraph(vec![Inline::Text(one_line(&choice.label))])],
        });
        document.blocks.push(Block::List { start: Some(1), items: items.collect() });
    }
    if let Some(columns) = capabilities.table_columns {
        document = document.with_tables_within(columns);
    }
    let pieces = cut(&document, capabilities).into_iter();
    pieces.map(|(text, document)| Part { text, document, ..Part::default() }).collect()
}

/// Words that may have line breaks and control characters, as one line without.
pub(crate) fn one_line(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}
