//! From an RDF triple to what it means. In: oxrdf terms. Out: a statement, something about the graph itself, or a reason.

use oxrdf::{Literal, NamedOrBlankNode, Term as RdfTerm, Triple};

use crate::statement::{Describes, Object, Statement};
use crate::vocabulary::{RDF_TYPE, Term, WKT, XSD, is_graph_class, is_property_class, term};

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
}

/// Why a triple is not kept, and the text in it to look for when searching its line.
pub struct Refusal {
    /// Why.
    pub reason: String,
    /// The text to look for.
    pub near: String,
}

/// What a triple means.
///
/// # Errors
/// It is about a blank node, or its literal is no value of its datatype.
pub fn understand(triple: Triple) -> Result<Meaning, Refusal> {
    let NamedOrBlankNode::NamedNode(subject) = triple.subject else {
        return Err(blank());
    };
    let subject = subject.into_string();
    let meaning = term(triple.predicate.as_str());
    if let Term::Relation | Term::Type = meaning {
        let object = match triple.object {
            RdfTerm::NamedNode(node) => {
                let iri = node.into_string();
                if meaning == Term::Type && is_graph_class(&iri) {
                    return Ok(Meaning::Graph(subject));
                }
                if meaning == Term::Type && is_property_class(&iri) {
                    return Ok(describes(subject, Describes::Property, String::new(), None));
                }
                iri_object(iri)
            }
            RdfTerm::BlankNode(_) => return Err(blank()),
            RdfTerm::Literal(literal) => literal_object(literal)?,
        };
        let predicate =
            if meaning == Term::Type { RDF_TYPE.to_owned() } else { triple.predicate.into_string() };
        return Ok(Meaning::Statement(Statement::fact(&subject, &predicate, object)));
    }
    let (text, language) = match triple.object {
        RdfTerm::Literal(literal) => {
            let (text, _, language) = literal.destruct();
            (text, language)
        }
        RdfTerm::NamedNode(node) => (node.into_string(), None),
        RdfTerm::BlankNode(_) => return Err(blank()),
    };
    Ok(describe(subject, meaning, text, language))
}

/// A description or an origin, from its parts.
pub fn describe(about: String, meaning: Term, text: String, language: Option<String>) -> Meaning {
    match meaning {
        Term::Source => Meaning::Source { about, text },
        Term::License => Meaning::License { about, text },
        Term::Describes(what) => describes(about, what, text, language),
        Term::Type | Term::Relation => describes(about, Describes::Alias, text, language),
    }
}

fn describes(about: String, what: Describes, text: String, language: Option<String>) -> Meaning {
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
fn literal_object(literal: Literal) -> Result<Object, Refusal> {
    let (text, datatype, language) = literal.destruct();
    let Some(datatype) = datatype else { return Ok(Object::Text { text, language }) };
    if datatype.as_str() == WKT {
        return place(&text).map(Object::Coordinate).ok_or_else(|| Refusal {
            reason: format!("{text:?} is no point of longitude and latitude in degrees"),
            near: text,
        });
    }
    let Some(kind) = datatype.as_str().strip_prefix(XSD) else {
        return Ok(Object::Text { text, language: None });
    };
    let trimmed = text.trim();
    let object = match kind {
        "integer" | "decimal" | "double" | "float" | "int" | "long" | "short" | "byte"
        | "nonNegativeInteger" | "positiveInteger" | "nonPositiveInteger" | "negativeInteger"
        | "unsignedInt" | "unsignedLong" | "unsignedShort" | "unsignedByte" => {
            trimmed.parse::<f64>().ok().filter(|value| value.is_finite()).map(|_| Object::number(trimmed))
        }
        "date" | "gYear" | "gYearMonth" => date(trimmed).map(|date| Object::Date(date.to_owned())),
        "dateTime" => {
            trimmed.split_once('T').and_then(|(day, _)| date(day)).map(|day| Object::Date(day.into()))
        }
        "boolean" => match trimmed {
            "true" | "1" => Some(Object::Boolean(true)),
            "false" | "0" => Some(Object::Boolean(false)),
            _ => None,
        },
        "anyURI" => Some(Object::Url(trimmed.into())),
        _ => Some(Object::Text { text: text.clone(), language: None }),
    };
    object.ok_or_else(|| Refusal { reason: format!("{text:?} is no value of xsd:{kind}"), near: text })
}

/// Latitude and longitude, as written, of a point in well-known text, which has the longitude first: `Point(89.6 27.4)`. The
/// reference system may be named before it if it is WGS 84 in that order.
fn place(text: &str) -> Option<String> {
    const CRS84: &str = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>";
    let text = text.trim();
    let point = text.strip_prefix(CRS84).unwrap_or(text).trim_start();
    let (kind, rest) = point.split_at_checked(5)?;
    let inside = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (longitude, latitude) = inside.trim().split_once(' ')?;
    let latitude = latitude.trim_start();
    let within = |degrees: &str, most: f64| {
        degrees.parse::<f64>().is_ok_and(|degrees| (-most..=most).contains(&degrees))
    };
    let good = kind.eq_ignore_ascii_case("point") && within(longitude, 180.0) && within(latitude, 90.0);
    good.then(|| format!("{latitude} {longitude}"))
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
    use super::{date, place};

    #[test]
    fn points_have_the_longitude_first() {
        for text in ["Point(89.64 27.47)", " POINT ( 89.64  27.47 )"] {
            assert_eq!(place(text).as_deref().map(str::trim), Some("27.47 89.64"), "{text}");
        }
        let named = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> Point(1 2)";
        assert_eq!(place(named).as_deref(), Some("2 1"));
        let other = "<http://www.opengis.net/def/crs/EPSG/0/27700> Point(1 2)";
        for bad in [
            "",
            "Point",
            "Point(1)",
            "Point(200 2)",
            "Line(1 2)",
            "Point(1 2 3)",
            "Point(NaN 1)",
            "日本国日",
            other,
        ] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

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
