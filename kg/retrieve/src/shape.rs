//! How an answer is put together. In: a question and the names in it. Out: one value, a list, a count, …, with the words that compare and
//! the years that bound it. Knows no graph.

use loquat_contract::Mention;

use super::lexicon::{Comparing, Expected, Lexicon, Most};
use super::question::{Kind, Question};

/// How the answer to a question is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value, or the few there are.
    Value,
    /// Everything that fits: "which movies …".
    List,
    /// How many there are.
    Count,
    /// Yes or no.
    YesNo,
    /// A date: "when …".
    Date,
    /// Which of the named ones has the most or the least: "which is larger, A or B".
    Comparison(Most),
    /// Which of a list has the most or the least: "the longest river in …".
    Superlative(Most),
}

/// Years that bound an answer, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) from: i32,
    pub(super) to: i32,
}

/// What was read from a question.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) shape: Shape,
    pub(super) comparing: Option<&'static Comparing>,
    pub(super) bounds: Option<Bounds>,
    /// Whether yes or no is wanted, whatever has to be compared for it.
    pub(super) yes_no: bool,
    /// Whether the question denies: "isn't …".
    pub(super) negated: bool,
    /// The question without any name.
    pub(super) rest: Question,
}

pub(super) fn read(text: &str, mentions: &[Mention], lexicon: &'static Lexicon) -> Reading {
    let mut bare = text.to_owned();
    for mention in mentions.iter().rev() {
        if bare.get(mention.range.clone()).is_some() {
            bare.replace_range(mention.range.clone(), " , ");
        }
    }
    let rest = Question::read(&bare, None, lexicon);
    let comparing =
        lexicon.comparing.iter().find(|comparing| comparing.words.iter().any(|word| rest.says(word)));
    let bounds = bounds(text, mentions, lexicon);
    let says_any = |words: &[String]| words.iter().any(|word| rest.says(word));
    let first = rest.tokens.first().map_or("", |token| token.text.as_str());
    let yes_no = lexicon
        .yes_no
        .iter()
        .any(|word| word == first || (!word.is_ascii() && !is_latin(word) && rest.says(word)));
    let either = lexicon.alternatives.iter().any(|word| rest.says(word));
    let negated = lexicon.negation.iter().any(|word| !is_latin(word) || rest.says(word))
        && lexicon.negation.iter().any(|word| rest.says(word));
    let shape = match (comparing, rest.expected) {
        (Some(comparing), _) if mentions.len() >= 2 && (either || yes_no) => {
            Shape::Comparison(comparing.most)
        }
        (_, Expected::Count) => Shape::Count,
        _ if yes_no => Shape::YesNo,
        (Some(comparing), _) => Shape::Superlative(comparing.most),
        (_, Expected::Date) => Shape::Date,
        _ if says_any(&lexicon.list) && asks_for_several(&rest) => Shape::List,
        _ => Shape::Value,
    };
    Reading { shape, comparing, bounds, yes_no, negated, rest }
}

fn is_latin(word: &str) -> bool {
    word.chars().all(|c| c < '\u{2E80}')
}

/// "which movies": the word behind the question word is a plural. Where words have no plural, the question word says it.
fn asks_for_several(question: &Question) -> bool {
    if question.lexicon.list.iter().any(|word| !is_latin(word)) {
        return true;
    }
    let ask = question.asks.first().map_or(0, |(at, _)| *at + 1);
    let noun = question.tokens.iter().skip(ask).find(|token| token.kind == Kind::Content);
    noun.is_some_and(|noun| {
        noun.text.ends_with('s') && !noun.text.ends_with("ss") || noun.text.ends_with("en")
    })
}

/// "before 1990", "since 1990", "between 1990 and 2000", "in 1990"; in Chinese the year stands first.
fn bounds(text: &str, mentions: &[Mention], lexicon: &'static Lexicon) -> Option<Bounds> {
    let question = Question::read(text, None, lexicon);
    let in_name = |year: &str| {
        mentions
            .iter()
            .any(|mention| mention.text.contains(year) && mention.text.chars().count() > year.len() + 1)
    };
    let years: Vec<(usize, i32)> = question
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.text.len() == 4 && !in_name(&token.text))
        .filter_map(|(at, token)| Some((at, token.text.parse().ok()?)))
        .filter(|(_, year)| (1000..=2999).contains(year))
        .collect();
    let (&(at, year), second) = (years.first()?, years.get(1).map(|(_, year)| *year));
    let tokens = &question.tokens;
    let near = |phrases: &[String]| {
        phrases.iter().any(|phrase| {
            if is_latin(phrase) {
                let words: Vec<&str> = phrase.split(' ').collect();
                at >= words.len()
                    && tokens[at - words.len()..at]
                        .iter()
                        .zip(&words)
                        .all(|(token, word)| token.text == **word)
            } else {
                let following: String =
                    tokens[at + 1..].iter().take(6).map(|token| token.text.as_str()).collect();
                following.contains(phrase.as_str())
            }
        })
    };
    let time = &lexicon.time;
    match second {
        Some(second) if near(&time.between) => Some(Bounds { from: year.min(second), to: year.max(second) }),
        _ if near(&time.before) => Some(Bounds { from: i32::MIN, to: year - 1 }),
        _ if near(&time.after) => Some(Bounds { from: year, to: i32::MAX }),
        _ if near(&time.during) => Some(Bounds { from: year, to: year }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Shape, read};
    use crate::lexicon::{Lexicon, Most};

    fn shape(text: &str) -> Shape {
        read(text, &[], Lexicon::of(&Lexicon::guess(text))).shape
    }

    #[test]
    fn shapes_are_read_in_three_languages() {
        assert_eq!(shape("How many films did she direct?"), Shape::Count);
        assert_eq!(shape("What is the longest river in Spain?"), Shape::Superlative(Most::Greatest));
        assert_eq!(shape("Is it the capital of Spain?"), Shape::YesNo);
        assert_eq!(shape("which movies did he direct"), Shape::List);
        assert_eq!(shape("When was it released?"), Shape::Date);
        assert_eq!(shape("What is the capital of Spain?"), Shape::Value);
        assert_eq!(shape("西班牙最长的河是哪条?"), Shape::Superlative(Most::Greatest));
        assert_eq!(shape("他是不是作者?"), Shape::YesNo);
        assert_eq!(shape("他有哪些作品?"), Shape::List);
        assert_eq!(shape("Wie viele Filme hat er gedreht?"), Shape::Count);
        assert_eq!(shape("Welcher ist der längste Fluss in Spanien?"), Shape::Superlative(Most::Greatest));
    }

    #[test]
    fn years_bound() {
        let bounds = |text: &str| read(text, &[], Lexicon::of(&Lexicon::guess(text))).bounds;
        assert_eq!(bounds("films before 1990"), Some(Bounds { from: i32::MIN, to: 1989 }));
        assert_eq!(bounds("films between 1990 and 1995"), Some(Bounds { from: 1990, to: 1995 }));
        assert_eq!(bounds("films in 1990"), Some(Bounds { from: 1990, to: 1990 }));
        assert_eq!(bounds("1990年以后的电影"), Some(Bounds { from: 1990, to: i32::MAX }));
        assert_eq!(bounds("films of the 90s"), None);
    }
}
