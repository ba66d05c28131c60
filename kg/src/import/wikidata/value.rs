//! Values of claims. In: a snak. Out: the object of a fact.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::triple::{coordinate, number};
use super::entity::Text;
use super::names::{DIRECT, ENTITY, is_id};
use super::time;
use crate::statement::Object;

/// A property with a value, without one, or with one that is not known.
#[derive(Deserialize)]
pub(super) struct Snak<'a> {
    snaktype: SnakType,
    #[serde(borrow)]
    datavalue: Option<DataValue<'a>>,
    #[serde(borrow)]
    datatype: Option<Text<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SnakType {
    Value,
    SomeValue,
    NoValue,
}

#[derive(Deserialize)]
struct DataValue<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
struct EntityId<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "entity-type")]
    kind: Option<Text<'a>>,
    #[serde(rename = "numeric-id")]
    number: Option<u64>,
}

#[derive(Deserialize)]
struct Time<'a> {
    #[serde(borrow)]
    time: Text<'a>,
    precision: u8,
    #[serde(borrow)]
    calendarmodel: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Coordinate<'a> {
    latitude: f64,
    longitude: f64,
    #[serde(borrow)]
    globe: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Quantity<'a> {
    #[serde(borrow)]
    amount: Text<'a>,
    #[serde(borrow)]
    unit: Text<'a>,
}

#[derive(Deserialize)]
struct Monolingual<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    language: Text<'a>,
}

/// The value of a snak; `None` where its kind is not known.
pub(super) fn object(snak: &Snak<'_>) -> Result<Option<Object>, String> {
    match (snak.snaktype, &snak.datavalue) {
        (SnakType::SomeValue, _) => Ok(Some(Object::Unknown)),
        (SnakType::NoValue, _) => Ok(Some(Object::Nothing)),
        (SnakType::Value, None) => Err("a claim has no value and does not say so".to_owned()),
        (SnakType::Value, Some(value)) => of_kind(value, snak.datatype.as_deref().unwrap_or_default()),
    }
}

fn of_kind(data: &DataValue<'_>, datatype: &str) -> Result<Option<Object>, String> {
    let object = match &*data.kind {
        "wikibase-entityid" => Object::Entity(entity_id(&parse(data)?)?),
        "string" => string(&parse::<Text<'_>>(data)?, datatype),
        "time" => {
            let value: Time<'_> = parse(data)?;
            let julian = value.calendarmodel.is_some_and(|model| model.ends_with("/Q1985786"));
            time::object(&value.time, value.precision, julian)
                .ok_or_else(|| format!("{:?} is no point in time", &*value.time))?
        }
        "globecoordinate" => {
            let value: Coordinate<'_> = parse(data)?;
            let (latitude, longitude) = (value.latitude.to_string(), value.longitude.to_string());
            let on_earth = value.globe.is_none_or(|globe| globe.ends_with("/Q2"));
            match coordinate(&latitude, &longitude).filter(|_| on_earth) {
                Some(degrees) => Object::Coordinate(degrees),
                None => Object::Text { text: format!("{latitude}, {longitude}"), language: None },
            }
        }
        "quantity" => {
            let value: Quantity<'_> = parse(data)?;
            let lexical = number(&value.amount)
                .ok_or_else(|| format!("{:?} is no quantity", &*value.amount))?
                .to_owned();
            let unit = value.unit.rsplit('/').next().filter(|id| is_id(id, b'Q'));
            Object::Number { lexical, unit: unit.map(|id| format!("{ENTITY}{id}")) }
        }
        "monolingualtext" => {
            let value: Monolingual<'_> = parse(data)?;
            Object::Text { text: value.text.to_string(), language: Some(value.language.to_string()) }
        }
        _ => return Ok(None),
    };
    Ok(Some(object))
}

fn parse<'a, T: Deserialize<'a>>(data: &DataValue<'a>) -> Result<T, String> {
    serde_json::from_str(data.value.get()).map_err(|error| format!("a {} is wrong: {error}", &*data.kind))
}

/// The id of an entity; dumps before 2017 have its number alone.
fn entity_id(value: &EntityId<'_>) -> Result<String, String> {
    let id = match (&value.id, value.kind.as_deref(), value.number) {
        (Some(id), _, _) => id.to_string(),
        (None, Some("item"), Some(number)) => format!("Q{number}"),
        (None, Some("property"), Some(number)) => format!("P{number}"),
        _ => return Err("a value that is an entity has no id".to_owned()),
    };
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match id.as_bytes().first() {
        Some(b'P') if is_id(&id, b'P') => Ok(format!("{DIRECT}{id}")),
        Some(first) if first.is_ascii_uppercase() && is_plain => Ok(format!("{ENTITY}{id}")),
        _ => Err(format!("{id:?} is no id of an entity")),
    }
}

fn string(text: &str, datatype: &str) -> Object {
    match datatype {
        "url" => Object::Url(text.to_owned()),
        "commonsMedia" => {
            // As Wikidata's RDF writes it.
            let mut url = "http://commons.wikimedia.org/wiki/Special:FilePath/".to_owned();
            for byte in text.bytes() {
                if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                    url.push(char::from(byte));
                } else {
                    url.push_str(&format!("%{byte:02X}"));
                }
            }
            Object::Url(url)
        }
        _ => Object::Text { text: text.to_owned(), language: None },
    }
}
