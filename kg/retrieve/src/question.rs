//! A question as words. In: its text, and the stretch that names what it is about. Out: tokens with all the words they may stand
//! for, what kind of answer is expected, and which token asks for it. Knows no graph.

use std::ops::Range;

use loquat_text::{is_han, simplified};

use super::lexicon::{Expected, Lexicon};

/// What a token is in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It may be a word of a relation.
    Content,
    /// A function word.
    Stop,
    /// A question word.
    Ask,
}

/// A word, or one Chinese character.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// Lower case, characters simplified.
    pub(super) text: String,
    pub(super) stem: String,
    pub(super) kind: Kind,
    /// The byte that it begins at.
    pub(super) start: usize,
    /// Whether it is written as a name is: with a capital letter within a sentence, or with figures.
    pub(super) like_a_name: bool,
    /// The first word of the phrase that it is a part of: "work" in "kind of work" says nothing on its own.
    pub(super) within: Option<usize>,
    /// Stems that it may be found by, with how surely.
    pub(super) terms: Vec<(String, f32)>,
}

/// A run of Chinese characters that stands for what the question says.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) text: Vec<char>,
    pub(super) weight: f32,
    /// The token it begins at.
    pub(super) token: usize,
}

/// The question without the name of what it is about.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) lexicon: &'static Lexicon,
    pub(super) tokens: Vec<Token>,
    /// Before which token the name stood.
    pub(super) name_at: Option<usize>,
    pub(super) expected: Expected,
    /// "share", "same", "also": there and back along one relation.
    pub(super) common: bool,
    /// Synonyms in Chinese characters.
    pub(super) runs: Vec<Run>,
    /// Whether it asks where something is.
    pub(super) asks_where: bool,
    /// Where question words stand, and what they expect.
    pub(super) asks: Vec<(usize, Expected)>,
}

/// How surely a word stands for another of its family, and for what a question word asks.
const FAMILY: f32 = 0.85;
const ASKED: f32 = 0.6;

impl Question {
    pub(super) fn read(text: &str, name: Option<Range<usize>>, lexicon: &'static Lexicon) -> Self {
        let mut tokens = Vec::new();
        let mut name_at = None;
        for (number, (start, word)) in words(text).into_iter().enumerate() {
            if name.as_ref().is_some_and(|name| name.contains(&start)) {
                name_at = name_at.or(Some(tokens.len()));
                continue;
            }
            let lower: String = word.to_lowercase().chars().map(simplified).collect();
            let stem = lexicon.stems.stem(&lower);
            let kind = if lexicon.stop.contains(&lower) { Kind::Stop } else { Kind::Content };
            let capital = number > 0 && word.starts_with(char::is_uppercase);
            let like_a_name = capital || word.contains(|c: char| c.is_ascii_digit());
            tokens.push(Token {
                terms: Vec::new(),
                text: lower,
                stem,
                kind,
                start,
                like_a_name,
                within: None,
            });
        }
        let common = tokens.iter().any(|token| lexicon.common.contains(&token.stem));
        let mut question = Self {
            lexicon,
            tokens,
            name_at,
            expected: Expected::Any,
            common,
            runs: Vec::new(),
            asks_where: false,
            asks: Vec::new(),
        };
        question.silence();
        question.own_terms();
        question.ask();
        question.expand();
        question
    }

    /// Tokens between this one and the name; 0 where there is no name.
    pub(super) fn distance(&self, token: usize) -> usize {
        match self.name_at {
            Some(at) if token >= at => token - at,
            Some(at) => at - token - 1,
            None => 0,
        }
    }

    /// Whether nothing but articles stands between two tokens, and not the name.
    pub(super) fn is_joined(&self, first: usize, second: usize) -> bool {
        self.name_at.is_none_or(|at| at <= first || at > second)
            && self.tokens[first + 1..second].iter().all(|token| self.lexicon.articles.contains(&token.text))
    }

    /// The word for the kind of things that are counted or listed: "how many countries", "which countries".
    pub(super) fn listed(&self) -> Option<usize> {
        let &(ask, expected) = self.asks.first()?;
        let rest = self.tokens.iter().enumerate().skip(ask);
        let (at, token) = rest.into_iter().find(|(_, token)| token.kind == Kind::Content)?;
        let several = match expected {
            Expected::Count => true,
            Expected::Any => token.text.ends_with('s') || token.text == "people",
            _ => false,
        };
        (several && self.lexicon.things.contains(&token.stem)).then_some(at)
    }

    /// The rest of the question as one text, for an embedding.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for token in &self.tokens {
            let han = token.text.chars().any(is_han);
            let joined = han && text.ends_with(is_han);
            if !text.is_empty() && !joined {
                text.push(' ');
            }
            text.push_str(&token.text);
        }
        text
    }

    /// Where the tokens say this phrase: the first of them and the one behind the last.
    fn find(&self, phrase: &str, stemmed: bool) -> Option<Range<usize>> {
        let unspaced = phrase.chars().any(is_han);
        let parts: Vec<String> = if unspaced {
            phrase.chars().map(String::from).collect()
        } else {
            phrase.split_whitespace().map(str::to_owned).collect()
        };
        if parts.is_empty() || parts.len() > self.tokens.len() {
            return None;
        }
        let same =
            |token: &Token, part: &String| if stemmed { token.stem == *part } else { token.text == *part };
        let crosses = |start: usize| self.name_at.is_some_and(|at| start < at && at < start + parts.len());
        (0..=self.tokens.len() - parts.len())
            .find(|&start| {
                !crosses(start)
                    && self.tokens[start..].iter().zip(&parts).all(|(token, part)| same(token, part))
            })
            .map(|start| start..start + parts.len())
    }

    /// Whether the tokens say this phrase, word by word.
    pub(super) fn says(&self, phrase: &str) -> bool {
        self.find(phrase, false).is_some()
    }

    /// Takes phrases that say nothing for function words: "请问".
    fn silence(&mut self) {
        let lexicon = self.lexicon;
        for phrase in &lexicon.stop_phrases {
            while let Some(range) = self.find_content(phrase) {
                self.tokens[range].iter_mut().for_each(|token| token.kind = Kind::Stop);
            }
        }
    }

    fn find_content(&self, phrase: &str) -> Option<Range<usize>> {
        let size = phrase.chars().count();
        let crosses = |start: usize| self.name_at.is_some_and(|at| start < at && at < start + size);
        (0..(self.tokens.len() + 1).saturating_sub(size)).map(|start| start..start + size).find(|range| {
            let tokens = &self.tokens[range.clone()];
            !crosses(range.start)
                && tokens.iter().any(|token| token.kind == Kind::Content)
                && tokens.iter().zip(phrase.chars()).all(|(token, c)| token.text.chars().eq([c]))
        })
    }

    fn own_terms(&mut self) {
        for token in self.tokens.iter_mut().filter(|token| token.kind == Kind::Content) {
            token.terms.push((token.stem.clone(), 1.0));
        }
    }

    fn ask(&mut self) {
        let mut taken = vec![false; self.tokens.len()];
        for (phrase, ask) in &self.lexicon.asks {
            let Some(range) = self.find(phrase, false) else { continue };
            if taken[range.clone()].iter().any(|taken| *taken) {
                continue;
            }
            taken[range.clone()].iter_mut().for_each(|taken| *taken = true);
            if self.expected == Expected::Any {
                self.expected = ask.expects;
            }
            self.asks_where |= ask.place;
            if !ask.content {
                self.asks.push((range.start, ask.expects));
                for token in &mut self.tokens[range.clone()] {
                    token.kind = Kind::Ask;
                    token.terms.clear();
                }
            }
            for word in &ask.words {
                if word.chars().any(is_han) {
                    let text = word.chars().collect();
                    self.runs.push(Run { text, weight: ASKED, token: range.start });
                } else {
                    let stem = self.lexicon.stems.stem(word);
                    self.tokens[range.start].terms.push((stem, ASKED));
                }
            }
        }
        self.asks.sort_by_key(|(token, _)| *token);
    }

    /// Adds what words and phrases of the question stand for.
    fn expand(&mut self) {
        let lexicon = self.lexicon;
        let mut found: Vec<(usize, usize, &String)> = Vec::new();
        for (member, families) in &lexicon.member_of {
            let han = member.chars().any(is_han);
            if han && member.chars().count() < 2 {
                continue;
            }
            if let Some(range) = self.find(member, !han) {
                found.extend(families.iter().map(|&family| (range.start, family, member)));
            }
        }
        found.sort();
        let end = self.tokens.len();
        for (start, family, member) in found {
            let words = member.split(' ').count();
            // The phrase stands where its first word of content is.
            let place = (start..start + words)
                .find(|&at| self.tokens.get(at).is_some_and(|token| token.kind == Kind::Content))
                .unwrap_or(start);
            for token in self.tokens[place..(start + words).min(end)].iter_mut().skip(1) {
                token.within.get_or_insert(place);
            }
            for other in lexicon.families[family].iter().filter(|other| *other != member) {
                if other.chars().any(is_han) {
                    self.runs.push(Run { text: other.chars().collect(), weight: FAMILY, token: start });
                } else if !other.contains(' ') {
                    let terms = &mut self.tokens[place].terms;
                    if !terms.iter().any(|(term, _)| term == other) {
                        terms.push((other.clone(), FAMILY));
                    }
                }
            }
        }
    }
}

/// The words of a text with the bytes they begin at; each Chinese character is one.
pub(super) fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start: Option<usize> = None;
    for (at, c) in text.char_indices() {
        let in_word = c.is_alphanumeric() && !is_han(c);
        match start {
            Some(from) if !in_word => {
                words.push((from, &text[from..at]));
                start = None;
            }
            None if in_word => start = Some(at),
            _ => {}
        }
        if is_han(c) {
            words.push((at, &text[at..at + c.len_utf8()]));
        }
    }
    words.extend(start.map(|from| (from, &text[from..])));
    words
}

#[cfg(test)]
mod tests {
    use super::{Expected, Kind, Question, words};
    use crate::lexicon::Lexicon;

    fn read(text: &str, name: &str) -> Question {
        let start = text.find(name).unwrap();
        Question::read(text, Some(start..start + name.len()), Lexicon::of(&Lexicon::guess(text)))
    }

    #[test]
    fn words_are_cut_at_signs_and_characters() {
        let cut: Vec<&str> = words("Don't 首都 be_late x1").into_iter().map(|(_, word)| word).collect();
        assert_eq!(cut, ["Don", "t", "首", "都", "be", "late", "x1"]);
    }

    #[test]
    fn a_question_word_says_what_is_expected_and_stands_for_relations() {
        let question = read("When did the movies written by Anthony Mann release?", "Anthony Mann");
        assert_eq!(question.expected, Expected::Date);
        assert_eq!(question.tokens[0].kind, Kind::Ask);
        assert!(question.tokens[0].terms.iter().any(|(term, _)| term == "year"));
        let written = question.tokens.iter().position(|token| token.text == "written").unwrap();
        assert!(question.tokens[written].terms.iter().any(|(term, _)| term == "author"));
        assert_eq!(question.distance(written), 1);
        assert_eq!(question.distance(question.tokens.len() - 1), 0);
    }

    #[test]
    fn chinese_phrases_stand_for_others() {
        let question = read("《围城》是谁写的?", "围城");
        assert!(question.runs.iter().any(|run| run.text.iter().collect::<String>() == "作者"));
    }
}
