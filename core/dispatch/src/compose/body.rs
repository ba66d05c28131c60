//! The sentences of a reply become blocks. In: sentences of Markdown with verdicts and facts. Out: paragraphs and other blocks,
//! with the numbers of citations. Does not know what the citations say.

use loquat_contract::{Block, Document, Format, Inline, Language, Policy, Reply, Sentence, Verdict};

/// The blocks; where messages are one line, three or more citations in a row are a range.
pub(super) fn blocks(reply: &Reply, is_one_line: bool) -> Vec<Block> {
    Body::default().add(reply, &reply.sentences, is_one_line).blocks
}

/// What sentences add to the blocks before them.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) blocks: Vec<Block>,
    /// Whether the first block goes on with the last one before.
    pub(crate) goes_on: bool,
}

impl Piece {
    /// Adds what comes after it.
    pub(super) fn then(self, next: Self) -> Self {
        let Self { mut blocks, goes_on } = self;
        if blocks.is_empty() {
            return next;
        }
        let mut more = next.blocks.into_iter();
        if next.goes_on {
            match (blocks.last_mut(), more.next()) {
                (Some(Block::Paragraph(line)), Some(Block::Paragraph(next))) => line.extend(next),
                (Some(Block::List { items, .. }), Some(Block::List { items: next, .. })) => {
                    items.extend(next)
                }
                (_, first) => blocks.extend(first),
            }
        }
        blocks.extend(more);
        Self { blocks, goes_on }
    }
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

/// A body that grows: what its end is like, which is all that the next sentence needs to know.
#[derive(Default)]
pub(super) struct Body {
    end: End,
    /// Whether the last sentence ended with a citation.
    is_cited: bool,
}

#[derive(Clone, Copy, Default)]
enum End {
    /// With this nothing goes on.
    #[default]
    Apart,
    /// A paragraph, and its last letter.
    Paragraph(Option<char>),
    /// A list, and the number of its next item.
    List(Option<u64>),
}

impl Body {
    /// What sentences of a reply add to it.
    pub(super) fn add(&mut self, reply: &Reply, sentences: &[Sentence], is_one_line: bool) -> Piece {
        let each = sentences.iter().map(|sentence| self.add_one(reply, sentence, is_one_line));
        each.fold(Piece::default(), Piece::then)
    }

    /// Adds the blocks of a sentence. Paragraphs go on in one, and so do lists whose items came one by one.
    fn add_one(&mut self, reply: &Reply, sentence: &Sentence, is_one_line: bool) -> Piece {
        let numbers = reply.citation_numbers(sentence);
        let mut blocks = Document::from_markdown(&sentence.text).blocks;
        if blocks.is_empty() {
            return Piece::default();
        }
        let cited = if is_one_line { ranges(&numbers) } else { each(&numbers) };
        let marks = marks(reply, sentence, cited);
        let is_cited = matches!(marks.last(), Some(Inline::Citation(_)))
            || is_one_line && !numbers.is_empty() && !sentence.verdict.is_doubtful();
        append(&mut blocks, marks);
        let mut before = None;
        let goes_on = match (self.end, blocks.first_mut()) {
            (End::Paragraph(last), Some(Block::Paragraph(next))) => {
                let neighbours = [last, words(next).chars().next()];
                if self.is_cited || !neighbours.into_iter().flatten().any(is_unspaced) {
                    next.insert(0, Inline::Text(" ".to_owned()));
                }
                before = last;
                true
            }
            (End::List(next), Some(Block::List { start, .. })) => next == *start,
            _ => false,
        };
        self.end = match &blocks[..] {
            [Block::Paragraph(line)] => End::Paragraph(last(line).or(before)),
            [.., Block::Paragraph(line)] => End::Paragraph(last(line)),
            [.., Block::List { start, items }] => {
                End::List(start.map(|start| start.saturating_add(items.len() as u64)))
            }
            _ => End::Apart,
        };
        self.is_cited = is_cited;
        Piece { blocks, goes_on }
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
