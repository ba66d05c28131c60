//! What one cell of a table says. In: a cell, and what its column is for. Out: the object of a fact.
//!
//! A table has no types of its own. The rule without a mapping looks at one cell at a time, so that the same row means the
//! same in every import: a number is a number, an ISO date or year-month is a date, `true` and `false` are booleans, text
//! that only looks like a number (`+93`, `007`, `1,234`) or is longer than 120 characters is text, and every other object
//! is an entity, to be linked and walked back from.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::triple::{coordinate, date, iri_object, number};
use crate::statement::Object;

/// Characters from which on an object is text.
const LONGEST_NAME: usize = 120;

/// What a column of facts holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// What each cell looks like.
    #[default]
    Auto,
    /// Ids of entities.
    Entity,
    Text,
    Number,
    Date,
    Boolean,
    Url,
    /// Latitude and longitude.
    Coordinate,
}

/// What a cell says, by the rule at the top.
pub(crate) fn value(cell: &str) -> Object {
    literal(cell).unwrap_or_else(|| iri_object(cell.to_owned()))
}

/// What a cell says by the same rule, with text where that has an entity.
pub(crate) fn value_or_text(cell: &str) -> Object {
    literal(cell).unwrap_or_else(|| text(cell))
}

pub(crate) fn text(cell: &str) -> Object {
    Object::Text { text: cell.to_owned(), language: None }
}

/// What a cell says of this kind; `None` where it is none. Entities get `prefix`.
pub(crate) fn typed(cell: &str, kind: Kind, prefix: &str, language: Option<&str>) -> Option<Object> {
    match kind {
        Kind::Auto => Some(value(cell)),
        Kind::Entity => Some(Object::Entity(id(prefix, cell).into_owned())),
        Kind::Text => Some(Object::Text { text: cell.to_owned(), language: language.map(str::to_owned) }),
        Kind::Number => number(cell).map(Object::number),
        Kind::Date => {
            let day = cell.split_once(['T', ' ']).map_or(cell, |(day, _)| day);
            date(day).map(|day| Object::Date(day.to_owned()))
        }
        Kind::Boolean => match cell.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" | "t" | "y" => Some(Object::Boolean(true)),
            "false" | "no" | "0" | "f" | "n" => Some(Object::Boolean(false)),
            _ => None,
        },
        Kind::Url => Some(Object::Url(format!("{prefix}{cell}"))),
        Kind::Coordinate => {
            let (latitude, longitude) = cell.split_once([',', ' ', ';'])?;
            coordinate(latitude.trim(), longitude.trim()).map(Object::Coordinate)
        }
    }
}

/// An id of a cell. Behind a prefix, what an IRI must not have is percent-encoded.
pub(crate) fn id<'a>(prefix: &str, cell: &'a str) -> Cow<'a, str> {
    if prefix.is_empty() {
        return cell.into();
    }
    let mut id = String::with_capacity(prefix.len() + cell.len());
    id.push_str(prefix);
    for c in cell.chars() {
        if c.is_ascii_control()
            || matches!(c, ' ' | '<' | '>' | '"' | '{' | '}' | '|' | '^' | '`' | '\\' | '%')
        {
            id.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            id.push(c);
        }
    }
    id.into()
}

/// What a cell says that is no name.
fn literal(cell: &str) -> Option<Object> {
    match cell {
        "true" | "True" | "TRUE" => return Some(Object::Boolean(true)),
        "false" | "False" | "FALSE" => return Some(Object::Boolean(false)),
        _ => {}
    }
    // What begins with a letter and is short is neither number, date nor code.
    if cell.len() <= LONGEST_NAME && cell.starts_with(|c: char| c.is_alphabetic()) {
        return None;
    }
    if is_number(cell) {
        return Some(Object::number(cell));
    }
    if cell.contains('-') && date(cell) == Some(cell) {
        return Some(Object::Date(cell.to_owned()));
    }
    let numeric = cell.bytes().all(|b| b.is_ascii_digit() || b"+-., ()".contains(&b));
    let is_code = numeric && cell.bytes().any(|b| b.is_ascii_digit());
    (is_code || cell.chars().count() > LONGEST_NAME).then(|| text(cell))
}

/// Digits with sign, decimals and exponent, without leading zeros or plus sign (those are codes).
fn is_number(cell: &str) -> bool {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    let plain = whole.bytes().all(|b| b.is_ascii_digit()) && (whole == "0" || !whole.starts_with('0'));
    !whole.is_empty() && plain && cell.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_told_apart() {
        assert_eq!(value("Sarasota"), Object::Entity("Sarasota".into()));
        assert_eq!(value("50 Cent"), Object::Entity("50 Cent".into()));
        assert_eq!(value("-3.5e4"), Object::number("-3.5e4"));
        assert_eq!(value("1971"), Object::number("1971"));
        assert_eq!(value("0.5"), Object::number("0.5"));
        assert_eq!(value("1907-12-17"), Object::Date("1907-12-17".into()));
        assert_eq!(value("true"), Object::Boolean(true));
        for code in ["+93", "007", "1,234"] {
            assert_eq!(value(code), Object::Text { text: code.into(), language: None });
        }
        assert_eq!(value("http://example.com/a"), Object::Entity("http://example.com/a".into()));
        assert_eq!(value("mailto:a@b.example"), Object::Url("mailto:a@b.example".into()));
        assert_eq!(value("inf"), Object::Entity("inf".into()));
        assert!(matches!(value(&"long ".repeat(40)), Object::Text { .. }));
    }

    #[test]
    fn columns_of_a_kind_take_only_that() {
        let of = |cell, kind| typed(cell, kind, "", None);
        assert_eq!(of("+12.5", Kind::Number), Some(Object::number("12.5")));
        assert_eq!(of("twelve", Kind::Number), None);
        assert_eq!(of("2020-01-02T03:04:05Z", Kind::Date), Some(Object::Date("2020-01-02".into())));
        assert_eq!(of("Yes", Kind::Boolean), Some(Object::Boolean(true)));
        assert_eq!(of("27.5, 89.6", Kind::Coordinate), Some(Object::Coordinate("27.5 89.6".into())));
        assert_eq!(of("127.5, 89.6", Kind::Coordinate), None);
        assert_eq!(
            typed("a b%", Kind::Entity, "https://e.x/", None),
            Some(Object::Entity("https://e.x/a%20b%25".into()))
        );
    }
}
