//! Numbers as people write and spell them. In: words. Out: a value, and how precisely it was written. "five million two hundred
//! thousand", 三千五百万 and 5.2 million alike. Knows no units.

use super::{Units, last_digit, parse_number};
use crate::words::{Word, has_han};

/// A number in a sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Numeral {
    pub(super) value: f64,
    /// How many words it covers.
    pub(super) length: usize,
    /// The value of the last digit that was written as exact.
    pub(super) last_digit: f64,
    /// Whether it is all in words, as "one" mostly is without being a number.
    pub(super) is_spelled: bool,
}

impl Units<'_> {
    /// The number that begins at `words[at]`.
    pub(super) fn numeral_at(&self, text: &str, words: &[Word], at: usize) -> Option<Numeral> {
        let word = words.get(at)?;
        let is_percent = ["百", "分", "之"]
            .iter()
            .enumerate()
            .all(|(more, part)| words.get(at + more).is_some_and(|word| word.folded == *part));
        if is_percent {
            let rest = self.numeral_at(text, words, at + 3)?;
            return Some(Numeral { length: rest.length + 3, ..rest });
        }
        if parse_number(&word.folded).is_some() {
            return Some(self.written_at(text, words, at));
        }
        let spelled = if has_han(&word.folded) { self.han_at(words, at) } else { self.english_at(words, at) };
        let (value, length) = spelled?;
        Some(Numeral { value, length, last_digit: last_digit(&format!("{value}")), is_spelled: true })
    }

    /// Digits, perhaps in groups of three between spaces, and the words that multiply them.
    fn written_at(&self, text: &str, words: &[Word], at: usize) -> Numeral {
        let mut written = words[at].folded.clone();
        let mut length = 1;
        while written.len() <= 11
            && words[at].folded.len() <= 3
            && let Some(next) = words.get(at + length)
            && next.folded.len() == 3
            && next.folded.bytes().all(|byte| byte.is_ascii_digit())
            && matches!(
                &text[words[at + length - 1].range.end..next.range.start],
                " " | "\u{A0}" | "\u{2009}" | "\u{202F}"
            )
        {
            written.push_str(&next.folded);
            length += 1;
        }
        let mut value = parse_number(&written).unwrap_or_default();
        let mut last_digit = last_digit(&written);
        while let Some(found) = self.lexicon.multipliers.longest_at(words, at + length)
            && let Some(bits) = found.tags.first()
        {
            value *= f64::from_bits(*bits);
            last_digit *= f64::from_bits(*bits);
            length += found.length;
        }
        // "9.6 M km²"; alone, an M may be anything.
        let is_million = words.get(at + length).is_some_and(|word| word.folded == "m" && word.is_capitalised)
            && self.names.longest_at(words, at + length + 1).is_some();
        if is_million {
            (value, last_digit, length) = (value * 1e6, last_digit * 1e6, length + 1);
        }
        Numeral { value, length, last_digit, is_spelled: false }
    }

    /// "two thousand and five", "twenty-one", "one hundred".
    fn english_at(&self, words: &[Word], at: usize) -> Option<(f64, usize)> {
        let numeral = |at: usize| {
            let found = self.lexicon.numerals.longest_at(words, at)?;
            found.tags.first().map(|bits| f64::from_bits(*bits))
        };
        let multiplier = |at: usize| {
            let found = self.lexicon.multipliers.longest_at(words, at)?;
            found.tags.first().map(|bits| f64::from_bits(*bits))
        };
        let (mut total, mut current, mut end, mut last) = (0.0, numeral(at)?, at + 1, numeral(at)?);
        loop {
            let joined = usize::from(words.get(end).is_some_and(|word| word.folded == "and"));
            if let Some(by) = multiplier(end) {
                if by < 1000.0 {
                    current *= by;
                } else {
                    (total, current) = (total + current * by, 0.0);
                }
                (end, last) = (end + 1, by);
            } else if let Some(more) = numeral(end + joined).filter(|more| {
                let after_tens = joined == 0 && (20.0..100.0).contains(&last) && *more < 10.0 && *more > 0.0;
                after_tens || last >= 100.0 && self.is_multiplied(words, end)
            }) {
                (current, end, last) = (current + more, end + joined + 1, more);
            } else {
                return Some((total + current, end - at));
            }
        }
    }

    fn is_multiplied(&self, words: &[Word], end: usize) -> bool {
        self.lexicon.multipliers.longest_at(words, end - 1).is_some()
    }

    /// 三千五百万, 两百零三, 二〇二六.
    pub(super) fn han_at(&self, words: &[Word], at: usize) -> Option<(f64, usize)> {
        let digit =
            |character: &str| "零一二三四五六七八九".chars().position(|digit| character == digit.to_string());
        let digit = |character: &str| match character {
            "〇" => Some(0),
            "两" => Some(2),
            _ => digit(character),
        };
        let scale = |character: &str| match character {
            "十" => Some(10.0),
            "百" => Some(100.0),
            "千" => Some(1000.0),
            _ => None,
        };
        if words.get(at)?.folded == "半" {
            return Some((0.5, 1));
        }
        let is_numeral = |word: &&Word| {
            let character = word.folded.as_str();
            digit(character).is_some() || scale(character).is_some() || matches!(character, "万" | "亿")
        };
        let run: Vec<&str> =
            words[at..].iter().take_while(is_numeral).map(|word| word.folded.as_str()).collect();
        let first = *run.first()?;
        if digit(first).is_none() && first != "十" {
            return None;
        }
        // Digit by digit, as years are read.
        if run.len() > 1 && run.iter().all(|character| digit(character).is_some()) {
            let value =
                run.iter().filter_map(|character| digit(character)).fold(0.0, |sum, d| sum * 10.0 + d as f64);
            return Some((value, run.len()));
        }
        let (mut total, mut section, mut pending) = (0.0, 0.0, None);
        for character in &run {
            if let Some(digit) = digit(character) {
                pending = Some(digit as f64);
            } else if let Some(scale) = scale(character) {
                section += pending.take().unwrap_or(1.0) * scale;
            } else {
                let by = if *character == "万" { 1e4 } else { 1e8 };
                let part = section + pending.take().unwrap_or(0.0);
                total = if by > 1e4 { (total + part) * by } else { total + part * by };
                section = 0.0;
            }
        }
        Some((total + section + pending.unwrap_or(0.0), run.len()))
    }
}
