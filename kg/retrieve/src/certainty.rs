//! How surely a question asks for a path at all. In: a path with its features, what the question says besides. Out: a probability.
//! Knows no other path: a graph from which the answer was taken away has a best path too, and it has to look as bad as it is.
//!
//! Logistic regression over what is said of the path, what is left of the question, and how its name was found. Learnt from
//! questions as they are and from the same ones with their facts hidden (`examples/retrieval/certain.py`). No feature names a
//! relation.

use loquat_contract::{Entity, Mention, Value};
use loquat_text::{is_han, simplified};

use super::features::{COUNT as OF_PATH, Candidate};
use super::phrases::Occurrence;
use super::question::Kind;

/// How sure a path has to be for its answer to be given.
pub const SURE: f32 = 0.5;

/// The number of signs.
pub(super) const COUNT: usize = 48;

/// The signs' names, in their order.
pub(super) const NAMES: [&str; COUNT] = [
    "evidence, least",
    "evidence, least, of a half or more",
    "evidence, least, in full",
    "evidence of the last step",
    "last step hardly said",
    "words that only other relations explain",
    "words that the taken steps do not explain",
    "a word that only other relations explain",
    "a word that only other relations explain, and what is asked for is not the last step",
    "words that no relation explains",
    "a word that no relation explains",
    "Chinese characters that no relation explains",
    "words written like a name that nothing explains",
    "names that the path does not touch",
    "kind of value as expected",
    "kind of value not as expected",
    "what is asked for is the last step",
    "what is asked for is not the last step",
    "link, logarithm",
    "share of the text that the name is",
    "the name is exact",
    "the name goes on in the text",
    "several steps",
    "three steps",
    "back without a word, something in common asked",
    "back without a word",
    "step without a word",
    "there and back, each with a word",
    "something in common asked, not there and back",
    "there and back, something in common asked",
    "order of words",
    "meaning of the last step",
    "logarithm of the number of values",
    "the word nearest to the name is not the first step's",
    "back to the subject though the name owns what is asked for",
    "back to the subject though a place, time or measure is asked for",
    "last step from object to subject",
    "Chinese",
    "Chinese, evidence missing",
    "places that name a relation, said by no step",
    "a place that names a relation, said by no step",
    "Chinese characters that only other relations explain",
    "two Chinese characters that only other relations explain",
    "Chinese, evidence of the last step",
    "Chinese, evidence, least, of a half or more",
    "led over things of a kind, one step",
    "things of a kind asked for, back to the subject",
    "somebody asked for, several steps, the last back to the subject",
];

/// How the topic was found in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Naming {
    /// It stands there as the graph has it, apart from case.
    pub(super) exact: bool,
    /// A word beside it is written like a part of the name.
    pub(super) goes_on: bool,
}

impl Naming {
    pub(super) fn of(text: &str, mention: &Mention, entity: &Entity) -> Self {
        let said = folded(&mention.text);
        let exact = entity.names().any(|name| folded(name) == said);
        let before = text.get(..mention.range.start).unwrap_or("");
        let after = text.get(mention.range.end..).unwrap_or("");
        Self { exact, goes_on: ends_like_a_name(before) || begins_like_a_name(after) }
    }
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(simplified).collect()
}

/// Whether a word with a capital follows, with nothing but a space between.
fn begins_like_a_name(after: &str) -> bool {
    after.strip_prefix(' ').is_some_and(|rest| rest.starts_with(char::is_uppercase))
}

/// Whether a word with a capital stands right before, and not at the beginning of the text.
fn ends_like_a_name(before: &str) -> bool {
    let Some(rest) = before.strip_suffix(' ') else { return false };
    let Some((earlier, word)) = rest.rsplit_once(' ') else { return false };
    word.starts_with(char::is_uppercase) && !earlier.ends_with(['.', '?', '!', ':', '"', '“'])
}

/// What is known of a path besides its features.
pub(super) struct Circumstances<'a> {
    pub(super) candidate: &'a Candidate<'a>,
    pub(super) features: &'a [f32; OF_PATH],
    /// For each step, the occurrence that is taken for it.
    pub(super) taken: &'a [Option<usize>],
    pub(super) naming: Naming,
    /// Names in the text other than the topic's.
    pub(super) others: Vec<&'a Mention>,
}

impl Circumstances<'_> {
    pub(super) fn signs(&self) -> [f32; COUNT] {
        let f = self.features;
        let question = self.candidate.question;
        let near = |said: &Occurrence, token: usize| {
            let head = question.tokens[token].within;
            let says = |at: usize| at == token || Some(at) == head;
            said.tokens.iter().find(|(at, _)| says(*at)).map_or(0.0, |(_, near)| *near)
        };
        // By the places that are taken for the steps, and by any place that says one of them.
        let strictly = |token: usize| {
            let steps = self.taken.iter().zip(&self.candidate.said);
            steps.filter_map(|(at, said)| Some(near(&said[(*at)?], token))).fold(0.0, f32::max)
        };
        let loosely = |token: usize| {
            self.candidate
                .said
                .iter()
                .flat_map(|said| said.iter())
                .map(|said| near(said, token))
                .fold(0.0, f32::max)
        };
        let (mut strange, mut strange_han, mut left_han, mut names) = (0.0, 0.0, 0.0, 0.0);
        let (mut left, mut strict, mut touched) = (0.0_f32, 0.0_f32, Vec::new());
        for (number, other) in self.others.iter().enumerate() {
            if self.touches(other) {
                touched.push(number);
            }
        }
        let mut untouched = vec![false; self.others.len()];
        for (at, token) in question.tokens.iter().enumerate() {
            if token.kind != Kind::Content || question.lexicon.common.contains(&token.stem) {
                continue;
            }
            let known = self.candidate.explicable.get(at).copied().unwrap_or(0.0);
            if known >= 0.5 {
                strict += known * (1.0 - strictly(at));
            }
            let near = loosely(at);
            if near >= 0.5 {
                continue;
            }
            let other = self.others.iter().position(|other| other.range.contains(&token.start));
            if other.is_some_and(|other| touched.contains(&other)) {
                continue;
            }
            let han = token.text.chars().any(is_han);
            let plain = question.lexicon.plain.contains(&token.stem);
            if han && known >= 0.5 {
                left_han += known * (1.0 - near);
            } else if known >= 0.5 {
                left += known * (1.0 - near);
            } else if han && !plain {
                strange_han += 1.0;
            } else if plain {
                continue;
            } else if token.like_a_name {
                names += 1.0;
            } else {
                strange += 1.0 - near;
            }
            if let Some(other) = other {
                untouched[other] |= token.like_a_name || self.others[other].text.chars().count() > 2 && han;
            }
        }
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        let chinese = flag(question.tokens.iter().any(|token| token.text.chars().any(is_han)));
        [
            f[3],
            flag(f[3] >= 0.5),
            flag(f[3] >= 0.95),
            f[4].min(1.0),
            flag(f[4] < 0.3),
            left.min(3.0),
            strict.min(3.0),
            flag(left >= 0.4),
            flag(left >= 0.4 && f[11] < 0.8),
            f32::min(strange, 3.0),
            flag(strange >= 0.4),
            f32::min(strange_han / 2.0, 3.0),
            f32::min(names, 3.0),
            untouched.iter().map(|other| flag(*other)).sum(),
            f[13],
            f[14],
            f[11],
            f[12],
            f[15],
            f[16],
            flag(self.naming.exact),
            flag(self.naming.goes_on),
            f[0],
            f[1],
            f[7],
            f[8],
            f[9],
            f[18],
            f[21],
            f[23],
            f[10],
            f[19],
            f[22],
            f[24],
            f[25],
            f[26],
            f[17],
            chinese,
            chinese * (1.0 - f[3]),
            f[27],
            flag(f[27] >= 0.5),
            f32::min(left_han / 2.0, 3.0),
            flag(left_han >= 1.5),
            chinese * f[4].min(1.0),
            chinese * flag(f[3] >= 0.5),
            f[28],
            f[29],
            f[30],
        ]
    }

    /// Whether the path leads to what another name means, or past it.
    fn touches(&self, other: &Mention) -> bool {
        self.candidate.path.ends.iter().any(|end| match &end.value {
            Value::Entity(entity) => other.candidates.iter().any(|one| one.entity.id == entity.id),
            _ => false,
        })
    }
}

/// The logistic function of `w · signs + bias`.
pub(super) fn certainty(signs: &[f32; COUNT]) -> f32 {
    let sum: f32 = signs.iter().zip(&WEIGHTS).map(|(x, w)| x * w).sum();
    1.0 / (1.0 + (-(sum + BIAS)).exp())
}

/// Learnt by `examples/retrieval/certain.py`, in the order of [`NAMES`]. The bias puts [`SURE`] where of EntityQuestions whose facts
/// are hidden fewer than one in a hundred are answered.
const WEIGHTS: [f32; COUNT] = [
    0.64, 0.09, 0.54, 0.13, 0.00, -0.92, -0.56, -0.46, -2.77, 0.00, 0.00, -0.33, -1.82, -1.54, 0.00, -2.31,
    0.71, -1.74, 1.69, 1.28, 1.16, 0.00, -0.80, -0.95, 0.64, 0.00, -1.34, 0.86, -4.96, 1.23, 0.69, 0.00,
    -0.43, -0.08, -1.80, -1.29, -3.00, -0.96, -1.23, -0.50, 0.00, 0.00, 0.00, 0.27, 0.00, -1.98, 1.78, -0.88,
];
const BIAS: f32 = 1.55;
