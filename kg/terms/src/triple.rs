//! From a triple to what it means. In: subject, predicate and object as the file has them. Out: a statement, something
//! about the graph itself, or a reason.

use std::borrow::Cow;

use oxrdf::vocab::xsd;
use oxrdf::{NamedOrBlankNodeRef, TermRef, TripleRef};
use percent_encoding::percent_decode_str;

use crate::statement::{Describes, Object, Statement};
use crate::vocabulary::{
    DATE, NAME, NOTHING, RDF_TYPE, Term, UNIT, UNKNOWN, WKT, XSD, is_graph_class, is_property_class, term,
};
use crate::wikidata as names;

/// What the import made of a triple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A fact or a description.
    Statement(Statement),
    /// This subject is the graph itself.
    Graph(String),
    /// Where something comes from.
    Source {
        /// The id of that something.
        about: String,
        /// The source.
        text: String,
    },
    /// The terms something may be used under.
    License {
        /// The id of that something.
        about: String,
        /// The licence.
        text: String,
    },
    /// There is a page of Wikipedia about it, in this language.
    Page {
        /// The id of what it is about.
        about: String,
        /// The language.
        language: String,
    },
    /// Nothing to keep, and nothing wrong.
    Nothing,
}

/// Why a triple is not kept, and the text in it to look for when searching its line.
pub struct Refusal {
    /// Why.
    pub reason: String,
    /// The text to look for.
    pub near: String,
}

/// A triple as a file has it.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// `None` where it is a blank node.
    pub subject: Option<&'a str>,
    /// The predicate's IRI.
    pub predicate: &'a str,
    /// The object.
    pub object: Part<'a>,
}

/// An object as a file has it.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A thing.
    Iri(&'a str),
    /// A thing without a name.
    Blank,
    /// A value.
    Literal {
        /// As written.
        text: &'a str,
        /// The datatype's IRI; `None` for text.
        datatype: Option<&'a str>,
        /// The language tag, where there is one.
        language: Option<&'a str>,
    },
}

impl<'a> From<TripleRef<'a>> for Parts<'a> {
    fn from(triple: TripleRef<'a>) -> Self {
        let subject = match triple.subject {
            NamedOrBlankNodeRef::NamedNode(node) => Some(node.as_str()),
            NamedOrBlankNodeRef::BlankNode(_) => None,
        };
        let object = match triple.object {
            TermRef::NamedNode(node) => Part::Iri(node.as_str()),
            TermRef::BlankNode(_) => Part::Blank,
            TermRef::Literal(literal) => {
                let (text, language) = (literal.value(), literal.language());
                let datatype = literal.datatype();
                let is_text = language.is_some() || datatype == xsd::STRING;
                Part::Literal { text, datatype: (!is_text).then(|| datatype.as_str()), language }
            }
        };
        Self { subject, predicate: triple.predicate.as_str(), object }
    }
}

/// What a triple means; one that is part of a described fact is for the import.
///
/// # Errors
/// It is about a blank node, or its literal is no value of its datatype.
pub fn understand(parts: Parts<'_>) -> Result<Meaning, Refusal> {
    let Some(subject) = parts.subject else { return Err(blank()) };
    if let Some(meaning) = names::peculiar(subject, &parts) {
        return Ok(meaning);
    }
    let property = names::predicate_of_property(subject);
    let is_property = property.is_some();
    let subject = property.unwrap_or_else(|| id_of(subject).into_owned());
    let meaning = term(parts.predicate);
    match meaning {
        Term::Describes(_) | Term::Source | Term::License => {
            let (text, language) = match parts.object {
                Part::Literal { text, language, .. } => (text, language),
                Part::Iri(iri) => (&*id_of(iri), None),
                Part::Blank => return Err(blank()),
            };
            return Ok(describe(subject, meaning, text.to_owned(), language.map(str::to_owned)));
        }
        Term::Type => {
            if let Part::Iri(iri) = parts.object {
                if is_graph_class(iri) {
                    return Ok(Meaning::Graph(subject));
                }
                if is_property_class(iri) {
                    return Ok(describes(subject, Describes::Property, String::new(), None));
                }
            }
        }
        _ => {}
    }
    if is_property {
        return Ok(Meaning::Nothing);
    }
    let predicate = if meaning == Term::Type { RDF_TYPE.into() } else { id_of(parts.predicate) };
    let object = object(parts.predicate, parts.object)?;
    Ok(Meaning::Statement(Statement::fact(&subject, &predicate, object)))
}

/// The object of a fact or the value of a qualifier.
///
/// # Errors
/// It is a blank node, or no value of its datatype.
pub fn object(predicate: &str, part: Part<'_>) -> Result<Object, Refusal> {
    match part {
        Part::Iri(UNKNOWN) => Ok(Object::Unknown),
        Part::Iri(NOTHING) => Ok(Object::Nothing),
        Part::Iri(iri) if iri.starts_with(NAME) => Ok(Object::Entity(id_of(iri).into_owned())),
        Part::Iri(iri) => Ok(names::object(predicate, iri).unwrap_or_else(|| iri_object(iri.to_owned()))),
        Part::Blank if names::is_direct(predicate) => Ok(Object::Unknown),
        Part::Blank => Err(blank()),
        Part::Literal { text, datatype, language } => literal_object(text, datatype, language),
    }
}

/// The id that an IRI stands for: itself, or the name that it was made from.
pub fn id_of(iri: &str) -> Cow<'_, str> {
    match iri.strip_prefix(NAME).and_then(percent_decoded) {
        Some(name) => Cow::Owned(name),
        None => Cow::Borrowed(iri),
    }
}

/// A description or an origin, from its parts.
pub fn describe(about: String, meaning: Term, text: String, language: Option<String>) -> Meaning {
    match meaning {
        Term::Source => Meaning::Source { about, text },
        Term::License => Meaning::License { about, text },
        Term::Describes(what) => describes(about, what, text, language),
        _ => describes(about, Describes::Alias, text, language),
    }
}

/// A description, from its parts.
pub fn describes(about: String, what: Describes, text: String, language: Option<String>) -> Meaning {
    Meaning::Statement(Statement::Description { about, what, text, language })
}

/// An IRI as object: mail and telephone addresses are values, everything else may be an entity.
pub fn iri_object(iri: String) -> Object {
    if iri.starts_with("mailto:") || iri.starts_with("tel:") { Object::Url(iri) } else { Object::Entity(iri) }
}

fn blank() -> Refusal {
    Refusal {
        reason: "a blank node has no name to ask for or to cite; give it an IRI".to_owned(),
        near: "[".to_owned(),
    }
}

/// A literal by its datatype. One that its datatype does not allow is refused; other datatypes are kept as text.
fn literal_object(text: &str, datatype: Option<&str>, language: Option<&str>) -> Result<Object, Refusal> {
    let plain = || Object::Text { text: text.to_owned(), language: language.map(str::to_owned) };
    let Some(datatype) = datatype else { return Ok(plain()) };
    let trimmed = text.trim();
    if datatype == WKT {
        return Ok(point(trimmed).map_or_else(plain, Object::Coordinate));
    }
    let refuse =
        |kind: &str| Refusal { reason: format!("{text:?} is no value of {kind}"), near: text.to_owned() };
    if let Some(unit) = datatype.strip_prefix(UNIT) {
        let unit = percent_decoded(unit).filter(|unit| !unit.is_empty());
        let number = number(trimmed).map(str::to_owned);
        return match (number, unit) {
            (Some(lexical), Some(unit)) => Ok(Object::Number { lexical, unit: Some(unit) }),
            _ => Err(refuse("a unit")),
        };
    }
    if datatype == DATE {
        return Ok(Object::Date(trimmed.to_owned()));
    }
    let Some(kind) = datatype.strip_prefix(XSD) else { return Ok(plain()) };
    let object = match kind {
        "integer" | "decimal" | "double" | "float" | "int" | "long" | "short" | "byte"
        | "nonNegativeInteger" | "positiveInteger" | "nonPositiveInteger" | "negativeInteger"
        | "unsignedInt" | "unsignedLong" | "unsignedShort" | "unsignedByte" => {
            number(trimmed).map(Object::number)
        }
        "date" | "gYear" | "gYearMonth" => date(trimmed).map(|date| Object::Date(date.to_owned())),
        "dateTime" => match trimmed.split_once('T') {
            Some((day, _)) if is_beyond_history(day) => {
                Some(Object::Text { text: day.to_owned(), language: None })
            }
            Some((day, _)) => date(day).map(|day| Object::Date(day.to_owned())),
            None => None,
        },
        "boolean" => match trimmed {
            "true" | "1" => Some(Object::Boolean(true)),
            "false" | "0" => Some(Object::Boolean(false)),
            _ => None,
        },
        "anyURI" => Some(Object::Url(trimmed.to_owned())),
        _ => Some(plain()),
    };
    object.ok_or_else(|| refuse(&format!("xsd:{kind}")))
}

/// A finite number without its plus sign.
pub fn number(text: &str) -> Option<&str> {
    let text =
        text.strip_prefix('+').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
    text.parse::<f64>().is_ok_and(f64::is_finite).then_some(text)
}

/// Whether the year has more digits than a calendar needs, as geological times have.
fn is_beyond_history(day: &str) -> bool {
    let year = day.trim_start_matches(['-', '+']).split('-').next().unwrap_or_default();
    year.len() > 6 && year.bytes().all(|byte| byte.is_ascii_digit())
}

/// Latitude and longitude, with a space between, of `Point(longitude latitude)` on Earth.
fn point(text: &str) -> Option<String> {
    let inside = text.get(..5).filter(|head| head.eq_ignore_ascii_case("point")).map(|_| text[5..].trim())?;
    let mut numbers = inside.strip_prefix('(')?.strip_suffix(')')?.split_whitespace();
    let (longitude, latitude) = (numbers.next()?, numbers.next()?);
    if numbers.next().is_some() {
        return None;
    }
    coordinate(latitude, longitude)
}

/// Latitude and longitude as they are stored, where they are on the globe.
pub fn coordinate(latitude: &str, longitude: &str) -> Option<String> {
    let (latitude, longitude) = (number(latitude)?, number(longitude)?);
    let within = |text: &str, most: f64| text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
    (within(latitude, 90.0) && within(longitude, 360.0)).then(|| format!("{latitude} {longitude}"))
}

/// The text with `%20` and its like as what they stand for; `None` where that is no text.
pub fn percent_decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

/// The date in `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, without a time zone; `None` where the text is no date.
pub fn date(text: &str) -> Option<&str> {
    let zone = text.strip_suffix('Z').or_else(|| {
        let (date, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
        (zone.starts_with(['+', '-']) && zone.as_bytes()[3] == b':').then_some(date)
    });
    let text = zone.unwrap_or(text);
    let mut parts = text.strip_prefix('-').unwrap_or(text).split('-');
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        (digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())?
    };
    let year = number(parts.next()?, 4..=6)?;
    if let Some(month) = parts.next() {
        let month = number(month, 2..=2).filter(|month| (1..=12).contains(month))?;
        if let Some(day) = parts.next() {
            let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
            let days = match month {
                2 => 28 + u32::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            number(day, 2..=2).filter(|day| (1..=days).contains(day))?;
        }
    }
    parts.next().is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_checked_by_the_calendar() {
        for good in ["1907", "1907-12", "1907-12-17", "2024-02-29", "-0044-03-15"] {
            assert_eq!(date(good), Some(good));
        }
        assert_eq!(date("2024-02-29Z"), Some("2024-02-29"));
        assert_eq!(date("2024-02-29+06:00"), Some("2024-02-29"));
        for bad in ["", "19", "1907-13", "2023-02-29", "1907-12-17-1", "1907/12", "12-17-1907", "é-044"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
