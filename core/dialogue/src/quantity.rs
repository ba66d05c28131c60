//! Numbers, units and dates as values that can be compared. In: words of a sentence, or a fact's literal.
//! Out: quantities in base units. So "2 years" equals 24 months, and "1 year, 1 month" does not.

use loquat_contract::{Fact, Language, Unit, Value};

use crate::lexicon::{Lexicon, WordKind};
use crate::phrases::Phrasebook;
use crate::words::{Word, fold, keys};

/// A rounded number may be off by this share of it.
const ROUNDING: f64 = 0.02;
/// The dimensions that people round: never money, and never how long something lasts.
const ROUNDABLE: [&str; 4] = ["person", "square metre", "metre", "gram"];

/// What a number counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// No unit is named.
    Bare,
    /// A base unit of the lexicon, or a unit of the graph by its first name.
    Of(String),
}

/// A number in a base unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantity {
    /// The value in the base unit.
    pub(crate) value: f64,
    pub(crate) dimension: Dimension,
    /// How far a value may be off and still be what was written: half a unit of the last digit where it was rounded.
    pub(crate) tolerance: f64,
    /// How many base units one of the unit written has.
    factor: f64,
}

/// A day, month or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CalendarDate {
    pub(crate) year: Option<i32>,
    pub(crate) month: Option<u32>,
    pub(crate) day: Option<u32>,
}

/// What a stretch of a sentence measures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measure {
    Quantity(Quantity),
    Date(CalendarDate),
}

/// The units that a sentence may name: the lexicon's and those of the facts' predicates.
#[derive(Clone, Debug)]
pub(crate) struct Units<'a> {
    lexicon: &'a Lexicon,
    /// Unit names → index into `known`.
    names: Phrasebook<usize>,
    known: Vec<(Dimension, f64)>,
}

impl<'a> Units<'a> {
    /// The units of the lexicon and of the facts.
    pub(crate) fn new(lexicon: &'a Lexicon, facts: &[Fact]) -> Self {
        let mut units = Self { lexicon, names: Phrasebook::default(), known: Vec::new() };
        for unit in &lexicon.units {
            let index = units.known.len();
            units.known.push((Dimension::Of(unit.dimension.clone()), unit.factor));
            for name in &unit.names {
                units.names.insert(keys(name, &lexicon.language), index);
            }
        }
        for unit in facts.iter().filter_map(Fact::unit) {
            let index = units.known.len();
            units.known.push(units.of(unit));
            for name in names_of(unit) {
                units.names.insert(keys(name, &lexicon.language), index);
            }
        }
        units
    }

    /// The dimension and factor of a graph's unit: the lexicon's where it knows one of the names.
    fn of(&self, unit: &Unit) -> (Dimension, f64) {
        // A graph names its units in any language, mostly English; its plural must not hide them.
        let english = Language::english();
        let is = |name: &str, other: &str| {
            let same_keys = |language| {
                let key = keys(name, language);
                !key.is_empty() && key == keys(other, language)
            };
            fold(name) == fold(other) || same_keys(&self.lexicon.language) || same_keys(&english)
        };
        let known = self
            .lexicon
            .units
            .iter()
            .find(|known| names_of(unit).any(|name| known.names.iter().any(|other| is(name, other))));
        match known {
            Some(known) => (Dimension::Of(known.dimension.clone()), known.factor),
            None => (Dimension::Of(names_of(unit).next().map(fold).unwrap_or_default()), 1.0),
        }
    }

    /// Whether a sign such as `€` stands for a unit of the facts.
    pub(crate) fn has_symbol(&self, symbol: char) -> bool {
        let symbol = symbol.to_string();
        let known = &self.lexicon.units;
        let stands_for = |dimension: &Dimension| {
            known.iter().any(|unit| {
                Dimension::Of(unit.dimension.clone()) == *dimension && unit.names.contains(&symbol)
            })
        };
        self.known[known.len()..].iter().any(|(dimension, _)| stands_for(dimension))
    }

    /// What a fact's object measures; `None` where it is neither number nor date.
    pub(crate) fn of_fact(&self, fact: &Fact) -> Option<Measure> {
        match &fact.object {
            Value::Number { value, .. } => {
                let (dimension, factor) = fact.unit().map_or((Dimension::Bare, 1.0), |unit| self.of(unit));
                Some(Measure::Quantity(Quantity { value: value * factor, dimension, tolerance: 0.0, factor }))
            }
            Value::Date(text) => parse_iso_date(text).map(Measure::Date),
            _ => None,
        }
    }

    /// The measure that begins at `words[at]`, and how many words it covers.
    pub(crate) fn measure_at(&self, text: &str, words: &[Word], at: usize) -> Option<(Measure, usize)> {
        if let Some((date, length)) = self.date_at(text, words, at) {
            return Some((Measure::Date(date), length));
        }
        let (mut total, mut length) = self.quantity_at(text, words, at)?;
        // "1 year, 1 month" and "2 years and 3 months" are one quantity.
        while let Some((next, skipped, more)) = self.continued_at(text, words, at + length) {
            if next.dimension != total.dimension
                || next.dimension == Dimension::Bare
                || next.factor >= total.factor
            {
                break;
            }
            total.value += next.value;
            total.factor = next.factor;
            length += skipped + more;
        }
        Some((Measure::Quantity(total), length))
    }

    fn continued_at(&self, text: &str, words: &[Word], at: usize) -> Option<(Quantity, usize, usize)> {
        let word = words.get(at)?;
        let skipped = usize::from(matches!(word.folded.as_str(), "and" | "零"));
        let (quantity, length) = self.quantity_at(text, words, at + skipped)?;
        Some((quantity, skipped, length))
    }

    fn quantity_at(&self, text: &str, words: &[Word], at: usize) -> Option<(Quantity, usize)> {
        let word = words.get(at)?;
        let (mut value, mut length, spelled) = match parse_number(&word.folded) {
            Some(value) => (value, 1, false),
            None => {
                let found = self.lexicon.numerals.longest_at(words, at)?;
                (f64::from_bits(*found.tags.first()?), found.length, true)
            }
        };
        let mut last_digit = last_digit(&word.folded);
        let rounded = self.is_approximate(words, at);
        if let Some(found) = self.lexicon.multipliers.longest_at(words, at + length) {
            let multiplier = f64::from_bits(*found.tags.first()?);
            value *= multiplier;
            last_digit *= multiplier;
            length += found.length;
        }
        let unit = self.names.longest_at(words, at + length);
        let unit_before = self.symbol_beside(text, word);
        let (dimension, factor) = match (&unit, unit_before) {
            (Some(found), _) => {
                length += found.length;
                self.known[*found.tags.first()?].clone()
            }
            (None, Some(index)) => self.known[index].clone(),
            // A number in words counts only with its unit: "one" is mostly not a number.
            (None, None) if spelled => return None,
            (None, None) => (Dimension::Bare, 1.0),
        };
        let is_roundable = match &dimension {
            Dimension::Bare => true,
            Dimension::Of(name) => ROUNDABLE.contains(&name.as_str()),
        };
        let tolerance = if rounded && is_roundable {
            (last_digit / 2.0).min(value.abs() * ROUNDING) * factor
        } else {
            0.0
        };
        let is_negative = text[..word.range.start].ends_with(['-', '−'])
            && !text[..word.range.start].trim_end_matches(['-', '−']).ends_with(char::is_alphanumeric);
        let sign = if is_negative { -1.0 } else { 1.0 };
        Some((Quantity { value: sign * value * factor, dimension, tolerance, factor }, length))
    }

    fn is_approximate(&self, words: &[Word], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.lexicon.kinds.longest_at(words, before));
        before.is_some_and(|found| found.length == 1 && found.tags.contains(&WordKind::Approximately))
    }

    /// A unit written as a symbol against the number: `€129`, `5%`. Symbols are no words, so they are read off the text.
    fn symbol_beside(&self, text: &str, word: &Word) -> Option<usize> {
        let before = text[..word.range.start].trim_end().chars().next_back();
        let after = text[word.range.end..].trim_start().chars().next();
        let is_symbol = |c: &char| !c.is_alphanumeric();
        [before, after].into_iter().flatten().filter(is_symbol).find_map(|symbol| {
            let symbol = symbol.to_string();
            self.lexicon.units.iter().position(|unit| unit.names.contains(&symbol))
        })
    }

    fn date_at(&self, text: &str, words: &[Word], at: usize) -> Option<(CalendarDate, usize)> {
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
        // 2026年12月3日, 12月3日, 2026年12月
        let (start, chinese_year) =
            if literal(at + 1, "年") { (at + 2, Some(year(at)?)) } else { (at, None) };
        if let Some(month) = number(start).filter(|month| (1..=12).contains(month))
            && literal(start + 1, "月")
        {
            let day = number(start + 2).filter(|_| literal(start + 3, "日") || literal(start + 3, "号"));
            if chinese_year.is_some() || day.is_some() {
                let length = start + if day.is_some() { 4 } else { 2 } - at;
                return Some((CalendarDate { year: chinese_year, month: Some(month), day }, length));
            }
        }
        // 2026-12-03
        if let (Some(first), Some(second), Some(third)) =
            (words.get(at), words.get(at + 1), words.get(at + 2))
        {
            let written = &text[first.range.start..third.range.end];
            if second.range.end < third.range.start
                && let Some(date) = parse_iso_date(written).filter(|date| date.day.is_some())
            {
                return Some((date, 3));
            }
        }
        // 3 December 2026, 3rd of December
        if let Some(day) = number(at).filter(|day| (1..=31).contains(day)) {
            let of = usize::from(literal(at + 1, "of"));
            if let Some((month, length)) = month(at + 1 + of) {
                let end = at + 1 + of + length;
                let year = year(end);
                return Some((
                    CalendarDate { year, month: Some(month), day: Some(day) },
                    end - at + usize::from(year.is_some()),
                ));
            }
        }
        // December 3, 2026; December 2026
        let (month, length) = month(at)?;
        let mut end = at + length;
        let day = number(end).filter(|day| (1..=31).contains(day));
        end += usize::from(day.is_some());
        let year = year(end);
        end += usize::from(year.is_some());
        (day.is_some() || year.is_some())
            .then_some((CalendarDate { year, month: Some(month), day }, end - at))
    }
}

impl Measure {
    /// Whether `self`, written in a sentence, says what `fact` says: same unit (or none named) and, unless it was
    /// rounded, the same value; of a date, no part that differs and at least one that agrees.
    pub(crate) fn agrees_with(&self, fact: &Measure) -> bool {
        match (self, fact) {
            (Measure::Quantity(said), Measure::Quantity(known)) => {
                let (said_value, tolerance) = match (&said.dimension, &known.dimension) {
                    // People are counted without saying so.
                    (Dimension::Bare, Dimension::Of(unit)) if unit == "person" => {
                        (said.value, said.tolerance)
                    }
                    (a, b) if a == b => (said.value, said.tolerance),
                    _ => return false,
                };
                let rounding = known.value.abs() * 1e-9;
                (said_value - known.value).abs() <= tolerance.max(rounding)
            }
            (Measure::Date(said), Measure::Date(known)) => {
                let parts = [
                    (said.year.map(i64::from), known.year.map(i64::from)),
                    (said.month.map(i64::from), known.month.map(i64::from)),
                    (said.day.map(i64::from), known.day.map(i64::from)),
                ];
                let agrees = |(said, known): &(Option<i64>, Option<i64>)| said.is_none() || said == known;
                parts.iter().all(agrees) && parts.iter().any(|(said, _)| said.is_some())
            }
            (Measure::Quantity(said), Measure::Date(known)) => {
                let year_alone = known.month.is_none();
                year_alone
                    && said.dimension == Dimension::Bare
                    && known.year.map(f64::from) == Some(said.value)
            }
            (Measure::Date(_), Measure::Quantity(_)) => false,
        }
    }
}

impl Measure {
    /// Whether both measure the same kind of thing, so that one can say otherwise than the other.
    pub(crate) fn is_comparable_with(&self, fact: &Measure) -> bool {
        match (self, fact) {
            (Measure::Quantity(said), Measure::Quantity(known)) => {
                let counts_people = said.dimension == Dimension::Bare
                    && known.dimension == Dimension::Of("person".to_owned());
                said.dimension == known.dimension || counts_people
            }
            (Measure::Date(_), Measure::Date(_)) => true,
            (Measure::Quantity(said), Measure::Date(_)) => {
                said.dimension == Dimension::Bare && (1000.0..3000.0).contains(&said.value)
            }
            (Measure::Date(_), Measure::Quantity(_)) => false,
        }
    }
}

fn names_of(unit: &Unit) -> impl Iterator<Item = &str> {
    let symbol = (!unit.symbol.is_empty()).then_some(unit.symbol.as_str());
    symbol.into_iter().chain(unit.labels.iter().map(|label| label.text.as_str()))
}

/// A number as people write it: `38,394`, `5.2`, `24`.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.replace(',', "").parse().ok()
}

/// A day or year: `3`, `3rd`, `2026`.
fn ordinal(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    matches!(suffix, "" | "st" | "nd" | "rd" | "th").then(|| digits.parse().ok()).flatten()
}

/// The value of the last digit that was written as exact: 0.1 of "5.2", 10,000 of "780,000".
fn last_digit(text: &str) -> f64 {
    let plain = text.replace(',', "");
    match plain.split_once('.') {
        Some((_, decimals)) => 10f64.powi(-(decimals.len() as i32)),
        None => 10f64.powi((plain.len() - plain.trim_end_matches('0').len()) as i32),
    }
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
pub(crate) fn parse_iso_date(text: &str) -> Option<CalendarDate> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month = parts.next().map(|month| month.parse().ok().filter(|month| (1..=12).contains(month)));
    let day = parts.next().map(|day| day.parse().ok().filter(|day| (1..=31).contains(day)));
    if month == Some(None) || day == Some(None) || parts.next().is_some() {
        return None;
    }
    Some(CalendarDate { year: Some(year), month: month.flatten(), day: day.flatten() })
}

#[cfg(test)]
mod tests {

    use loquat_contract::{Entity, FactId, Label, Predicate};

    use super::*;
    use crate::lexicon::Lexicons;
    use crate::words::words;

    fn fact(object: Value, unit: Option<&str>) -> Fact {
        let unit = unit.map(|symbol| Unit { symbol: symbol.to_owned(), labels: vec![] });
        let subject = Entity { id: "s".into(), labels: vec![Label::plain("s")], ..Entity::default() };
        let predicate = Predicate { unit, ..Predicate::default() };
        Fact::new(FactId::from("f"), subject.into(), predicate.into(), object, "test".into())
    }

    fn number(value: f64) -> Value {
        Value::number(value.to_string(), value)
    }

    fn agrees(language: &str, sentence: &str, fact: &Fact) -> bool {
        let lexicons = Lexicons::builtin().unwrap();
        let lexicon = lexicons.of(&Language::new(language));
        let units = Units::new(lexicon, std::slice::from_ref(fact));
        let words = words(sentence, &lexicon.language);
        let known = units.of_fact(fact).unwrap();
        let said: Vec<Measure> = (0..words.len())
            .find_map(|at| units.measure_at(sentence, &words, at))
            .map(|(m, _)| m)
            .into_iter()
            .collect();
        said.iter().any(|said| said.agrees_with(&known))
    }

    #[test]
    fn durations_compare_across_units() {
        let warranty = fact(number(24.0), Some("months"));
        assert!(agrees("en", "24 months", &warranty));
        assert!(agrees("en", "two years", &warranty));
        assert!(agrees("en", "1 year and 12 months", &warranty));
        assert!(!agrees("en", "1 year, 1 month", &warranty));
        assert!(!agrees("en", "24 days", &warranty));
        assert!(!agrees("en", "about 20 months", &warranty));
        assert!(!agrees("en", "24", &warranty));
        assert!(agrees("zh", "两年", &warranty));
        assert!(agrees("zh", "24个月", &warranty));
    }

    #[test]
    fn rounding_counts_only_where_it_is_announced() {
        let population = fact(number(5_223_100.0), None);
        assert!(agrees("en", "about 5.2 million", &population));
        assert!(!agrees("en", "5.2 million", &population));
        assert!(!agrees("en", "about 5 million", &population));
        assert!(!agrees("en", "-5,223,100", &population));
        assert!(agrees("en", "5,223,100", &population));
        assert!(!agrees("en", "5,223,000", &population));
        assert!(agrees("en", "about 5,220,000", &population));
        assert!(!agrees("en", "5.3 million", &population));
        assert!(agrees("zh", "约522万", &population));
    }

    #[test]
    fn money_and_area_have_symbols() {
        let price = fact(number(129.0), Some("EUR"));
        assert!(agrees("en", "€129", &price));
        assert!(agrees("en", "129.00 euros", &price));
        assert!(!agrees("en", "$129", &price));
        let area = fact(number(38394.0), Some("km²"));
        assert!(agrees("en", "38,394 km²", &area));
        assert!(agrees("en", "38394 square kilometres", &area));
        assert!(!agrees("en", "38,394 square miles", &area));
    }

    #[test]
    fn dates_agree_part_by_part() {
        let delivery = fact(Value::Date("2026-12-03".to_owned()), None);
        for said in ["3 December 2026", "December 3, 2026", "3rd of December", "2026-12-03", "Dec 3"] {
            assert!(agrees("en", said, &delivery), "{said}");
        }
        assert!(!agrees("en", "4 December 2026", &delivery));
        assert!(!agrees("en", "3 December 2025", &delivery));
        assert!(agrees("zh", "2026年12月3日", &delivery));
        assert!(!agrees("zh", "12月4日", &delivery));
    }
}
