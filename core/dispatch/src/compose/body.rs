//! The sentences of a reply become blocks. In: sentences of Markdown with verdicts and facts. Out: paragraphs and other blocks,
//! with the numbers of citations. Does not know what the citations say.

use loquat_contract::{Block, Document, Format, Inline, Language, Policy, Reply, Sentence, Verdict};

/// The blocks; where messages are one line, three or more citations in a row are a range.
pub(super) fn blocks(reply: &Reply, is_one_line: bool) -> Vec<Block> {
    let mut body = Body::default();
    for sentence in &reply.sentences {
        let numbers = reply.citation_numbers(sentence);
        let mut blocks = Document::from_markdown(&sentence.text).blocks;
        if blocks.is_empty() {
            continue;
        }
        let cited = if is_one_line { ranges(&numbers) } else { each(&numbers) };
        let marks = marks(reply, sentence, cited);
        let is_cited = matches!(marks.last(), Some(Inline::Citation(_)))
            || is_one_line && !numbers.is_empty() && !sentence.verdict.is_doubtful();
        append(&mut blocks, marks);
        body.add(blocks);
        body.is_cited = is_cited;
    }
    body.blocks
}

/// What stands behind a sentence. Facts that say otherwise stand within the doubt, so that they do not look like support.
fn marks(reply: &Reply, sentence: &Sentence, cited: Vec<Inline>) -> Vec<Inline> {
    let is_chinese = reply.language.matches(&Language::chinese());
    let text = |text: &str| Inline::Text(text.to_owned());
    let spaced = cited.into_iter().flat_map(|number| [text(" "), number]);
    match (sentence.verdict, reply.policy) {
        (Verdict::Contradicted | Verdict::Unsupported, Policy::Open) => Vec::new(),
        (Verdict::Contradicted, _) => {
            let (before, after) = if is_chinese {
                ("（与我的事实不符", "）")
            } else {
                (" (my facts say otherwise", ")")
            };
            std::iter::once(text(before)).chain(spaced).chain([text(after)]).collect()
        }
        (Verdict::Unsupported, _) => {
            vec![text(if is_chinese { "（我的事实中没有）" } else { " (not in my facts)" })]
        }
        (Verdict::Supported | Verdict::NoClaim, _) => spaced.collect(),
    }
}

/// The numbers one by one.
pub(crate) fn each(numbers: &[usize]) -> Vec<Inline> {
    numbers.iter().copied().map(Inline::Citation).collect()
}

/// The numbers, three or more in a row as a range.
pub(crate) fn ranges(numbers: &[usize]) -> Vec<Inline> {
    let rows = numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    rows.flat_map(|row| match row {
        [first, _, .., last] => vec![Inline::Text(format!("[{first}–{last}]"))],
        few => each(few),
    })
    .collect()
}

/// Adds inlines to the last line of text, or below where the last block has none.
fn append(blocks: &mut Vec<Block>, inlines: Vec<Inline>) {
    if inlines.is_empty() {
        return;
    }
    match blocks.last_mut() {
        Some(Block::Paragraph(line) | Block::Heading(line)) => line.extend(inlines),
        Some(Block::List { items, .. }) if !items.is_empty() => {
            if let Some(item) = items.last_mut() {
                append(&mut item.blocks, inlines);
            }
        }
        _ => blocks.push(Block::Paragraph(inlines)),
    }
}

#[derive(Default)]
struct Body {
    blocks: Vec<Block>,
    /// Whether the last sentence ended with a citation.
    is_cited: bool,
}

impl Body {
    /// Adds the blocks of a sentence. Paragraphs go on in one, and so do lists whose items came one by one.
    fn add(&mut self, blocks: Vec<Block>) {
        let mut blocks = blocks.into_iter();
        match (self.blocks.last_mut(), blocks.next()) {
            (Some(Block::Paragraph(line)), Some(Block::Paragraph(next))) => {
                let neighbours = [last(line), words(&next).chars().next()];
                if self.is_cited || !neighbours.into_iter().flatten().any(is_unspaced) {
                    line.push(Inline::Text(" ".to_owned()));
                }
                line.extend(next);
            }
            (Some(Block::List { start, items }), Some(Block::List { start: next, items: more }))
                if start.map(|start| start.saturating_add(items.len() as u64)) == next =>
            {
                items.extend(more);
            }
            (_, first) => self.blocks.extend(first),
        }
        self.blocks.extend(blocks);
    }
}

/// The last letter of a line. Drafts are made anew with each sentence, so a long line is not read as a whole for it.
fn last(line: &[Inline]) -> Option<char> {
    line.iter().rev().find_map(|inline| words(std::slice::from_ref(inline)).chars().next_back())
}

fn words(line: &[Inline]) -> String {
    Document { blocks: vec![Block::Paragraph(line.to_vec())] }.render(Format::Plain)
}

/// Scripts whose sentences stand side by side: CJK punctuation, kana, ideographs, full-width forms.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}
