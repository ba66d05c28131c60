//! A paragraph is cut. In: its inlines, and what fits. Out: runs of inlines in the same styles, cut where it harms least.

use std::ops::Range;

use loquat_contract::{Block, Document, Format, Inline};
use unicode_segmentation::UnicodeSegmentation;

/// Whether inlines fit into one part.
type Fits<'f> = &'f dyn Fn(Vec<Inline>) -> bool;

/// Where a line may be cut, from the best to the worst.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Lines,
    /// Before a citation behind `; `, as sources in one line stand.
    Sources,
    Sentences,
    Spaces,
    Words,
    Graphemes,
}

impl Between {
    fn finer(self) -> Option<Self> {
        match self {
            Self::Lines => Some(Self::Sources),
            Self::Sources => Some(Self::Sentences),
            Self::Sentences => Some(Self::Spaces),
            Self::Spaces => Some(Self::Words),
            Self::Words => Some(Self::Graphemes),
            Self::Graphemes => None,
        }
    }
}

#[derive(Clone)]
enum Leaf {
    Text,
    Code,
    /// What is never cut.
    Whole(Inline),
}

type Style = fn(Vec<Inline>) -> Inline;

/// A stretch of the text with its styles, the outermost first.
struct Run {
    range: Range<usize>,
    leaf: Leaf,
    styles: Vec<Style>,
}

/// A paragraph as one text, and how its stretches look.
pub(super) struct Line {
    text: String,
    runs: Vec<Run>,
}

impl Line {
    /// Links, mentions and code that fit into one part are never cut. What is too long, such as a link, becomes text that can be.
    pub(super) fn new(inlines: &[Inline], fits: Fits<'_>) -> Self {
        let mut line = Self { text: String::new(), runs: Vec::new() };
        line.add(inlines, &[], fits);
        line
    }

    fn add(&mut self, inlines: &[Inline], styles: &[Style], fits: Fits<'_>) {
        for inline in inlines {
            match inline {
                Inline::Text(text) => self.push(text, Leaf::Text, styles),
                Inline::Strong(inner) => self.add(inner, &deeper(styles, Inline::Strong, fits), fits),
                Inline::Emphasis(inner) => self.add(inner, &deeper(styles, Inline::Emphasis, fits), fits),
                Inline::Break => self.push("\n", Leaf::Whole(Inline::Break), styles),
                whole if fits(vec![whole.clone()]) => {
                    self.push(&plain(whole), Leaf::Whole(whole.clone()), styles);
                }
                Inline::Code(text) if fits(vec![Inline::Code("x".to_owned())]) => {
                    self.push(text, Leaf::Code, styles);
                }
                Inline::Link { url, label } => {
                    self.add(label, styles, fits);
                    let shown = plain(inline);
                    // As the plain format shows it: the target only where the label is not the target.
                    if shown.ends_with(&format!(" ({url})")) {
                        self.push(&format!(" ({url})"), Leaf::Text, styles);
                    }
                }
                other => self.push(&plain(other), Leaf::Text, styles),
            }
        }
    }

    fn push(&mut self, text: &str, leaf: Leaf, styles: &[Style]) {
        // A mention without a name still takes its place.
        let text = if text.is_empty() && matches!(leaf, Leaf::Whole(_)) { "@" } else { text };
        let start = self.text.len();
        self.text.push_str(text);
        self.runs.push(Run { range: start..self.text.len(), leaf, styles: styles.to_vec() });
    }

    /// The lines of the paragraph.
    pub(super) fn lines(&self) -> Vec<Vec<Inline>> {
        self.units(0..self.text.len(), Between::Lines)
            .into_iter()
            .map(|range| self.slice(&range, true))
            .collect()
    }

    /// Parts that fit.
    pub(super) fn cut(&self, fits: Fits<'_>) -> Vec<Vec<Inline>> {
        let ranges = self.fill(0..self.text.len(), Between::Lines, fits);
        let visible = ranges.into_iter().filter(|range| !self.text[range.clone()].trim().is_empty());
        visible
            .map(|range| {
                let styled = self.slice(&range, true);
                if fits(styled.clone()) { styled } else { self.slice(&range, false) }
            })
            .collect()
    }

    fn fill(&self, range: Range<usize>, between: Between, fits: Fits<'_>) -> Vec<Range<usize>> {
        let is_fitting = |range: &Range<usize>| fits(self.slice(range, true));
        let mut full = Vec::new();
        let mut current: Option<Range<usize>> = None;
        for unit in self.units(range, between) {
            let tried = current.as_ref().map_or(unit.start, |current| current.start)..unit.end;
            if is_fitting(&tried) {
                current = Some(tried);
                continue;
            }
            full.extend(current.take());
            match between.finer() {
                Some(finer) if !is_fitting(&unit) => {
                    let mut pieces = self.fill(unit, finer, fits);
                    current = pieces.pop();
                    full.extend(pieces);
                }
                _ => current = Some(unit),
            }
        }
        full.extend(current);
        full
    }

    /// The stretches of `range` between which it may be cut.
    fn units(&self, range: Range<usize>, between: Between) -> Vec<Range<usize>> {
        let text = &self.text[range.clone()];
        let starts: Vec<usize> = match between {
            Between::Lines => text.match_indices('\n').map(|(at, _)| at + 1).collect(),
            Between::Sources => self.sources(&range),
            Between::Sentences => text.split_sentence_bound_indices().map(|(at, _)| at).collect(),
            Between::Spaces => starts(text.split_word_bound_indices(), |before, after| {
                before.ends_with(char::is_whitespace) && !after.starts_with(char::is_whitespace)
            }),
            Between::Words => starts(text.split_word_bound_indices(), |before, after| {
                !before.ends_with(is_opening)
                    && after.starts_with(|c| char::is_alphanumeric(c) || is_opening(c))
            }),
            Between::Graphemes => text.grapheme_indices(true).map(|(at, _)| at).collect(),
        };
        let mut units = Vec::new();
        let mut from = range.start;
        for start in starts {
            let mut start = range.start + start;
            if start <= range.start {
                continue;
            }
            if matches!(between, Between::Sentences | Between::Spaces) {
                start = self.behind_citations(start);
            }
            let is_inside = |run: &Run| {
                matches!(run.leaf, Leaf::Whole(_)) && run.range.start < start && start < run.range.end
            };
            if from < start && start < range.end && !self.runs.iter().any(is_inside) {
                units.push(from..start);
                from = start;
            }
        }
        if from < range.end {
            units.push(from..range.end);
        }
        units
    }

    /// Where the sources of a line start, counted from the start of `range`.
    fn sources(&self, range: &Range<usize>) -> Vec<usize> {
        let inside =
            self.runs.iter().filter(|run| range.start < run.range.start && run.range.start < range.end);
        let sources = inside.filter(|run| {
            matches!(run.leaf, Leaf::Whole(Inline::Citation(_)))
                && self.text[range.start..run.range.start].ends_with("; ")
        });
        sources.map(|run| run.range.start - range.start).collect()
    }

    /// The numbers of citations belong to the words before them.
    fn behind_citations(&self, start: usize) -> usize {
        let blank = |at: usize| self.text[at..].len() - self.text[at..].trim_start_matches(' ').len();
        let mut end = start;
        loop {
            let at = end + blank(end);
            let cited = self
                .runs
                .iter()
                .find(|run| run.range.start == at && matches!(run.leaf, Leaf::Whole(Inline::Citation(_))));
            match cited {
                Some(run) => end = run.range.end,
                None => match numbers(&self.text[at..]) {
                    Some(length) => end = at + length,
                    None if end == start => return start,
                    None => return at,
                },
            }
        }
    }

    /// The inlines of a stretch, with or without their styles.
    fn slice(&self, range: &Range<usize>, is_styled: bool) -> Vec<Inline> {
        let mut out = Vec::new();
        for run in &self.runs {
            let start = run.range.start.max(range.start);
            let end = run.range.end.min(range.end);
            if start >= end {
                continue;
            }
            let text = self.text[start..end].to_owned();
            let leaf = match &run.leaf {
                Leaf::Text => Inline::Text(text),
                Leaf::Code => Inline::Code(text),
                Leaf::Whole(whole) => whole.clone(),
            };
            let styles = if is_styled { run.styles.as_slice() } else { &[] };
            out.push(styles.iter().rev().fold(leaf, |inner, style| style(vec![inner])));
        }
        out
    }
}

/// The styles and one more, where there is room for its marks.
fn deeper(styles: &[Style], style: Style, fits: Fits<'_>) -> Vec<Style> {
    let mut deeper = styles.to_vec();
    deeper.push(style);
    let letter = Inline::Text("x".to_owned());
    let has_room = fits(vec![deeper.iter().rev().fold(letter, |inner, style| style(vec![inner]))]);
    if has_room { deeper } else { styles.to_vec() }
}

/// Where segments start that may start a unit.
fn starts<'t>(
    segments: impl Iterator<Item = (usize, &'t str)>,
    is_start: impl Fn(&str, &str) -> bool,
) -> Vec<usize> {
    let mut before = "";
    let mut starts = Vec::new();
    for (at, segment) in segments {
        if is_start(before, segment) {
            starts.push(at);
        }
        before = segment;
    }
    starts
}

/// The length of a range of citations, such as `[1–38]`, that a text starts with; it is words in the tree.
fn numbers(text: &str) -> Option<usize> {
    let (range, _) = text.strip_prefix('[')?.split_once(']')?;
    let (first, last) = range.split_once('–')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(first) && is_number(last)).then_some(range.len() + "[]".len())
}

fn is_opening(c: char) -> bool {
    "([{<“‘«「『（《【〈".contains(c)
}

fn plain(inline: &Inline) -> String {
    Document { blocks: vec![Block::Paragraph(vec![inline.clone()])] }.render(Format::Plain)
}
