//! Numbers and dates in sentences. In: a text. Out: where they stand and what they are worth. Written apart from the verifier's own
//! reading of quantities on purpose: the audit is a second opinion.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a number or a date is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantity {
    /// A number.
    Number(f64),
    /// A date, as precise as it is written.
    Date { year: Option<i32>, month: Option<u8>, day: Option<u8> },
}

/// A number or a date in a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Where.
    pub(crate) range: Range<usize>,
    /// What.
    pub(crate) value: Quantity,
    /// How far from it the exact value may lie.
    pub(crate) slack: f64,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WORDS: [&str; 11] =
    ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
/// “About” leaves this share of slack, as it does in the verifier's rule.
const ABOUT: f64 = 0.02;

/// The expressions, in the order in which they claim their stretch of the text.
struct Patterns {
    iso: Regex,
    day_first: Regex,
    month_first: Regex,
    chinese_date: Regex,
    number: Regex,
    word: Regex,
    about: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| Patterns::new().ok());

impl Patterns {
    fn new() -> Result<Self, regex::Error> {
        let month = format!("(?P<month>{})", MONTHS.join("|"));
        Ok(Self {
            iso: Regex::new(
                r"(?:^|[^\d-])(?P<all>(?P<year>-?\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)(?:$|[^\d-])",
            )?,
            day_first: Regex::new(&format!(
                r"(?i)\b(?P<all>(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {month}(?:,? (?P<year>\d{{1,4}}))?)\b"
            ))?,
            month_first: Regex::new(&format!(
                r"(?i)\b(?P<all>{month}(?: (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b)?(?:,? (?P<year>\d{{4}}))?)\b"
            ))?,
            chinese_date: Regex::new(
                r"(?P<all>(?P<year>\d{3,4}) ?年(?: ?(?P<month>\d{1,2}) ?月)?(?: ?(?P<day>\d{1,2}) ?[日号])?|(?P<m>\d{1,2})月(?P<d>\d{1,2})[日号])",
            )?,
            number: Regex::new(
                r"(?P<all>(?:^|\b|[\p{Han}])(?P<number>\d{1,3}(?:[,\u{a0}\u{202f}]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:st|nd|rd|th)?(?: ?(?P<scale>thousand|million|billion|trillion|千|万亿|亿|万))?)(?:$|[^\p{L}\d]|[\p{Han}]|[a-z²³]{1,4}\b)",
            )?,
            word: Regex::new(&format!(r"(?i)\b(?P<all>{})\b", WORDS.join("|")))?,
            about: Regex::new(
                r"(?i)(about|approximately|around|roughly|nearly|almost|over|some|约|大约|将近|近|左右)[ ]*$",
            )?,
        })
    }
}

/// The numbers and dates of a text, in order, none over another.
pub(crate) fn quantities(text: &str) -> Vec<Found> {
    let Some(patterns) = PATTERNS.as_ref() else { return Vec::new() };
    let mut found: Vec<Found> = Vec::new();
    let mut claim = |range: Range<usize>, value: Option<Quantity>, slack: f64| {
        let is_free =
            found.iter().all(|other| other.range.end <= range.start || range.end <= other.range.start);
        if let Some(value) = value.filter(|_| is_free) {
            found.push(Found { range, value, slack });
        }
    };
    for pattern in [&patterns.iso, &patterns.day_first, &patterns.month_first, &patterns.chinese_date] {
        for captures in pattern.captures_iter(text) {
            if let Some(all) = captures.name("all") {
                claim(all.range(), date(&captures), 0.0);
            }
        }
    }
    let mut at = 0;
    while let Some(captures) = patterns.number.captures_at(text, at) {
        let (Some(all), Some(number)) = (captures.name("all"), captures.name("number")) else { break };
        let scale = captures.name("scale").map(|scale| factor(scale.as_str()));
        let digits = number.as_str().replace([',', '\u{a0}', '\u{202f}'], "");
        let value = digits.parse::<f64>().ok().map(|value| value * scale.unwrap_or(1.0));
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let is_about =
            patterns.about.is_match(&text[..number.start()]) || text[all.end()..].starts_with("左右");
        let mut slack = 0.0;
        if let Some(scale) = scale {
            // “5.2 million” is rounded to what it shows.
            slack = 0.5 * scale / 10f64.powi(i32::try_from(decimals).unwrap_or(0));
        }
        if is_about {
            slack = slack.max(value.unwrap_or(0.0).abs() * ABOUT);
        }
        claim(number.start()..all.end(), value.map(Quantity::Number), slack);
        at = all.end();
    }
    for captures in patterns.word.captures_iter(text) {
        if let Some(all) = captures.name("all") {
            let place = WORDS.iter().position(|word| all.as_str().eq_ignore_ascii_case(word));
            claim(all.range(), place.map(|place| Quantity::Number(place as f64 + 2.0)), 0.0);
        }
    }
    found.sort_by_key(|found| found.range.start);
    found
}

fn factor(scale: &str) -> f64 {
    match scale {
        "thousand" | "千" => 1e3,
        "million" => 1e6,
        "billion" => 1e9,
        "trillion" | "万亿" => 1e12,
        "万" => 1e4,
        _ => 1e8,
    }
}

/// The date of a match; `None` where it is only the name of a month, which may be a word or a name.
fn date(captures: &Captures<'_>) -> Option<Quantity> {
    let number = |name: &str| captures.name(name).and_then(|number| number.as_str().parse::<u8>().ok());
    let named = captures.name("month").and_then(|month| {
        let month = month.as_str().to_ascii_lowercase();
        u8::try_from(MONTHS.iter().position(|name| *name == month)? + 1).ok()
    });
    let year = captures.name("year").and_then(|year| year.as_str().parse().ok());
    let month = named.or_else(|| number("month")).or_else(|| number("m"));
    let day = number("day").or_else(|| number("d"));
    (year.is_some() || day.is_some()).then_some(Quantity::Date { year, month, day })
}

/// Whether what stands in a sentence agrees with the exact value: a date may be less precise than it.
pub(crate) fn agrees(found: &Found, exact: Quantity) -> bool {
    let part = |ours: Option<i32>, theirs: Option<i32>| ours.is_none() || ours == theirs;
    match (found.value, exact) {
        (Quantity::Number(ours), Quantity::Number(theirs)) => {
            (ours - theirs).abs() <= found.slack.max(1e-9 * theirs.abs())
        }
        (Quantity::Date { year, month, day }, Quantity::Date { year: y, month: m, day: d }) => {
            part(year, y)
                && part(month.map(i32::from), m.map(i32::from))
                && part(day.map(i32::from), d.map(i32::from))
        }
        // A year stands in the graph as a number, or in the sentence.
        (Quantity::Number(ours), Quantity::Date { year: Some(year), .. }) => ours == f64::from(year),
        (Quantity::Date { year: Some(year), month: None, .. }, Quantity::Number(theirs)) => {
            theirs == f64::from(year)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<f64> {
        let number = |found: Found| match found.value {
            Quantity::Number(value) => Some(value),
            Quantity::Date { .. } => None,
        };
        quantities(text).into_iter().filter_map(number).collect()
    }

    #[test]
    fn numbers_are_read_with_separators_scales_and_units() {
        assert_eq!(numbers("It has 884,546 people and 1000000 trees."), [884_546.0, 1_000_000.0]);
        assert_eq!(numbers("about 5.2 million, 14.1亿, 5万人"), [5_200_000.0, 1_410_000_000.0, 50_000.0]);
        assert_eq!(numbers("面积为960万平方公里"), [9_600_000.0]);
        assert_eq!(numbers("two of 7km and 38394 km²"), [2.0, 7.0, 38394.0]);
        assert_eq!(numbers("K2 and Boeing747"), [] as [f64; 0]);
    }

    #[test]
    fn dates_are_read_in_any_form() {
        let date = Quantity::Date { year: Some(2026), month: Some(12), day: Some(3) };
        for text in [
            "2026-12-03",
            "3 December 2026",
            "December 3, 2026",
            "on the 3rd of December 2026.",
            "2026年12月3日",
        ] {
            let found = quantities(text);
            assert_eq!(found.iter().map(|found| found.value).collect::<Vec<_>>(), [date], "{text}");
        }
        assert_eq!(quantities("May I ask?"), []);
        assert!(agrees(&quantities("in 2026")[0], date));
        assert!(agrees(&quantities("3 December")[0], date));
        assert!(!agrees(&quantities("4 December")[0], date));
    }

    #[test]
    fn a_rounded_number_agrees_only_where_it_says_so() {
        let exact = Quantity::Number(5_223_100.0);
        assert!(agrees(&quantities("about 5.2 million")[0], exact));
        assert!(agrees(&quantities("5.2 million")[0], exact));
        assert!(!agrees(&quantities("5,200,000")[0], exact));
        assert!(agrees(&quantities("about 5,200,000")[0], exact));
        assert!(!agrees(&quantities("5.3 million")[0], exact));
    }
}
