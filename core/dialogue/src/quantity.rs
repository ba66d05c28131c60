//! Numbers, units and dates as values that can be compared. In: words of a sentence, or a fact's literal.
//! Out: quantities in base units. So "2 years" equals 24 months, and "1 year, 1 month" does not.

use loquat_contract::{Fact, Language, Unit, Value};

mod date;
mod numeral;

use crate::lexicon::{Lexicon, WordKind};
use crate::phrases::Phrasebook;
use crate::words::{Word, fold, keys};
pub(crate) use date::{CalendarDate, parse_iso_date};

/// A rounded number may be off by this share of it.
const ROUNDING: f64 = 0.02;
/// The dimensions that people round: never money, and never how long something lasts.
const ROUNDABLE: [&str; 7] = ["person", "square metre", "metre", "gram", "litre", "metre per second", "byte"];
/// A value that was converted to another unit may be rounded to the digits written, if it is off by no more than this share.
const CONVERTED: f64 = 0.005;

const MINUS: [char; 6] = ['-', '−', '–', '—', '‐', '‑'];

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
    /// Half a unit of the last digit written, in base units.
    half_digit: f64,
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
    known: Vec<(Dimension, f64, f64)>,
}

impl<'a> Units<'a> {
    /// The units of the lexicon and of the facts.
    pub(crate) fn new(lexicon: &'a Lexicon, facts: &[Fact]) -> Self {
        let mut units = Self { lexicon, names: Phrasebook::default(), known: Vec::new() };
        for unit in &lexicon.units {
            let index = units.known.len();
            units.known.push((Dimension::Of(unit.dimension.clone()), unit.factor, unit.offset));
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
    fn of(&self, unit: &Unit) -> (Dimension, f64, f64) {
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
            Some(known) => (Dimension::Of(known.dimension.clone()), known.factor, known.offset),
            None => (Dimension::Of(names_of(unit).next().map(fold).unwrap_or_default()), 1.0, 0.0),
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
        self.known[known.len()..].iter().any(|(dimension, ..)| stands_for(dimension))
    }

    /// What a fact's object measures; `None` where it is neither number nor date.
    pub(crate) fn of_fact(&self, fact: &Fact) -> Option<Measure> {
        match &fact.object {
            Value::Number { value, .. } => {
                let (dimension, factor, offset) =
                    fact.unit().map_or((Dimension::Bare, 1.0, 0.0), |unit| self.of(unit));
                let value = value * factor + offset;
                let (tolerance, half_digit) = (0.0, 0.0);
                Some(Measure::Quantity(Quantity { value, dimension, tolerance, factor, half_digit }))
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

    /// The whole number that begins at `words[at]` and counts something, and how many words it covers.
    pub(crate) fn count_at(&self, text: &str, words: &[Word], at: usize) -> Option<(u64, usize)> {
        let numeral = self.numeral_at(text, words, at)?;
        let before = &text[..words[at].range.start];
        let is_whole = numeral.value.fract() == 0.0 && (0.0..1e9).contains(&numeral.value);
        let is_percent = words[at].folded == "百" || text[words[at].range.end..].starts_with(['%', '％']);
        (is_whole && !is_percent && !before.ends_with(MINUS))
            .then_some((numeral.value as u64, numeral.length))
    }

    fn continued_at(&self, text: &str, words: &[Word], at: usize) -> Option<(Quantity, usize, usize)> {
        let word = words.get(at)?;
        let skipped = usize::from(matches!(word.folded.as_str(), "and" | "零"));
        let (quantity, length) = self.quantity_at(text, words, at + skipped)?;
        Some((quantity, skipped, length))
    }

    fn quantity_at(&self, text: &str, words: &[Word], at: usize) -> Option<(Quantity, usize)> {
        let word = words.get(at)?;
        let numeral::Numeral { value, mut length, last_digit, is_spelled: spelled } =
            self.numeral_at(text, words, at)?;
        let rounded = self.is_approximate(words, at, length);
        let unit = self.names.longest_at(words, at + length);
        let unit_before = self.symbol_beside(text, word);
        let is_percent = word.folded == "百" && words.get(at + 1).is_some_and(|word| word.folded == "分");
        let (dimension, factor, offset) = match (&unit, unit_before) {
            _ if is_percent => (Dimension::Of("percent".to_owned()), 1.0, 0.0),
            (Some(found), _) => {
                length += found.length;
                self.known[*found.tags.first()?].clone()
            }
            (None, Some(index)) => self.known[index].clone(),
            // A number in words counts only with its unit: "one" is mostly not a number.
            (None, None) if spelled => return None,
            (None, None) => (Dimension::Bare, 1.0, 0.0),
        };
        let is_roundable = match &dimension {
            Dimension::Bare => true,
            Dimension::Of(name) => is_roundable(name),
        };
        let tolerance = if rounded && is_roundable {
            (last_digit / 2.0).min(value.abs() * ROUNDING) * factor
        } else {
            0.0
        };
        let before = &text[..word.range.start];
        let is_negative =
            before.ends_with(MINUS) && !before.trim_end_matches(MINUS).ends_with(char::is_alphanumeric);
        let sign = if is_negative { -1.0 } else { 1.0 };
        let half_digit = last_digit / 2.0 * factor;
        let value = sign * value * factor + offset;
        Some((Quantity { value, dimension, tolerance, factor, half_digit }, length))
    }

    /// Whether a word like "about" stands before the number, or one like "左右" behind it and its unit.
    fn is_approximate(&self, words: &[Word], at: usize, length: usize) -> bool {
        let says = |place: usize, length: usize| {
            let found = self.lexicon.kinds.longest_at(words, place);
            found.is_some_and(|found| found.length == length && found.tags.contains(&WordKind::Approximately))
        };
        let before = (1..=3).any(|back| at.checked_sub(back).is_some_and(|place| says(place, back)));
        let unit = self.names.longest_at(words, at + length).map_or(0, |found| found.length);
        before || self.lexicon.language.is_unspaced() && says(at + length + unit, 2)
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
                let is_converted = (said.factor - known.factor).abs() > known.factor * 1e-9
                    && matches!(&known.dimension, Dimension::Of(of) if is_roundable(of) || of == "kelvin");
                let converted =
                    if is_converted { said.half_digit.min(known.value.abs() * CONVERTED) } else { 0.0 };
                (said_value - known.value).abs() <= tolerance.max(converted).max(rounding)
            }
            (Measure::Date(said), Measure::Date(known)) => said.says(known),
            // A number beside a date of which only the year is known: "1995".
            (Measure::Quantity(said), Measure::Date(known)) => {
                let year = CalendarDate { year: Some(said.value as i32), ..CalendarDate::default() };
                said.dimension == Dimension::Bare
                    && said.value.fract() == 0.0
                    && known.month.is_none()
                    && year.says(known)
            }
            // A graph may keep a year as a plain number.
            (Measure::Date(said), Measure::Quantity(known)) => {
                known.dimension == Dimension::Bare
                    && said.is_one_year()
                    && said.year.map(f64::from) == Some(known.value)
            }
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

fn is_roundable(dimension: &str) -> bool {
    ROUNDABLE.contains(&dimension)
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

/// The value of the last digit that was written as exact: 0.1 of "5.2", 10,000 of "780,000".
fn last_digit(text: &str) -> f64 {
    let plain = text.replace(',', "");
    match plain.split_once('.') {
        Some((_, decimals)) => 10f64.powi(-(decimals.len() as i32)),
        None => 10f64.powi((plain.len() - plain.trim_end_matches('0').len()) as i32),
    }
}

#[cfg(test)]
mod tests;
