//! An explanation as a document. In: a reply of the journal. Out: its sentences with their verdicts, its facts with sources, and from
//! which state of the graph and by which model it was made. What is quoted is words, never markup.

use loquat_contract::{
    Block, Citation, Document, Format, Gap, Generation, Inline, Outcome, Reply, Sentence, Sequence, Span,
    Verdict,
};

use super::words::{Words, of};
use crate::compose::{and_more, each, one_line, ranges, shorten};

/// The most facts that are named where messages are one line.
const NAMED: usize = 5;

/// Says what an answer rests on.
pub(super) fn explain(number: Sequence, asked: Option<&str>, reply: &Reply, is_one_line: bool) -> Document {
    let words = of(&reply.language);
    let about = if asked.is_some() { words.about } else { words.about_number };
    // The question last: it may have brackets of its own.
    let about = about.replace("{number}", &number.to_string());
    let asked = shorten(&one_line(asked.unwrap_or_default()));
    let mut blocks = vec![line(about.replace("{question}", &asked))];
    let claims = |sentence: &Sentence| sentence.verdict != Verdict::NoClaim;
    if reply.sentences.iter().any(claims) {
        blocks.extend(reply.sentences.iter().map(|one| sentence(reply, one, words, is_one_line)));
    } else {
        blocks.push(line(nothing_claimed(reply.outcome, words).to_owned()));
    }
    blocks.extend(reply.gaps.iter().map(|gap| line(missing(gap, words))));
    blocks.extend(facts(&reply.citations, reply, words, is_one_line));
    let made = words
        .made
        .replace("{generation}", &reply.graph.to_string())
        .replace("{policy}", words.policy(reply.policy))
        .replace("{model}", &one_line(&reply.model.name));
    blocks.push(line(made));
    Document { blocks }
}

fn line(text: String) -> Block {
    Block::Paragraph(vec![Inline::Text(text)])
}

fn nothing_claimed(outcome: Outcome, words: &Words) -> &'static str {
    match outcome {
        Outcome::Abstained => words.abstained,
        Outcome::Clarified => words.clarified,
        Outcome::Answered | Outcome::Smalltalk => words.smalltalk,
    }
}

fn missing(gap: &Gap, words: &Words) -> String {
    let name = if gap.name.is_empty() { words.unnamed } else { &gap.name };
    let asked = match (&gap.asked, &gap.predicate) {
        (asked, _) if !asked.is_empty() => asked.as_str(),
        (_, Some(predicate)) => predicate.as_str(),
        _ => return format!("{}{}{}", words.missing, shorten(&one_line(name)), words.stop),
    };
    let [name, asked] = [name, asked].map(|text| shorten(&one_line(text)));
    format!("{}{name} — {asked}{}", words.missing, words.stop)
}

/// A sentence, what was found of it, and whose words it is in.
fn sentence(reply: &Reply, sentence: &Sentence, words: &Words, is_one_line: bool) -> Block {
    let said = one_line(&Document::from_markdown(&sentence.text).render(Format::Plain));
    let [open, close] = words.quotes;
    let gap = if is_one_line { Inline::Text(" ".to_owned()) } else { Inline::Break };
    let mut inlines = vec![Inline::Text(format!("{open}{said}{close}")), gap];
    let numbers = reply.citation_numbers(sentence);
    let cited = || {
        let marks = if is_one_line { ranges(&numbers) } else { each(&numbers) };
        marks.into_iter().flat_map(|mark| [Inline::Text(" ".to_owned()), mark])
    };
    match sentence.verdict {
        Verdict::Supported => {
            inlines.push(Inline::Text(words.supported.to_owned()));
            inlines.extend(cited());
        }
        Verdict::Contradicted => {
            inlines.push(Inline::Text(words.contradicted.to_owned()));
            inlines.extend(cited());
        }
        Verdict::Unsupported => inlines.push(Inline::Text(words.unsupported.to_owned())),
        Verdict::NoClaim => inlines.push(Inline::Text(words.no_claim.to_owned())),
    }
    inlines.push(Inline::Text(format!("{}{}", words.comma, words.wording(sentence.wording))));
    if !is_one_line {
        inlines.extend(spans(reply, sentence, words));
    }
    inlines.push(Inline::Text(words.stop.to_owned()));
    Block::Paragraph(inlines)
}

/// Which words of the sentence each fact accounts for.
fn spans(reply: &Reply, sentence: &Sentence, words: &Words) -> Vec<Inline> {
    let mut inlines = Vec::new();
    let [open, close] = words.quotes;
    for (number, citation) in (1..).zip(&reply.citations) {
        let own = sentence.spans.iter().filter(|span| span.fact == citation.id);
        let said = |span: &Span| sentence.text.get(span.start..span.end).map(one_line);
        let quoted: Vec<String> = own.filter_map(said).map(|said| format!("{open}{said}{close}")).collect();
        if !quoted.is_empty() {
            let gap = if inlines.is_empty() { words.colon.trim_end().to_owned() } else { ";".to_owned() };
            let quoted = quoted.join(words.comma);
            inlines.extend([
                Inline::Text(format!("{gap} ")),
                Inline::Citation(number),
                Inline::Text(format!(" {quoted}")),
            ]);
        }
    }
    inlines
}

/// The facts, a line each, with their sources, since when the graph has them, and their ids.
fn facts(citations: &[Citation], reply: &Reply, words: &Words, is_one_line: bool) -> Vec<Block> {
    let named = if is_one_line { citations.len().min(NAMED) } else { citations.len() };
    let (named, more) = citations.split_at(named);
    let lines = (1..).zip(named).map(|(number, citation)| {
        let said =
            [&citation.subject, &citation.predicate, &citation.object].map(|text| shorten(&one_line(text)));
        let source = one_line(&citation.source);
        let source = (!source.is_empty()).then(|| format!("{} {source}", words.source));
        // Replies of earlier versions do not say it.
        let since = (citation.since > Generation::default()).then(|| words.since(citation.since.0));
        let id = format!("{} {}", words.fact, citation.id);
        let behind: Vec<String> = [source, since, Some(id)].into_iter().flatten().collect();
        let text = format!(" {} ({})", said.join(" — "), behind.join(words.comma));
        vec![Inline::Citation(number), Inline::Text(text)]
    });
    let mut lines: Vec<Vec<Inline>> = lines.collect();
    if !more.is_empty() {
        lines.push(vec![Inline::Text(and_more(more.len(), &reply.language))]);
    }
    match is_one_line {
        true => lines.into_iter().map(Block::Paragraph).collect(),
        false if lines.is_empty() => Vec::new(),
        false => vec![Block::Paragraph(lines.join(&Inline::Break))],
    }
}
