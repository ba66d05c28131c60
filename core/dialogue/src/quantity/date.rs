//! Dates as people write them. In: words of a sentence, or a fact's literal. Out: years, months and days that can be compared.

use super::Units;
use crate::words::Word;

/// A day, month, year, decade or century.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CalendarDate {
    /// The year, or the first one of a decade or century; 0 is 1 BC.
    pub(crate) year: Option<i32>,
    /// How many more years it may be than that: 9 in a decade.
    pub(crate) more_years: i32,
    pub(crate) month: Option<u32>,
    pub(crate) day: Option<u32>,
}

impl CalendarDate {
    /// Whether it is said of a date that is known: no part of it differs, and it is no more precise.
    pub(super) fn says(&self, known: &CalendarDate) -> bool {
        let years = match (self.year, known.year) {
            (Some(said), Some(year)) => said <= year && year + known.more_years <= said + self.more_years,
            (None, _) => true,
            (Some(_), None) => false,
        };
        let months = self.month.is_none() || self.month == known.month;
        let days = self.day.is_none() || self.day == known.day;
        years && months && days && (self.year.is_some() || self.month.is_some())
    }

    /// Whether it is a year and nothing more.
    pub(super) fn is_one_year(&self) -> bool {
        self.year.is_some() && self.more_years == 0 && self.month.is_none() && self.day.is_none()
    }
}

impl Units<'_> {
    pub(super) fn date_at(&self, text: &str, words: &[Word], at: usize) -> Option<(CalendarDate, usize)> {
        let (mut date, mut length) =
            self.plain_date_at(text, words, at).or_else(|| self.era_at(words, at))?;
        let word = |at: usize| words.get(at).map_or("", |word| word.folded.as_str());
        let era = matches!(word(at + length), "bc" | "bce" | "ce" | "ad");
        if era && date.year.is_some() {
            if word(at + length).starts_with('b') {
                date.year = date.year.map(|year| 1 - year);
            }
            length += 1;
        }
        Some((date, length))
    }

    /// "44 BC", "the 1990s", "the 19th century", 公元前44年, 1990年代, 19世纪.
    fn era_at(&self, words: &[Word], at: usize) -> Option<(CalendarDate, usize)> {
        let word = |at: usize| words.get(at).map_or("", |word| word.folded.as_str());
        let digits = |text: &str| text.parse::<i32>().ok().filter(|_| text.len() <= 4);
        let year = |year: i32, more_years: i32, length: usize| {
            Some((CalendarDate { year: Some(year), more_years, ..CalendarDate::default() }, length))
        };
        if word(at) == "公" && word(at + 1) == "元" {
            let is_before = word(at + 2) == "前";
            let start = at + if is_before { 3 } else { 2 };
            let number = digits(word(start)).filter(|_| word(start + 1) == "年")?;
            return year(if is_before { 1 - number } else { number }, 0, start + 2 - at);
        }
        if let Some(number) = digits(word(at)) {
            return match (word(at + 1), word(at + 2)) {
                ("bc" | "bce" | "ad" | "ce", _) => year(number, 0, 1),
                ("年", "代") if number % 10 == 0 && number > 100 => year(number, 9, 3),
                ("世", "纪") => year((number - 1) * 100, 99, 3),
                ("年", _) if number >= 1000 => year(number, 0, 2),
                _ => None,
            };
        }
        if let Some(number) =
            word(at).strip_suffix('s').and_then(digits).filter(|n| n % 10 == 0 && *n >= 1000)
        {
            return year(number, 9, 1);
        }
        if let Some(number) = ordinal(word(at)).filter(|_| word(at + 1) == "century") {
            return year((number as i32 - 1) * 100, 99, 2);
        }
        None
    }

    fn plain_date_at(&self, text: &str, words: &[Word], at: usize) -> Option<(CalendarDate, usize)> {
        let number = |at: usize| {
            let word = words.get(at)?;
            ordinal(&word.folded)
        };
        let month = |at: usize| {
            let found = self.lexicon.months.longest_at(words, at)?;
            Some((u32::try_from(*found.tags.first()?).ok()?, found.length))
        };
        let year = |at: usize| number(at).filter(|year| (1000..=9999).contains(year)).map(|year| year as i32);
        let literal = |at: usize, text: &str| words.get(at).is_some_and(|word| word.folded == text);
        if let Some(date) = self.han_date_at(words, at) {
            return Some(date);
        }
        // 2026-12-03
        if let (Some(first), Some(_), Some(third)) = (words.get(at), words.get(at + 1), words.get(at + 2))
            && let Some(date) =
                parse_iso_date(&text[first.range.start..third.range.end]).filter(|date| date.day.is_some())
        {
            return Some((date, 3));
        }
        // 13/12/2026 can be read in one way only; 03/12/2026 cannot.
        if let (Some(first), Some(second), Some(third)) = (number(at), number(at + 1), year(at + 2))
            && let (Some(from), Some(to)) = (words.get(at), words.get(at + 2))
            && text[from.range.start..to.range.end].matches('/').count() == 2
        {
            let (day, month) = match (first, second) {
                (13..=31, 1..=12) => (first, second),
                (1..=12, 13..=31) => (second, first),
                (1..=12, 1..=12) if first == second => (first, second),
                _ => return None,
            };
            return Some((
                CalendarDate { year: Some(third), month: Some(month), day: Some(day), more_years: 0 },
                3,
            ));
        }
        // 3 December 2026, 3rd of December
        if let Some(day) = number(at).filter(|day| (1..=31).contains(day)) {
            let of = usize::from(literal(at + 1, "of"));
            if let Some((month, length)) = month(at + 1 + of) {
                let end = at + 1 + of + length;
                let year = year(end);
                let date = CalendarDate { year, month: Some(month), day: Some(day), more_years: 0 };
                return Some((date, end - at + usize::from(year.is_some())));
            }
        }
        // December 3, 2026; December 2026
        let (month, length) = month(at)?;
        let mut end = at + length;
        end += usize::from(literal(end, "the"));
        let day = number(end).filter(|day| (1..=31).contains(day));
        end += usize::from(day.is_some());
        let year = year(end);
        end += usize::from(year.is_some());
        let date = CalendarDate { year, month: Some(month), day, more_years: 0 };
        (day.is_some() || year.is_some()).then_some((date, end - at))
    }

    /// 2026年12月3日, 二〇二六年十二月三日, 12月3号, 2026年12月
    fn han_date_at(&self, words: &[Word], at: usize) -> Option<(CalendarDate, usize)> {
        let literal = |at: usize, text: &str| words.get(at).is_some_and(|word| word.folded == text);
        let number = |at: usize| {
            let word = words.get(at)?;
            match word.folded.parse::<u32>() {
                Ok(number) => Some((number, 1)),
                Err(_) => {
                    let (value, length) = self.han_at(words, at).filter(|(value, _)| value.fract() == 0.0)?;
                    Some((value as u32, length))
                }
            }
        };
        let year =
            number(at).filter(|(year, length)| (1000..=9999).contains(year) && literal(at + length, "年"));
        let start = at + year.map_or(0, |(_, length)| length + 1);
        let (month, length) = number(start).filter(|(month, _)| (1..=12).contains(month))?;
        let end = start + length;
        if !literal(end, "月") {
            return None;
        }
        let day = number(end + 1).filter(|(day, length)| {
            (1..=31).contains(day) && (literal(end + 1 + length, "日") || literal(end + 1 + length, "号"))
        });
        if year.is_none() && day.is_none() {
            return None;
        }
        let end = end + 1 + day.map_or(0, |(_, length)| length + 1);
        let year = year.map(|(year, _)| year as i32);
        Some((
            CalendarDate { year, month: Some(month), day: day.map(|(day, _)| day), more_years: 0 },
            end - at,
        ))
    }
}

/// A day or year: `3`, `3rd`, `2026`.
fn ordinal(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    matches!(suffix, "" | "st" | "nd" | "rd" | "th").then(|| digits.parse().ok()).flatten()
}

/// A date as a graph keeps it: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, `YYYX` for a decade and `YYXX` for a century; before year 1 with a
/// minus sign.
pub(crate) fn parse_iso_date(text: &str) -> Option<CalendarDate> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut parts = text.split('-');
    let written = parts.next().filter(|year| year.len() == 4)?;
    let open = written.len() - written.trim_end_matches('X').len();
    let known: i32 = written.trim_end_matches('X').parse().ok()?;
    let more_years = match open {
        0 => 0,
        1 => 9,
        2 => 99,
        _ => return None,
    };
    let year = sign * known * (more_years + 1) - if sign < 0 { more_years } else { 0 };
    let month = parts.next().map(|month| month.parse().ok().filter(|month| (1..=12).contains(month)));
    let day = parts.next().map(|day| day.parse().ok().filter(|day| (1..=31).contains(day)));
    if month == Some(None) || day == Some(None) || parts.next().is_some() {
        return None;
    }
    Some(CalendarDate { year: Some(year), more_years, month: month.flatten(), day: day.flatten() })
}
