//! Values in words. In: a fact's object. Out: its name with article, its number with digit groups and unit, its date written out.

use loquat_contract::{Fact, Label, Unit, Value};

use super::fill;
use crate::lexicon::Lexicon;
use crate::quantity::parse_iso_date;

/// A fact's object in words, with article, digit groups and unit.
pub(crate) fn object(fact: &Fact, lexicon: &Lexicon) -> String {
    match &fact.object {
        Value::Entity(entity) => entity.name_in_sentence(&lexicon.language),
        Value::Number { lexical, value, .. } => {
            let number = grouped(lexical, &lexicon.realise.group);
            match fact.unit().and_then(|unit| unit_name(unit, *value, lexicon)) {
                Some(unit) if lexicon.language.is_unspaced() => format!("{number}{unit}"),
                Some(unit) => format!("{number} {unit}"),
                None => number,
            }
        }
        Value::Date(text) => date(text, lexicon),
        Value::Boolean(true) => lexicon.lines.yes.clone(),
        Value::Boolean(false) => lexicon.lines.no.clone(),
        Value::Text(label) => label.text.clone(),
        Value::Url(text) => text.clone(),
        Value::Coordinate { .. } | Value::Unknown | Value::Nothing => fact.object.text(&lexicon.language),
    }
}

/// The unit as it stands behind a number: the symbol, or the word in languages that write it without a space.
fn unit_name(unit: &Unit, value: f64, lexicon: &Lexicon) -> Option<String> {
    let own = |label: &&Label| label.language.as_ref().is_some_and(|own| own.matches(&lexicon.language));
    let word = unit.labels.iter().find(own).map(|label| &label.text);
    let symbol = (!unit.symbol.is_empty()).then_some(&unit.symbol);
    let name = if lexicon.language.is_unspaced() { word.or(symbol) } else { symbol.or(word) };
    let name = name.or(unit.labels.first().map(|label| &label.text))?;
    // "1 months" reads badly; English words for units are given in the plural.
    let is_word = Some(name) == word && lexicon.language.primary() == "en";
    let is_one = is_word && (value - 1.0).abs() < f64::EPSILON;
    Some(if is_one { name.strip_suffix('s').unwrap_or(name).to_owned() } else { name.clone() })
}

/// `777486` as `777,486`; four digits stay together, and so do the decimals.
fn grouped(lexical: &str, separator: &str) -> String {
    let (sign, unsigned) = lexical.strip_prefix('-').map_or(("", lexical), |rest| ("-", rest));
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let decimals = if decimals.bytes().all(|b| b == b'0') { "" } else { decimals };
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return lexical.to_owned();
    }
    let mut digits = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if whole.len() > 4 && index > 0 && (whole.len() - index).is_multiple_of(3) {
            digits.push_str(separator);
        }
        digits.push(digit);
    }
    if decimals.is_empty() { format!("{sign}{digits}") } else { format!("{sign}{digits}.{decimals}") }
}

/// A date as people write it; one that is less precise than a day as it stands.
fn date(text: &str, lexicon: &Lexicon) -> String {
    let Some(date) = parse_iso_date(text) else { return text.to_owned() };
    let (Some(year), Some(month), Some(day)) = (date.year, date.month, date.day) else {
        return text.to_owned();
    };
    let Some(name) = lexicon.realise.month_names.get(month as usize - 1) else { return text.to_owned() };
    fill(&lexicon.realise.date, &[("year", &year.to_string()), ("month", name), ("day", &day.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicons;

    #[test]
    fn numbers_are_grouped_and_keep_their_decimals() {
        for (lexical, written) in [
            ("884546", "884,546"),
            ("38394.0", "38,394"),
            ("1999", "1999"),
            ("129.50", "129.50"),
            ("-12345.5", "-12,345.5"),
        ] {
            assert_eq!(grouped(lexical, ","), written);
        }
    }

    #[test]
    fn dates_are_written_out() {
        let lexicons = Lexicons::builtin().unwrap();
        assert_eq!(date("2026-12-03", lexicons.of(&loquat_contract::Language::english())), "3 December 2026");
        assert_eq!(date("2026-12-03", lexicons.of(&loquat_contract::Language::chinese())), "2026年12月3日");
    }
}
